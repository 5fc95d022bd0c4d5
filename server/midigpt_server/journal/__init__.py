"""What was played, on disk as it happens: to go on after a crash, to list and to export."""
