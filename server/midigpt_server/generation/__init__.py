"""From a frozen job to bars: scheduling, the generation thread, the inference engine."""
