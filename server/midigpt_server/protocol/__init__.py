"""The messages of the protocol: one table each way, the OSC codec, the manual."""
