"""The OSC server: a state machine per session, one generation thread."""
