"""Musical and real time: bars, clocks, tempo maps, what a bar costs."""
