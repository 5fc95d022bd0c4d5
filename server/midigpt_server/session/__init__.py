"""One session: a state machine without I/O, threads or clock, and who plays in it."""
