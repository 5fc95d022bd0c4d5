"""A client that floods: ``python flooder.py PORT SECONDS KIND``; prints what it has sent."""

from __future__ import annotations

import random
import socket
import sys
import time

from midigpt_server.protocol import osc

_BATCH = 500


def packets(kind: str) -> list[bytes]:
    """What is sent again and again: notes, garbage, or bars without end."""
    rng = random.Random(1)
    if kind == "garbage":
        return [rng.randbytes(rng.randrange(1, 120)) for _ in range(_BATCH)]
    if kind == "bars":
        return [osc.encode("/midigpt/bar/end", (bar, 4, 4)) for bar in range(_BATCH)]
    return [
        osc.encode("/midigpt/note", (0, 60, 80, 0.5, 0.5, bar % 8), "iiiffi")
        for bar in range(_BATCH)
    ]


def main() -> None:
    port, seconds, kind = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    batch = packets(kind)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", port))
        if kind != "garbage":  # a session of its own, or it would play in somebody else's
            for address, *arguments in (
                *(("session/init", "flood"), ("track/create", 0, 0, 10, 0)),
                *(("track/create", 1, 0, 10, 1), ("session/start",)),
            ):
                out.send(osc.encode(f"/midigpt/{address}", arguments))
                time.sleep(0.1)
        out.setblocking(False)
        sent, began = 0, time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            if sent > 50_000 * passed:  # no faster than that
                time.sleep(0.001)
                continue
            for packet in batch:
                try:
                    out.send(packet)
                    sent += 1
                except (BlockingIOError, ConnectionRefusedError):
                    continue
    print(sent)


if __name__ == "__main__":
    main()
