"""A client in a process of its own: plays a MIDI file at a server and prints what came back.

    python tests/server/band.py --port 7400 --midi song.mid --agent 0 --bars 64

Bars follow one another as fast as the server answers. The last line printed is JSON: one list of
[address, arguments] for each bar end.
"""

from __future__ import annotations

import argparse
import json

from midigpt import Score
from midigpt_server.client import Client

ANSWER_SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--midi", required=True)
    parser.add_argument("--agent", type=int, required=True, help="the track left to the model")
    parser.add_argument("--bars", type=int, required=True, help="the file is looped as needed")
    parser.add_argument("--param", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    options = parser.parse_args()
    score = Score.from_midi(options.midi)
    with Client(port=options.port, timeout=ANSWER_SECONDS) as client:
        _begin(client, score, options.agent, options.param)
        answers = [_play(client, score, options.agent, bar) for bar in range(options.bars)]
        client.send("/midigpt/session/stop")
        answers.append(_replies(client, "/midigpt/session/stopped"))
    print(json.dumps(answers))


def _begin(client: Client, score: Score, agent: int, parameters: list[list[str]]) -> None:
    client.send("/midigpt/session/init", "band")
    for index, track in enumerate(score.tracks):
        kind = 11 if track.track_type == "drum" else 10
        client.send("/midigpt/track/create", index, track.instrument, kind, int(index == agent))
    for name, value in parameters:
        client.send("/midigpt/param/set", name, value)
    client.send("/midigpt/session/start")
    replies = _replies(client, "/midigpt/session/started")
    assert not [reply for reply in replies if reply[0] == "/midigpt/error"], replies


def _play(client: Client, score: Score, agent: int, bar: int) -> list[list]:
    for index, track in enumerate(score.tracks):
        source = track.bars[bar % len(track.bars)]
        length = score.resolution * source.beat_length
        for note in source.notes if index != agent else ():
            client.send(
                "/midigpt/note",
                *(index, note.pitch, note.velocity),
                *(note.onset_ticks / length, note.duration_ticks / length),
                bar,
                tags="iiiffi",
            )
    source = score.tracks[0].bars[bar % len(score.tracks[0].bars)]
    client.send("/midigpt/bar/end", bar, source.ts_numerator, source.ts_denominator)
    first = client.receive()
    replies = [[first.address, list(first.arguments)]]
    if first.address != "/midigpt/bar/buffering":
        replies += [
            [reply.address, list(reply.arguments)]
            for reply in client.receive_until(lambda reply: reply.arguments == ("ready",))
        ]
    return replies


def _replies(client: Client, until: str) -> list[list]:
    replies = client.receive_until(lambda reply: reply.address == until)
    return [[reply.address, list(reply.arguments)] for reply in replies]


if __name__ == "__main__":
    main()
