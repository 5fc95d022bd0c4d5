"""What becomes of the bars that the agents owe: written, late, filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from midigpt_server.generation.job import Job, JobTrack, PromptState, Result
from midigpt_server.protocol.errors import Code
from midigpt_server.protocol.outbound import error
from midigpt_server.session.delivery import Delivery
from midigpt_server.session.observer import JobTiming
from midigpt_server.session.owed import Owed
from midigpt_server.session.piece import Track
from midigpt_server.session.snapshot import Wanted, freeze
from midigpt_server.session.stage import Stage
from midigpt_server.session.substitute import Substitute
from midigpt_server.session.versions import Versions
from midigpt_server.timing.bars import BarNote


class Answers:
    """At most one job at a time: agents write in creation order and hear those before them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._delivery = Delivery(stage)
        self._substitute = Substitute(stage, self._delivery)
        self.owed = Owed(stage, self._substitute.fill)
        self.versions = Versions(stage, self._delivery)
        self.current: Wanted | None = None
        self.job: Job | None = None

    def bar_ended(self, bar: int) -> None:
        """A bar has ended: want the next target of every agent."""
        self._delivery.bar_began(bar + 1)
        self.owed.bar_ended(bar)
        self.owed.want_leading()

    def regenerate(self, agent: Track, bar: int) -> None:
        """Write a bar anew; raises ProtocolError 4 unless it was written and is not over."""
        self.versions.require_changeable(agent, bar)
        self._delivery.flush(agent, bar)
        self.owed.regenerate(agent, bar)

    def foreseen_job(self) -> Job | None:
        """The job that will soon be wanted, now that it is time to read ahead."""
        wanted = self.owed.foreseen()
        if wanted is None:
            return None
        return self._freeze(wanted, {**wanted.values, **self._stage.parameters.once})

    # --- the job under way -----------------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Whether a job could begin now."""
        return self.job is None and bool(self.owed.wanted)

    def begin(self) -> Job:
        """Freeze a snapshot for it and bind the one-shot parameters to it."""
        assert self.job is None
        wanted = self.owed.take()
        stage = self._stage
        values = {**wanted.values, **stage.parameters.bind_once()}
        wanted.end = max(wanted.end, wanted.target + values["num_anticipated_bars"])
        wanted.values, wanted.began = values, stage.now
        self.current = wanted
        self.job = self._freeze(wanted, values)
        stage.say("status", "generating")
        return self.job

    def _freeze(self, wanted: Wanted, values: Mapping[str, Any]) -> Job:
        """With lookahead 0 the tracks stand in the order in which they can be read ahead."""
        stage = self._stage
        tracks = stage.piece.tracks
        if not values["lookahead_bars"]:
            tracks = self.owed.foresight.ordered(wanted.target, tracks)
        return freeze(stage, wanted, values, stage.attributes_of(wanted.agent), tracks)

    def on_prompt_state(self, job: Job, prompt: PromptState) -> None:
        """The model is about to begin; ignored if the job is not this session's any more."""
        wanted = self.current
        if job is not self.job or wanted is None:
            return
        song_bar = self._stage.timeline.song_bar
        target = song_bar(job.target)
        tracks = [
            {
                "id": index,
                "track_id": track.id,
                "is_agent": track.is_agent,
                "states": list(prompt.states[track.id]),
            }
            for index, track in enumerate(self._as_created(job.tracks))
            if track.id in prompt.states
        ]
        start = target - (job.target - prompt.start_bar)
        end = target + (prompt.end_bar - job.target)
        self._stage.say(
            "prompt/state",
            {"target_bar": target, "start_bar": start, "end_bar": end, "tracks": tracks},
        )
        if prompt.dropped:
            reason = "the prompt would not fit the model's context"
            self._stage.say(
                "prompt/dropped",
                {"target_bar": target, "tracks": list(prompt.dropped), "reason": reason},
            )
        if wanted.values["streaming"]:
            self._delivery.open(wanted.agent, wanted.target)

    def _as_created(self, tracks: Sequence[JobTrack]) -> list[JobTrack]:
        created = {track.id: number for number, track in enumerate(self._stage.piece.tracks)}
        return sorted(tracks, key=lambda track: created.get(track.id, len(created)))

    def on_notes(self, job: Job, attempt: int, bar: int, notes: Sequence[BarNote]) -> None:
        """Notes as they are sampled; ``attempt`` voids those of the attempts before."""
        wanted = self.current
        if job is not self.job or wanted is None or bar < wanted.target:
            return
        agent, values = wanted.agent, wanted.values
        if wanted.notes and attempt > wanted.attempt:
            self._stage.replies += self._stage.player.flush(
                self._stage.now, agent.id, wanted.target
            )
            self._delivery.drop(agent)
            wanted.notes = 0
        wanted.attempt = attempt
        opened = self._delivery.open_bar(agent)
        if opened is not None and opened != bar:
            self._delivery.close(agent, values)
        if opened != bar:
            self._delivery.open(agent, bar)
        if wanted.first_note is None:
            wanted.first_note = self._stage.now
        wanted.notes += len(notes)
        self._delivery.notes(agent, notes, values)

    def on_result(self, job: Job, result: Result) -> None:
        """Bars are ready: they become the agent's history, those from the target on are sent."""
        wanted = self.current
        if job is not self.job or wanted is None:
            return
        agent, values = wanted.agent, wanted.values
        for bar in range(job.write_from, job.deliver_end):
            self.versions.keep(agent, bar, result.bars.get(bar, ()))
        opened = self._delivery.open_bar(agent)
        if opened is not None:
            self._delivery.close(agent, values)
        for bar in range(job.target if opened is None else opened + 1, job.deliver_end):
            self._delivery.whole_bar(agent, bar, agent.bars[bar], values)
        wanted.notes = sum(len(agent.bars[b]) for b in range(job.target, job.deliver_end))
        start_bar = self._stage.timeline.song_bar(job.target)
        end_bar = start_bar + job.deliver_end - job.target
        if result.attributes:
            self._stage.say(
                "sampled/attrs",
                {
                    "start_bar": start_bar,
                    "end_bar": end_bar,
                    "track_id": agent.id,
                    "attrs": result.attributes,
                    "requested": job.attributes,
                },
            )
        self._stage.say(
            "generation/done",
            {
                "track_id": agent.id,
                "start_bar": start_bar,
                "end_bar": end_bar,
                "tokens": result.tokens,
                "milliseconds": round(1000 * (self._stage.now - (wanted.began or wanted.at)), 1),
                "temperature": job.track_values.get("temperature", values["temperature"]),
                "seed": values["sampling_seed"],
            },
        )
        self._finish("done", used=True, tokens=result.tokens)

    def on_failure(self, job: Job, reason: str) -> None:
        """The generation brought nothing."""
        wanted = self.current
        if job is not self.job or wanted is None:
            return
        bar = self._stage.timeline.song_bar(job.target)
        self._stage.replies.append(error(Code.GENERATION_FAILED, f"bar {bar}: {reason}"))
        self._substitute.fill(wanted, "generation failed")
        self._finish("failed")

    # --- time ------------------------------------------------------------------------------

    @property
    def wakeup(self) -> float | None:
        """When :meth:`advance` has something to do."""
        moments = [self.owed.wakeup, self._give_up_at]
        return min((moment for moment in moments if moment is not None), default=None)

    def advance(self) -> None:
        """Time has passed: begin early, or fill what cannot be ready any more."""
        self.owed.want_leading()
        self.owed.fill_overdue()
        give_up_at = self._give_up_at
        if self.current is not None and give_up_at is not None and give_up_at <= self._stage.now:
            self._substitute.fill(self.current, "too late")
            self.cancel_job("too late")

    @property
    def _give_up_at(self) -> float | None:
        """When to give up the job under way, unless it has begun to arrive at the client."""
        wanted = self.current
        return wanted.give_up_at if wanted is not None and wanted.first_note is None else None

    # --- ends ------------------------------------------------------------------------------

    def flush(self, agent: Track | None = None) -> None:
        """What is scheduled will not sound, what sounds ends."""
        self._delivery.flush(agent)

    def cancel(self, reason: str = "cancelled") -> None:
        """Nothing that was wanted will be heard of any more (D08, D09)."""
        self.owed.wanted.clear()
        if self.job is not None:
            self.cancel_job(reason)

    def forget(self, agent: Track) -> None:
        """An agent is gone, or rests."""
        self.owed.forget(agent)
        if self.current is not None and self.current.agent is agent:
            self.cancel_job("cancelled")
        self._delivery.drop(agent)

    def adopt(self, agent: Track, bar: int, notes: Sequence[BarNote]) -> None:
        """Take a bar as written, whoever wrote it: it is owed no more, so nothing fills it."""
        self.versions.adopt(agent, bar, notes)
        self.owed.paid(agent, bar)

    def cancel_job(self, reason: str) -> None:
        """End the job under way; its events will be ignored."""
        assert self.job is not None and self.current is not None
        self.job.cancel.set()
        self._delivery.drop(self.current.agent)
        self._finish(reason)

    def _finish(self, outcome: str, used: bool = False, tokens: int = 0) -> None:
        wanted, stage = self.current, self._stage
        assert wanted is not None
        self.job = self.current = None
        stage.parameters.release_once(used)
        stage.say("status", "ready")
        stage.timings.append(
            JobTiming(
                track_id=wanted.agent.id,
                target=wanted.target,
                outcome=outcome,
                wanted=wanted.at,
                started=wanted.began,
                first_note=wanted.first_note,
                finished=stage.now,
                deadline=wanted.deadline,
                notes=wanted.notes,
                tokens=tokens,
            )
        )
