"""Which bars the agents owe, and what becomes of them: generated, late, filled, taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from midigpt_server.generation.job import Job, JobTrack, PromptState, Result
from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.outbound import error
from midigpt_server.session import scheduling
from midigpt_server.session.delivery import Delivery
from midigpt_server.session.fallback import fallback_bar
from midigpt_server.session.foresight import Foresight
from midigpt_server.session.observer import JobTiming
from midigpt_server.session.piece import Track
from midigpt_server.session.snapshot import Wanted, freeze
from midigpt_server.session.stage import Stage
from midigpt_server.session.takes import Takes
from midigpt_server.timing.bars import BarNote

#: a bar wanted at its own bar line (lead_beats 0) may take so many seconds before it is filled
GRACE_SECONDS = 0.12
_ASKED_BARS = 16  # remembered, so that none is asked for twice
_OWN_BARS = 8  # bars back that a fallback looks for notes


class Answers:
    """At most one job at a time: agents write in creation order, so that each hears those before.

    ``wanted`` is keyed by agent and whether the bar is wanted again (regenerate).
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._delivery = Delivery(stage)
        self.foresight = Foresight()
        self._asked: dict[int, dict[int, int]] = {}  # agent -> bars asked for, with lookahead
        self.wanted: dict[tuple[int, bool], Wanted] = {}
        self.current: Wanted | None = None
        self.job: Job | None = None

    # --- wanting ---------------------------------------------------------------------------

    def bar_ended(self, bar: int) -> None:
        """A bar has ended: want the next target of every agent."""
        self._delivery.bar_began(bar + 1)
        self.foresight.bar_began(bar + 1, self._stage.piece.tracks)
        stage, playhead = self._stage, self._stage.piece.playhead
        told = False
        for agent in stage.piece.agents:
            values = {**stage.values_of(agent), **stage.parameters.once}
            target = scheduling.target_bar(playhead, values)
            if missing := scheduling.bars_missing(playhead, values):
                if not told:
                    song_bar = stage.timeline.song_bar
                    stage.say("bar/buffering", song_bar(bar), missing, song_bar(target + missing))
                told = True
                continue
            self._want_next(agent, target, playhead)

    def want_missing(self) -> None:
        """Want the bars that the last bar end asked for, if agents have not written them."""
        playhead = self._stage.piece.playhead
        for agent in self._stage.piece.agents:
            values = {**self._stage.values_of(agent), **self._stage.parameters.once}
            target = scheduling.target_bar(playhead, values)
            if target not in agent.revisions and not scheduling.bars_missing(playhead, values):
                self._want_next(agent, target, playhead)

    def want_leading(self) -> None:
        """Want the bars that agents with lookahead 0 begin before their bar line."""
        playhead = self._stage.piece.playhead
        for agent in self._stage.piece.agents:
            moment = self._lead_time(agent)
            if moment is not None and moment <= self._stage.now:
                self._want_next(agent, playhead + 1, playhead + 1)

    def regenerate(self, agent: Track, bar: int) -> None:
        """Write a bar anew; raises ProtocolError 4 unless it was written and is not over."""
        self._require_changeable(agent, bar)
        self.flush(agent, bar)
        wanted = self._wanted(agent, bar, bar + 1, self._stage.piece.playhead)
        wanted.take, wanted.give_up_at = agent.revisions[bar], None
        self.wanted[agent.id, True] = wanted

    def undo(self, agent: Track) -> None:
        """Take back the newest bar that is not over; raises ProtocolError 4 if there is none."""
        bar = self._newest(agent)
        self._play_take(agent, bar, max(-1, self._takes(agent, bar).played - 1))

    def redo(self, agent: Track) -> None:
        """Undo the last undo of the newest bar; raises ProtocolError 4 if there is none."""
        bar = self._newest(agent)
        takes = self._takes(agent, bar)
        if takes.played + 1 >= len(takes.written):
            raise ProtocolError(Code.BAD_ARGUMENT, f"nothing of agent {agent.id} was taken back")
        self._play_take(agent, bar, takes.played + 1)

    def choose_take(self, agent: Track, bar: int, take: int) -> None:
        """Play a take of a bar; raises ProtocolError 4 unless the bar has it and is not over."""
        self._require_changeable(agent, bar)
        count = len(self._takes(agent, bar).written)
        if not -1 <= take < count:
            raise ProtocolError(
                Code.BAD_ARGUMENT,
                f"take = {take}: bar {self._stage.timeline.song_bar(bar)} has takes 0..{count - 1}",
            )
        self._play_take(agent, bar, take)

    def _require_changeable(self, agent: Track, bar: int) -> None:
        if bar < self._stage.piece.playhead or bar not in agent.revisions:
            raise ProtocolError(
                Code.BAD_ARGUMENT,
                f"bar_index = {self._stage.timeline.song_bar(bar)}: a bar that was written and is "
                "not over is wanted",
            )

    def _newest(self, agent: Track) -> int:
        bar = max(agent.revisions, default=-1)
        if bar < self._stage.piece.playhead:
            raise ProtocolError(Code.BAD_ARGUMENT, f"agent {agent.id} has no bar that is not over")
        return bar

    def _takes(self, agent: Track, bar: int) -> Takes:
        """Those of a bar; what a fallback has played is one of them too."""
        takes = agent.takes.setdefault(bar, Takes())
        if not takes.written and agent.bars.get(bar):
            takes.add(agent.bars[bar])
        return takes

    def _play_take(self, agent: Track, bar: int, take: int) -> None:
        takes = self._takes(agent, bar)
        takes.played = take
        self.flush(agent, bar)
        agent.bars[bar] = takes.notes()
        self._tell_take(agent, bar)
        self._delivery.whole_bar(agent, bar, agent.bars[bar], self._stage.values_of(agent))

    def _tell_take(self, agent: Track, bar: int) -> None:
        takes, song_bar = agent.takes[bar], self._stage.timeline.song_bar(bar)
        self._stage.say("generated/take", agent.id, song_bar, takes.played, len(takes.written))

    def _want_next(self, agent: Track, target: int, heard: int) -> None:
        values = {**self._stage.values_of(agent), **self._stage.parameters.once}
        lookahead = values["lookahead_bars"]
        asked = self._asked.setdefault(agent.id, {})
        if target in asked or agent.muted:
            return  # D34
        first, last = target, max(asked, default=target)
        if last < target - 1 and lookahead == asked.get(last):  # bar ends were lost on the way
            lost = self._wanted(agent, last + 1, target, heard)
            self._fill(lost, "its bar end is missing")
        if 1 < target - last <= values["model_dim"] // 2 and lookahead > asked[last]:
            first = max(last + 1, self._stage.piece.playhead)  # no bar falls into the gap (D35)
        asked[target] = lookahead
        for old in [bar for bar in asked if bar < target - _ASKED_BARS]:
            del asked[old]
        skipped = self.wanted.pop((agent.id, False), None)
        if skipped is not None:
            self._skip(skipped, target)
        end = target + values["num_anticipated_bars"]
        self.wanted[agent.id, False] = self._wanted(agent, first, end, heard)

    def _wanted(self, agent: Track, target: int, end: int, heard: int) -> Wanted:
        stage, values = self._stage, self._stage.values_of(agent)
        wanted = Wanted(agent, target, end, heard, values, stage.now)
        wanted.deadline = stage.time_of(target)
        if wanted.deadline is not None and values["fallback"] != "none":
            due = wanted.deadline - values["output_latency"]
            wanted.give_up_at = max(due, min(stage.now, wanted.deadline) + GRACE_SECONDS)
        return wanted

    def _skip(self, skipped: Wanted, target: int) -> None:
        last = min(skipped.end, target) - 1
        song_bar = self._stage.timeline.song_bar
        first, last_told = song_bar(skipped.target), song_bar(last)
        self._stage.say("generation/skipped", skipped.agent.id, first, last_told, "too late")
        skipped.end = last + 1
        self._fill(skipped, "too late")

    def _lead_time(self, agent: Track) -> float | None:
        """When to begin with the bar after the one that sounds, if that is before its bar line."""
        return self._next_bar_time(agent) if self._stage.value(agent, "lead_beats") else None

    def _next_bar_time(self, agent: Track) -> float | None:
        """When an agent with lookahead 0 begins with the next bar, if it has not and if it is
        known."""
        stage, bar = self._stage, self._stage.piece.playhead
        if stage.value(agent, "lookahead_bars") or agent.muted:
            return None
        line, beat = stage.time_of(bar + 1), stage.beat_seconds(bar)
        if line is None or beat is None or bar + 1 in self._asked.get(agent.id, ()):
            return None
        if scheduling.bars_missing(bar + 1, stage.values_of(agent)):
            return None
        return line - float(stage.value(agent, "lead_beats")) * beat

    # --- foreseeing ------------------------------------------------------------------------

    def foreseen_job(self) -> Job | None:
        """The job that will soon be wanted, with what has been heard so far, to be read ahead.

        It is offered each time that more is known, see :mod:`.foresight`.
        """
        stage, target = self._stage, self._stage.piece.playhead + 1
        for agent in stage.piece.agents:
            moment = self._foresee_time(agent)
            if moment is None or moment > stage.now:
                continue
            self.foresight.reads(agent, target, stage.now)
            wanted = self._wanted(agent, target, target + 1, target)
            values = {**wanted.values, **stage.parameters.once}
            return self._freeze(wanted, values)
        return None

    def _foresee_time(self, agent: Track) -> float | None:
        wanted_at = self._next_bar_time(agent)
        if wanted_at is None:
            return None
        return self.foresight.moment(agent, self._stage.piece.playhead + 1, wanted_at)

    def _freeze(self, wanted: Wanted, values: Mapping[str, Any]) -> Job:
        """With lookahead 0 the tracks stand in the order in which they can be read ahead."""
        stage = self._stage
        tracks = stage.piece.tracks
        if not values["lookahead_bars"]:
            tracks = self.foresight.ordered(wanted.target, tracks)
        return freeze(stage, wanted, values, stage.attributes_of(wanted.agent), tracks)

    # --- the job under way -----------------------------------------------------------------

    def next(self) -> Wanted | None:
        """What to begin with: the earliest bar; of equal ones that of the first agent."""
        return min(self.wanted.values(), key=lambda w: w.target, default=None)

    @property
    def is_waiting(self) -> bool:
        """Whether a job could begin now."""
        return self.job is None and bool(self.wanted)

    def begin(self) -> Job:
        """Freeze a snapshot for it and bind the one-shot parameters to it."""
        wanted = self.next()
        assert wanted is not None and self.job is None
        self.wanted = {key: w for key, w in self.wanted.items() if w is not wanted}
        stage = self._stage
        values = {**wanted.values, **stage.parameters.bind_once()}
        wanted.end = max(wanted.end, wanted.target + values["num_anticipated_bars"])
        wanted.values, wanted.began = values, stage.now
        self.current = wanted
        self.job = self._freeze(wanted, values)
        stage.say("status", "generating")
        return self.job

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
            takes = self._takes(agent, bar)
            takes.add(result.bars.get(bar, ()))
            agent.bars[bar] = takes.notes()
            if len(takes.written) > 1:
                self._tell_take(agent, bar)
        opened = self._delivery.open_bar(agent)
        if opened is not None:
            self._delivery.close(agent, values)
        for bar in range(job.target if opened is None else opened + 1, job.deliver_end):
            self._delivery.whole_bar(agent, bar, agent.bars[bar], values)
        wanted.notes = sum(len(agent.bars[b]) for b in range(job.target, job.deliver_end))
        if result.attributes:
            song_bar = self._stage.timeline.song_bar(job.target)
            self._stage.say(
                "sampled/attrs",
                {
                    "start_bar": song_bar,
                    "end_bar": song_bar + job.deliver_end - job.target,
                    "track_id": agent.id,
                    "attrs": result.attributes,
                    "requested": job.attributes,
                },
            )
        song_bar = self._stage.timeline.song_bar(job.target)
        self._stage.say(
            "generation/done",
            {
                "track_id": agent.id,
                "start_bar": song_bar,
                "end_bar": song_bar + job.deliver_end - job.target,
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
        self._fill(wanted, "generation failed")
        self._finish("failed")

    # --- time ------------------------------------------------------------------------------

    @property
    def wakeup(self) -> float | None:
        """When :meth:`advance` has something to do."""
        moments = [self._lead_time(agent) for agent in self._stage.piece.agents]
        moments += [self._foresee_time(agent) for agent in self._stage.piece.agents]
        moments += [wanted.give_up_at for wanted in self._pending()]
        return min((moment for moment in moments if moment is not None), default=None)

    def advance(self) -> None:
        """Time has passed: begin early, or fill what cannot be ready any more."""
        self.want_leading()
        now = self._stage.now
        for key, wanted in list(self.wanted.items()):
            if wanted.give_up_at is not None and wanted.give_up_at <= now:
                del self.wanted[key]
                self._fill(wanted, "too late")
        wanted_now = self.current
        if wanted_now is not None and wanted_now in self._pending():
            give_up_at = wanted_now.give_up_at
            if give_up_at is not None and give_up_at <= now:
                self._fill(wanted_now, "too late")
                self.cancel_job("too late")

    def _pending(self) -> list[Wanted]:
        """What has not begun to arrive at the client."""
        begun = [self.current] if self.current and self.current.first_note is None else []
        return [*self.wanted.values(), *begun]

    # --- ends ------------------------------------------------------------------------------

    def _fill(self, wanted: Wanted, reason: str) -> None:
        """The agent's fallback policy plays the bars; those that are over are told, and empty."""
        stage, agent, values = self._stage, wanted.agent, wanted.values
        if values["fallback"] == "none" or agent not in stage.piece.tracks:
            return
        for bar in range(max(wanted.target, stage.piece.playhead - _OWN_BARS), wanted.end):
            is_over = bar < stage.piece.playhead
            policy = "rest" if is_over else str(values["fallback"])
            if not wanted.take:  # a bar that could not be written anew stays as it was
                agent.bars[bar] = list(self._fallback_notes(agent, bar, policy, values))
            stage.say("bar/fallback", agent.id, stage.timeline.song_bar(bar), policy, reason)
            self._delivery.drop(agent)
            self._delivery.whole_bar(agent, bar, agent.bars[bar], values)

    def _fallback_notes(
        self, agent: Track, bar: int, policy: str, values: Mapping[str, Any]
    ) -> tuple[BarNote, ...]:
        own = [
            (self._stage.meter(b), agent.bars.get(b, ()))
            for b in range(bar - 1, max(-1, bar - 1 - _OWN_BARS), -1)
        ]
        seed = values["sampling_seed"] + bar
        return fallback_bar(policy, own, self._stage.meter(bar), agent.is_drum, seed)

    def flush(self, agent: Track | None = None, from_bar: int = 0) -> None:
        """What is scheduled will not sound, what sounds ends; players are told to do the same."""
        stage = self._stage
        stage.replies += stage.player.flush(stage.now, agent.id if agent else None, from_bar)
        self._delivery.flush(agent, from_bar)
        song_bar = stage.timeline.song_bar(from_bar) if from_bar else -1
        stage.say("generated/flush", agent.id if agent else -1, song_bar)

    def cancel(self, reason: str = "cancelled") -> None:
        """Nothing that was wanted will be heard of any more (D08, D09)."""
        self.wanted.clear()
        if self.job is not None:
            self.cancel_job(reason)

    def forget(self, agent: Track) -> None:
        """An agent is gone, or rests."""
        self.wanted = {key: w for key, w in self.wanted.items() if w.agent is not agent}
        if self.current is not None and self.current.agent is agent:
            self.cancel_job("cancelled")
        self._asked.pop(agent.id, None)
        self._delivery.drop(agent)

    def adopt(self, agent: Track, bar: int, notes: Sequence[BarNote]) -> None:
        """Take a bar as written, whoever wrote it: it is wanted no more, so nothing fills it."""
        agent.bars[bar] = list(notes)
        agent.takes.setdefault(bar, Takes()).adopt(notes)
        agent.revisions[bar] = 1
        for key, wanted in list(self.wanted.items()):
            if wanted.agent is agent and wanted.target <= bar:
                wanted.target = bar + 1
                if wanted.target >= wanted.end:
                    del self.wanted[key]

    def restart(self) -> None:
        """The next bar end asks anew, whatever was asked for before."""
        self._asked.clear()

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
