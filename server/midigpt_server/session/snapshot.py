"""Freeze what one generation needs of a session: its window of bars, and nothing older."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from midigpt_server.generation.job import Cancellation, Job, JobTrack
from midigpt_server.session import scheduling
from midigpt_server.session.piece import Piece, Track
from midigpt_server.timing.bars import Meter, nearest_meter


def freeze(
    piece: Piece,
    target: int,
    values: Mapping[str, Any],
    attributes: Mapping[str, int],
    known_meters: tuple[Meter, ...],
) -> Job:
    """The job that writes ``target`` and the bars after it; ``piece`` must have an agent.

    Source: the window and warm-up rules of MIDI-GPT 0.4.2's OSC server.
    """
    agent = piece.agent
    assert agent is not None
    end = scheduling.score_end(target, values)
    window_start = end - values["model_dim"]
    policy = values["warmup_policy"]
    bootstrap = policy in ("b", "b_collapse") and not any(bar < target for bar in agent.bars)
    first = 0 if bootstrap and policy == "b" else window_start
    write_from = first if bootstrap else target
    bars = range(first, end)
    empty = tuple(bar for bar in range(first, target) if not agent.bars.get(bar))
    return Job(
        target=target,
        deliver_end=target + values["num_anticipated_bars"],
        playhead=piece.playhead,
        first_bar=first,
        end_bar=end,
        write_from=write_from,
        tracks=tuple(_freeze(track, bars, write_from, piece.playhead) for track in piece.tracks),
        meters=tuple(nearest_meter(piece.meter(bar), known_meters) for bar in bars),
        hidden_agent_bars=empty if policy == "a_masked" else (),
        attributes=dict(attributes),
        values=dict(values),
        track_values=dict(agent.parameters),
        cancel=Cancellation(values["gen_timeout"]),
    )


def _freeze(track: Track, bars: range, write_from: int, playhead: int) -> JobTrack:
    """Human bars from the playhead on and agent bars to be written are left empty."""
    known_until = write_from if track.is_agent else playhead
    return JobTrack(
        track.id,
        track.instrument,
        track.is_drum,
        track.is_agent,
        track.ignored,
        tuple(tuple(track.bars.get(bar, ())) if bar < known_until else () for bar in bars),
    )
