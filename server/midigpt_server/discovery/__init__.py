"""How other programs find the server, on request: OSCQuery and zeroconf."""
