"""Freeze what one generation needs of a session: its window of bars, and nothing older."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from midigpt_server.generation.job import Cancellation, Job, JobTrack
from midigpt_server.session import scheduling
from midigpt_server.session.piece import Track
from midigpt_server.session.stage import Stage
from midigpt_server.timing.bars import nearest_meter

#: Bars that a Llama may be told of; how many it reads is a matter of its context.
LLAMA_BARS = 24


@dataclass(eq=False)
class Wanted:
    """Bars that an agent owes: ``target`` to ``end``, not yet begun or in the making.

    Human bars before ``heard`` count as known; ``deadline`` is when ``target`` begins, and
    ``give_up_at`` when something else must be played; both None when the time is not known.
    """

    agent: Track
    target: int
    end: int
    heard: int
    values: dict[str, Any]  # persistent parameters of the moment it was wanted
    at: float
    take: int = 0
    deadline: float | None = None
    give_up_at: float | None = None
    began: float | None = None
    first_note: float | None = None
    attempt: int = 0
    notes: int = 0


def freeze(
    stage: Stage,
    wanted: Wanted,
    values: Mapping[str, Any],
    attributes: Mapping[str, int],
    tracks: Sequence[Track] | None = None,
) -> Job:
    """The job that writes ``wanted``, with the piece's ``tracks`` in this order.

    Source: the window and warm-up rules of MIDI-GPT 0.4.2's OSC server.
    """
    agent, target, piece = wanted.agent, wanted.target, stage.piece
    end = max(wanted.end, scheduling.score_end(target, values))
    is_llama = agent.parameters.get("model") == "llama"
    window_start = max(0, end - (LLAMA_BARS if is_llama else values["model_dim"]))
    policy = values["warmup_policy"]
    bootstrap = policy in ("b", "b_collapse") and not any(bar < target for bar in agent.bars)
    first = 0 if bootstrap and policy == "b" else window_start
    write_from = first if bootstrap else target
    bars = range(first, end)
    heard = max(piece.playhead, wanted.heard)
    empty = tuple(bar for bar in range(first, target) if not agent.bars.get(bar))

    def frozen(track: Track) -> JobTrack:
        """Bars not known yet, and those to be written, are left empty."""
        if track is agent:
            known = range(first, write_from)
            hidden = empty if policy == "a_masked" else ()
        elif track.is_agent:  # it may be ahead of the playhead: its bars count as soon as written
            known = bars
            hidden = tuple(b for b in bars if b >= piece.playhead and b not in track.revisions)
        else:
            known = range(first, heard)
            hidden = tuple(range(max(first, heard), end))
        return JobTrack(
            track.id,
            track.instrument,
            track.is_drum,
            track.is_agent,
            track.ignored or (track is not agent and track.muted),
            tuple(tuple(track.bars.get(bar, ())) if bar in known else () for bar in bars),
            hidden,
        )

    return Job(
        agent_id=agent.id,
        target=target,
        deliver_end=wanted.end,
        first_bar=first,
        end_bar=end,
        write_from=write_from,
        tracks=tuple(frozen(track) for track in tracks or piece.tracks),
        meters=tuple(nearest_meter(stage.meter(bar), stage.info.meters) for bar in bars),
        attributes=dict(attributes),
        values=dict(values),
        track_values=dict(agent.parameters),
        take=wanted.take,
        voice=f"{stage.session_id}/{agent.id}",
        deadline=wanted.deadline,
        tempo=stage.tempo.bpm,
        cancel=Cancellation(values["gen_timeout"]),
    )
