"""Agents that play with a text-to-music Llama: windows of events, and whole sessions offline."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tokenizers")
sys.path.append(str(Path(__file__).parents[1] / "core"))

from musician import Musician, opened_bars
from offline import OfflinePlayer, OfflineServer
from stand_in import model_info
from tiny_checkpoint import write_tiny_checkpoint
from tiny_llama import write_orderly_llama

from midigpt import _native, events
from midigpt.inference import InferenceEngine
from midigpt.inference.pretrained import bundled_llama
from midigpt.inference.task import drive
from midigpt_server.client import Client
from midigpt_server.generation.engine_backend import EngineBackend
from midigpt_server.generation.job import GenerationError, Job, JobTrack, PromptState, Result
from midigpt_server.generation.llama_backend import LlamaBackend
from midigpt_server.generation.llama_window import Window, instruments, names, quarter_ticks
from midigpt_server.generation.models import Models
from midigpt_server.generation.thread import (
    Failed,
    GenerationThread,
    Prompted,
    Sampled,
    Succeeded,
)
from midigpt_server.generation.usual_density import usual_density
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.parameters import PARAMETERS
from midigpt_server.server import Server
from midigpt_server.timing.bars import BarNote, Meter
from midigpt_server.transports.udp import UdpTransport

CONTEXT, PACE = 512, 40.0
PIANO, AGENT = 0, 1  # instruments that the model knows of
BASS = 33
COMMON = Meter(4, 4)


@pytest.fixture(scope="module")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_orderly_llama(tmp_path_factory.mktemp("llama"), CONTEXT, PACE)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> EngineBackend:
    path = tmp_path_factory.mktemp("gpt2") / "tiny.safetensors"
    write_tiny_checkpoint(path, "ghost")
    return EngineBackend(InferenceEngine.from_checkpoint(path, backend="native"))


@pytest.fixture
def models(llama_folder: Path, engine: EngineBackend) -> Models:
    return Models(engine, LlamaBackend.open(llama_folder))


class Prompts:
    """What the prompter was asked to encode."""

    def __init__(self, models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
        llama: Any = models._by_name["llama"]
        self.texts: list[str] = []
        encode = llama._prompter.encode

        def keep(text: str) -> list[int]:
            self.texts.append(text)
            return list(encode(text))

        monkeypatch.setattr(llama._prompter, "encode", keep)


class RealServer(OfflineServer):
    """Virtual time, real models: a job costs what its ids cost, and its notes come on the way."""

    def __init__(self, models: Models, seconds_per_id: float = 0.002) -> None:
        super().__init__()
        self.models, self.seconds_per_id = models, seconds_per_id
        self.results: list[Result] = []
        self.conductor = type(self.conductor)(models.info, self._submit, self.clock)

    def _submit(self, job: Job) -> None:
        self.jobs.append(job)
        now, told = self.clock.now(), []
        listener: Any = type("Listener", (), {})()
        listener.prompted = lambda state: self._at(now, Prompted(job, state))
        listener.sampled = lambda attempt, bar, notes: told.append((bar, tuple(notes)))
        result = drive(self.models.start(job, listener))
        self.results.append(result)
        cost = result.tokens * self.seconds_per_id
        for index, (bar, notes) in enumerate(told, 1):
            self._at(now + cost * index / (len(told) + 1), Sampled(job, 1, bar, notes))
        self._at(now + cost, Succeeded(job, result))
        drive(self.models.settle(job, result))


def session(models: Models, *agents: tuple[int, str], **parameters: Any) -> OfflinePlayer:
    """Piano in track 0, agents by instrument and model."""
    player = OfflinePlayer(RealServer(models))
    player.say("session/init", player.key)
    player.say("track/create", 0, PIANO, 10, 0)
    for number, (instrument, model) in enumerate(agents, 1):
        player.say("agent/create", number, instrument, 10, "repeat")
        player.say("track/param/set", number, "model", model)
    player.say("tempo", 120.0)
    for name, value in {"buffer_bars": 2, "sampling_seed": 1, **parameters}.items():
        player.say("param/set", name, value)
    player.say("session/start")
    assert player.times("session/started") and not player.named("error")
    return player


@pytest.mark.parametrize("method", [_native.DensityMethod.THIN, _native.DensityMethod.IMAGINE])
@pytest.mark.parametrize("streaming", [0, 1])
def test_64_bars_in_time_and_of_the_own_instrument(
    llama_folder: Path, engine: EngineBackend, method: Any, streaming: int
) -> None:
    llama = LlamaBackend.open(llama_folder)
    llama._method = method
    player = session(Models(engine, llama), (AGENT, "llama"), streaming=streaming)
    player.play(64)
    opened = player.named("generated/open")
    assert [bar for _, bar, _ in opened] == list(range(opened[0][1], opened[0][1] + len(opened)))
    assert len(opened) >= 60 and {track for track, _, _ in opened} == {1}
    assert not player.named("bar/fallback") and not player.named("error")
    notes = [(t, m.arguments) for t, m in player.heard if m.address == "/midigpt/generated/note"]
    assert len(notes) > 64
    for time, (track, bar, *_rest, onset, _duration) in notes:
        assert track == 1 and 0 <= onset < 1
        assert time <= 2.0 * (bar + onset)


def test_the_window_is_read_once_and_counted_anew_when_it_is_full(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, lengths = [], []
    make = _native.BarLoop

    def counting(**options: Any) -> Any:
        loop = make(**options)
        if options["budget"]:
            read.append(loop.prompt_left)
            lengths.append(len(options["prompt"]))
        return loop

    monkeypatch.setattr("midigpt_server.generation.llama_backend._native.BarLoop", counting)
    player = session(models, (AGENT, "llama"))
    player.play(40)
    assert max(lengths) < CONTEXT
    shorter = np.flatnonzero(np.diff(lengths) < 0)
    assert len(shorter) >= 2  # counted anew, and that was read in between
    longest = int(np.diff(lengths).max())
    assert max(read[2:]) <= 3 * longest


def test_a_changed_text_is_read_at_the_next_bar(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = Prompts(models, monkeypatch)
    player = session(models, (AGENT, "llama"))
    player.play(8)
    assert all("piano" in text and "125 BPM" in text for text in prompts.texts)
    prompts.texts.clear()
    player.say("prompt/text", "A slow waltz")
    player.play(2, first=8)
    assert set(prompts.texts) == {"A slow waltz"}
    prompts.texts.clear()
    player.say("prompt/text", "", 1)
    player.play(2, first=10)
    assert all("piano" in text for text in prompts.texts)
    state = player.state()["tracks"][1]["parameters"]
    assert state["model"] == "llama" and state["prompt_text"] == ""


def test_a_text_changes_how_densely_it_plays_within_four_bars(
    engine: EngineBackend, tmp_path: Path
) -> None:
    """Also with a model that cannot read: words for density act on the choice of notes."""
    folder = write_orderly_llama(tmp_path, context=1024, pace=8.0)
    player = session(Models(engine, LlamaBackend.open(folder)), (AGENT, "llama"))
    counts = {}
    for first, text in ((0, "A dense song"), (24, "A sparse song"), (48, "A very busy song")):
        player.say("prompt/text", text)
        player.play(24, first=first)
        opened = player.named("generated/open")
        counts[text] = np.mean([n for _, bar, n in opened if first + 4 <= bar < first + 24])
    assert counts["A dense song"] > 1.6 * counts["A sparse song"]
    assert counts["A very busy song"] > 1.6 * counts["A sparse song"]


def test_a_bar_that_cannot_be_ready_is_filled(models: Models) -> None:
    player = session(models, (AGENT, "llama"))
    player.play(8)
    assert not player.named("bar/fallback")
    server: Any = player.server
    server.seconds_per_id = 5.0
    player.play(4, first=8)
    assert {arguments[2] for arguments in player.named("bar/fallback")} == {"repeat"}
    bars = [bar for _, bar, _ in player.named("generated/open")]
    assert bars == list(range(bars[0], bars[-1] + 1)) and bars[-1] >= 12


def test_a_session_of_llamas_goes_on_after_a_restart(models: Models, tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite3"
    with (
        Server(models, [UdpTransport(port=0)], journal=path) as server,
        Client(port=server.port) as client,
    ):
        before = Musician(client)
        before.send("session/init", "my song", 0, "stage")
        before.send("track/create", 0, PIANO, 10, 0)
        before.send("track/create", 1, AGENT, 10, 1)
        before.send("param/set", "buffer_bars", 2)
        before.send("track/param/set", 1, "model", "llama")
        before.send("prompt/text", "A dense waltz")
        before.send("session/start")
        for bar in range(4):
            before.note(bar, 60 + bar)
            before.end(bar)
            saved = Message("/midigpt/session/saved", (bar + 1,), "i")
            client.receive_until(lambda m, saved=saved: m == saved)
            before.replies()
        tracks = before.state()["tracks"]
    with (
        Server(models, [UdpTransport(port=0)], journal=path) as server,
        Client(port=server.port) as client,
    ):
        after = Musician(client)
        after.send("session/resume", "stage")
        client.receive_until(lambda m: m.address == "/midigpt/session/resumed")
        assert after.state()["tracks"] == tracks
        assert tracks[1]["parameters"] == {"model": "llama", "prompt_text": "A dense waltz"}
        assert opened_bars(after.play(4)) == [6]


def test_both_kinds_of_agents_in_one_session(models: Models) -> None:
    player = session(models, (AGENT, "llama"), (34, "gpt2"))
    player.play(12)
    assert not player.named("error") and not player.named("bar/fallback")
    bars = {
        track: {b for t, b, _ in player.named("generated/open") if t == track} for track in (1, 2)
    }
    assert len(bars[1]) >= 9 and bars[1] == bars[2]
    heard = [job for job in player.server.jobs if job.agent_id == 2][-1]
    agent = next(track for track in heard.tracks if track.id == 1)
    assert any(agent.bars)  # the one hears the other


def test_what_cannot_be_is_refused(models: Models) -> None:
    player = session(models, (AGENT, "llama"))
    player.say("prompt/text", "A waltz", 7)
    player.say("track/param/set", 1, "model", "bach")
    player.say("track/param/set", 1, "density", 0)
    codes = [arguments[0] for arguments in player.named("error")]
    assert codes == [2, 4, 4]
    assert player.state()["tracks"][1]["parameters"]["model"] == "llama"
    bare = OfflinePlayer(OfflineServer())
    bare.begin()
    bare.say("track/param/set", 1, "model", "llama")
    code, text, *_ = bare.named("error")[-1]
    assert code == 4 and "gpt2" in text


def job_of(
    *tracks: JobTrack, tempo: float | None = 120.0, meter: Meter = COMMON, bars: int = 4
) -> Job:
    values = {"sampling_seed": 1, "temperature": 1.0, "top_p": 1.0, "top_k": 0, "streaming": 0}
    return Job(
        1, bars - 1, bars, 0, bars, bars - 1, tracks, (meter,) * bars, {}, values, {}, tempo=tempo
    )


def track(number: int, instrument: int, *bars: tuple[BarNote, ...], **changes: Any) -> JobTrack:
    options = {"is_drum": False, "is_agent": number == 1, "ignored": False, **changes}
    return JobTrack(number, instrument, bars=bars or ((),) * 4, **options)


def test_ticks_of_a_beat_follow_the_tempo() -> None:
    """The borders are those of the design notes."""
    tempos = {250: 24, 205: 24, 203: 36, 145: 36, 143: 48, 120: 48, 112.5: 48, 111: 60, 92: 60}
    tempos |= {90: 72, 78: 72, 76: 84, 68: 84, 66: 96}
    assert {tempo: quarter_ticks(tempo) for tempo in tempos} == tempos
    assert quarter_ticks(None) == 48
    assert [quarter_ticks(tempo, 48) for tempo in (111, 100.5, 99, 155, 157)] == [
        48,
        48,
        60,
        48,
        36,
    ]


def test_a_window_has_exact_bar_lines_rests_and_a_forecast() -> None:
    note = BarNote(60, 90, 0.25, 0.5)
    human = track(0, 0, (note,), (), (note,), (), hidden=(3,))
    agent = track(1, 33, (), (BarNote(40, 80, 0.0, 9.0),), (), ())
    window = Window(job_of(human, agent, meter=Meter(7, 8)), 0, 48)
    assert [window.line(bar) for bar in range(5)] == [0, 168, 336, 504, 672]
    found = window.events(3, {})
    notes = found[found[:, 2] != events.REST_NOTE].tolist()
    assert notes == [[42, 84, 60], [168, 999, 33 * 128 + 40], [378, 84, 60]]
    gaps = np.diff(np.concatenate([found[:, 0], [504]]))
    assert gaps.max() <= events.TICKS_PER_SECOND
    forecast = window.events(4, {3: (BarNote(41, 80, 0.5, 0.1),)})
    assert [546, 84, 60] in forecast.tolist()  # as in the bar before
    assert [588, 17, 33 * 128 + 41] in forecast.tolist()


def test_an_agent_with_the_sound_of_another_takes_a_neighbour() -> None:
    job = job_of(track(0, 33), track(1, 33), track(2, 34, ignored=True))
    assert instruments(job) == {0: 33, 1: 32, 2: 34} and names(job) == (
        "acoustic bass",
        "electric bass",
    )
    kit = job_of(track(0, 5, is_drum=True), track(1, 9, is_drum=True))
    assert set(instruments(kit).values()) == {events.DRUMS}


def test_both_kinds_of_jobs_share_the_generation_thread(models: Models) -> None:
    posted: SimpleQueue[Any] = SimpleQueue()
    thread = GenerationThread(models, posted.put)
    defaults = {name: field.default for name, field in PARAMETERS.items()}
    values = {**defaults, "mask_mode": "attention_skip", "sampling_seed": 1}
    note = BarNote(60, 90, 0.25, 0.5)
    human, agent = track(0, PIANO, *[(note,)] * 8), track(1, AGENT, *[()] * 8)
    jobs = []
    for target in (4, 5, 6):
        for model in ("llama", "gpt2"):
            job = replace(
                job_of(human, agent, bars=8), target=target, write_from=target,
                deliver_end=target + 1, values=values, track_values={"model": model}, voice=model,
            )  # fmt: skip
            jobs.append(job)
            thread.submit(job)
    ended = {}
    while len(ended) < len(jobs):
        event = posted.get(timeout=120)
        if isinstance(event, (Succeeded, Failed)):
            ended[event.job] = event
    thread.close()
    assert all(isinstance(event, Succeeded) for event in ended.values()), ended.values()
    for job in jobs:
        assert set(ended[job].result.bars) == {job.target}


def test_a_cancelled_job_says_so(models: Models) -> None:
    job = replace(job_of(track(0, PIANO), track(1, AGENT)), track_values={"model": "llama"})
    job.cancel.set()
    with pytest.raises(GenerationError, match="cancelled"):
        drive(models.start(job, Silent()))


class Silent:
    """A listener that does not listen."""

    def prompted(self, prompt: PromptState) -> None: ...

    def sampled(self, attempt: int, bar: int, notes: object) -> None: ...


def test_models_say_what_there_is(engine: EngineBackend) -> None:
    assert Models(engine, None).info.models == ("gpt2",)
    assert model_info("ghost").models == ("gpt2",)


@pytest.fixture(scope="module")
def bundled(engine: EngineBackend) -> Models:
    folder = bundled_llama(None)
    assert folder is not None
    return Models(engine, LlamaBackend.open(folder))


def test_the_bundled_model_plays_64_bars_in_time_and_about_as_densely_as_is_usual(
    bundled: Models,
) -> None:
    player = session(bundled, (BASS, "llama"), streaming=1)
    player.play(64)
    bars = [bar for _, bar, _ in player.named("generated/open")]
    assert bars == list(range(bars[0], bars[0] + len(bars))) and len(bars) >= 60
    assert not player.named("bar/fallback") and not player.named("error")
    notes = [(t, m.arguments) for t, m in player.heard if m.address == "/midigpt/generated/note"]
    assert 0.5 < len(notes) / len(bars) / (4 * usual_density(BASS)) < 2.0
    for time, (track, bar, *_rest, onset, _duration) in notes:
        assert track == 1 and time <= 2.0 * (bar + onset)


def test_the_bundled_model_follows_a_text_within_four_bars(bundled: Models) -> None:
    counts: dict[str, list[int]] = {"sparse": [], "very busy": []}
    for seed in range(1, 5):
        player = session(bundled, (BASS, "llama"), sampling_seed=seed)
        for first, word in ((0, "sparse"), (16, "very busy"), (32, "sparse")):
            text = f"A song for piano and electric bass at 120 BPM, with a {word} texture."
            player.say("prompt/text", text)
            player.play(16, first=first)
            opened = player.named("generated/open")
            counts[word] += [n for _, bar, n in opened if first + 2 <= bar < first + 6]
    assert np.mean(counts["very busy"]) > 1.6 * np.mean(counts["sparse"])
