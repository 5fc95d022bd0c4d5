"""Plays real music at a running server in real time, in a process of its own, as several clients.

Reads one JSON object from standard input (see ``Setting`` in bench/live.py), prints one with what
arrived when. Bars are sent as a musician's patch does: each note when it is released, then the end
of the bar. With ``told`` = "onset" a note is told when it begins, as if it were held to the bar
line, and again if it is released before. A note is in time when it arrives before its onset, a bar
when all its notes are.
"""

from __future__ import annotations

import heapq
import json
import select
import statistics
import sys
import time
from collections.abc import Iterator

from midigpt import Score
from midigpt_server.client import Client
from midigpt_server.protocol.osc import Message

LEAD_IN = 0.5  # seconds before the first bar line
AFTER = 2.0  # seconds to listen after the last


class Player:
    """One session: its music, its clock, and what it heard."""

    def __init__(self, setting: dict, index: int) -> None:
        self.setting = setting
        score = Score.from_midi(setting["midi"])
        # sessions play different parts of the file
        self.tracks = [
            [track.bars[(bar + 7 * index) % len(track.bars)] for bar in range(setting["bars"])]
            for track in score.tracks[: setting["tracks"]]
        ]
        self.kinds = [(t.instrument, t.track_type) for t in score.tracks[: setting["tracks"]]]
        self.resolution = score.resolution
        self.meters = [self._meter(bar) for bar in range(setting["bars"] + 10)]
        self.client = Client(port=setting["port"], timeout=30)
        self.open: dict[int, list[tuple[float, float]]] = {}  # bar -> (onset, arrival)
        self.closed: dict[int, float] = {}
        self.fallbacks = self.errors = 0
        self.dates: list[tuple[int, float, float]] = []
        self.late = self.late_dropped = 0

    def _meter(self, bar: int) -> tuple[int, int]:
        meters = self.setting["meters"]
        return tuple(meters[bar // self.setting["bars_per_meter"] % len(meters)])

    def begin(self) -> None:
        send = self.client.send
        send("/midigpt/session/init", "bench")
        self.client.wait_for("/midigpt/session/ready")
        for index, (instrument, kind) in enumerate(self.kinds):
            send("/midigpt/track/create", index, instrument, 11 if kind == "drum" else 10, 0)
        if self.setting["parameters"].get("fallback"):
            send("/midigpt/agent/create", 99, 33, 10, self.setting["parameters"]["fallback"])
        else:
            send("/midigpt/track/create", 99, 33, 10, 1)
        for name, value in self.setting["parameters"].items():
            if name != "fallback":
                send("/midigpt/param/set", name, value)
        if self.setting["llama"]:
            send("/midigpt/track/param/set", 99, "model", "llama")
        send("/midigpt/session/start")
        self.client.wait_for("/midigpt/session/started")

    def schedule(self, start: float) -> Iterator[tuple[float, str, tuple]]:
        quarter = 60 / self.setting["bpm"]
        self.lines = [start]
        for numerator, denominator in self.meters:
            self.lines.append(self.lines[-1] + quarter * 4 * numerator / denominator)
        if self.setting["tempo"]:
            yield start - LEAD_IN / 2, "/midigpt/tempo", (float(self.setting["bpm"]),)
        for bar in range(self.setting["bars"]):
            begin, end = self.lines[bar], self.lines[bar + 1]
            meter = self.meters[bar]
            if bar and meter != self.meters[bar - 1] and self.setting["tempo"]:
                ahead = self.lines[max(0, bar - 2)]
                yield ahead, "/midigpt/meter", (bar, *meter)
            ticks = self.resolution * 4 * meter[0] / meter[1]
            for track, bars in enumerate(self.tracks):
                for note in bars[bar].notes:
                    onset = note.onset_ticks / ticks
                    if onset >= 1:
                        continue
                    duration = min(note.duration_ticks / ticks, 1.0)
                    released = begin + min(onset + duration, 1.0) * (end - begin) - 1e-4
                    told = (track, note.pitch, note.velocity, onset)
                    if self.setting["told"] == "onset":
                        struck = begin + onset * (end - begin)
                        yield struck, "/midigpt/note", (*told, 1 - onset, bar)
                    if self.setting["told"] == "release" or onset + duration < 1:
                        yield released, "/midigpt/note", (*told, duration, bar)
            yield end, "/midigpt/bar/end", (bar, *meter)

    def hear(self, message: Message, now: float) -> None:
        name, a = message.address.removeprefix("/midigpt/"), message.arguments
        if name == "generated/open":
            self.open[a[1]] = []
        elif name == "generated/note":
            self.open[a[1]].append((a[4], now))
            if message.time is not None:
                self.dates.append((a[1], a[4], message.time))
        elif name == "generated/close":
            self.closed[a[1]] = now
        elif name == "bar/fallback":
            self.fallbacks += 1
        elif name == "bar/late":
            self.late += 1
            self.late_dropped += a[3]
        elif name == "error":
            self.errors += 1
            print(a, file=sys.stderr)

    def result(self, unix: float) -> dict:
        """``unix`` added to a monotonic time gives seconds since 1970."""
        first = min(self.open, default=self.setting["bars"])
        due = range(first, self.setting["bars"])

        def onset_time(bar: int, onset: float) -> float:
            return self.lines[bar] + onset * (self.lines[bar + 1] - self.lines[bar])

        counts = [len(self.open[bar]) for bar in due if bar in self.open]
        mean = statistics.mean(counts) if counts else 1
        notes = in_time = bars_in_time = 0.0
        firsts = []
        slack = self.setting["slack"]
        for bar in due:
            heard = self.open.get(bar) if bar in self.closed else None
            if heard is None:
                notes += mean
                continue
            good = sum(arrived <= onset_time(bar, onset) + slack for onset, arrived in heard)
            notes += len(heard)
            in_time += good
            bars_in_time += good == len(heard)
            if heard:
                firsts.append(min(arrived for _, arrived in heard) - self.lines[bar])
        return {
            "bars": len(due),
            "notes": notes,
            "notes_in_time": in_time,
            "bars_in_time": bars_in_time,
            "missing": sum(bar not in self.closed for bar in due),
            "fallbacks": self.fallbacks,
            "errors": self.errors,
            "late": self.late,
            "dropped": self.late_dropped,
            "first_note": firsts,
            "date_errors": [
                abs(date - unix - onset_time(bar, onset)) for bar, onset, date in self.dates
            ],
        }


def main() -> None:
    setting = json.load(sys.stdin)
    players = [Player(setting, index) for index in range(setting["sessions"])]
    for player in players:
        player.begin()
    start = time.monotonic() + LEAD_IN
    unix = time.time() - time.monotonic()
    bar = 60 / setting["bpm"] * 4
    agenda: list[tuple[float, int, int, str, tuple]] = []
    for index, player in enumerate(players):
        shift = index * bar / len(players)  # sessions do not share their bar lines
        for number, (moment, address, arguments) in enumerate(player.schedule(start + shift)):
            agenda.append((moment, index, number, address, arguments))
    heapq.heapify(agenda)
    sockets = {player.client._socket: player for player in players}
    end = max(event[0] for event in agenda) + AFTER
    while (now := time.monotonic()) < end:
        while agenda and agenda[0][0] <= now:
            moment, index, _, address, arguments = heapq.heappop(agenda)
            if address == "/midigpt/bar/end":  # a client knows when its bar ended
                players[index].client.send_at(moment + unix, address, *arguments)
            else:
                players[index].client.send(address, *arguments)
            now = time.monotonic()
        wait = min(agenda[0][0] if agenda else end, end) - now
        ready, _, _ = select.select(list(sockets), [], [], max(0.0, wait))
        now = time.monotonic()
        for each in ready:
            player = sockets[each]
            player.hear(player.client.receive(), now)
            while player.client._waiting:
                player.hear(player.client.receive(), now)
    for player in players:
        player.client.send("/midigpt/session/stop")
    print(json.dumps([player.result(unix) for player in players]))


if __name__ == "__main__":
    main()
