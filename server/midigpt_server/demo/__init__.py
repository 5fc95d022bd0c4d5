"""A client that plays a MIDI file at the server in real time and keeps what it heard."""
