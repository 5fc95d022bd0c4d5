"""Each control of the page does to the music what it says."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import pytest
from stage import Stage

from midigpt_server.client import Client

SOUNDFONTS = Path(__file__).parents[2] / "soundfonts"
CHORDS = 1

#: All that was laid is over: in step mode the next bar waits.
WAITS = "studio.leader.timeline.at(studio.player.frame)?.fraction === 1"


def test_in_step_mode_each_bar_waits_for_next(stage: Stage):
    stage.play()
    stage.quick()
    stage.page.get_by_role("switch", name="Step: each bar waits for Next (N)").check()
    stage.wait(WAITS)
    bar = stage.ask("studio.leader.bar.value")
    for step in (1, 2):
        stage.page.keyboard.press("n") if step == 1 else stage.press("Next bar")
        stage.wait(f"studio.leader.bar.value > {bar + step - 1} && {WAITS}")
        assert stage.ask("studio.leader.bar.value") == bar + step, "one bar, no more"
    stage.page.get_by_role("switch", name="Step: each bar waits for Next (N)").uncheck()
    stage.wait(f"studio.leader.bar.value >= {bar + 4}")


def test_a_new_meter_and_tempo_count_from_the_next_bar_and_reach_the_server(stage: Stage, studio):
    stage.play()
    stage.quick(200)
    before = stage.ask("studio.leader.bar.value")
    stage.page.get_by_label("Meter").select_option(label="3/4")
    stage.wait("[...studio.client.session.value.meters.values()].at(-1).numerator === 3")
    assert stage.ask("studio.leader.bar.value") >= before, "the music goes on where it is"
    bar = stage.ask("studio.leader.timeline.last")
    assert bar["frames"] == pytest.approx(3 * 60 / 200 * stage.ask("studio.player.sampleRate"))
    with Client(port=studio.osc_address[1]) as client:
        client.send("/midigpt/session/watch", stage.session_id())
        told = json.loads(client.wait_for("/midigpt/session/snapshot").arguments[0])
    assert (told["meter"], told["bpm"]) == ("3/4", 200)


def test_an_ended_session_can_be_seen_and_the_next_play_begins_another(stage: Stage):
    stage.play()
    stage.wait("studio.leader.bar.value >= 3")
    stage.tab("Sessions")
    stage.press("End")
    stage.wait("studio.client.session.value.phase === 'STOPPED'")
    assert not stage.ask("studio.leader.isPlaying.value")
    assert stage.bars(CHORDS), "the music stays"
    stage.play()
    stage.wait("studio.client.session.value.phase === 'RUNNING'")
    assert stage.ask("studio.client.session.value.playhead") <= 2, "from the beginning"


def test_mute_and_solo_are_heard(stage: Stage):
    stage.press("Metronome")
    stage.play()
    stage.wait("studio.player.level() > 0.01")
    stage.press("Solo Chords")
    stage.press("Mute Chords")
    stage.wait("studio.player.level() < 1e-4")  # nobody is left
    stage.press("Mute Chords")
    stage.wait("studio.player.level() > 0.01")


def test_the_log_shows_what_is_asked_for(stage: Stage):
    stage.play()
    stage.wait("studio.leader.bar.value >= 3")
    stage.pause()
    stage.tab("Log")
    lines = stage.page.get_by_label("OSC messages").get_by_role("listitem")
    assert not any("note" in text.split()[0] for text in lines.all_inner_texts())
    stage.page.get_by_label("Filter of the log").fill("prompt/state")
    stage.wait("document.querySelectorAll('.log li').length > 0")
    assert all(text.startswith("prompt/state ") for text in lines.all_inner_texts())
    stage.press("Clear")
    stage.wait("document.querySelectorAll('.log li').length === 0")


def test_the_timing_panel_adds_up_what_the_server_said(stage: Stage):
    stage.play()
    stage.wait("studio.client.session.value.latencies.length >= 4")
    stage.pause()
    stage.tab("Timing")
    told = stage.ask("studio.client.session.value.latencies")
    terms, figures = (
        stage.page.locator(f".figures {tag}").all_inner_texts() for tag in ("dt", "dd")
    )
    shown = dict(zip(terms, figures, strict=True))
    assert shown["last"] == f"{math.floor(told[-1] + 0.5)} ms"  # JavaScript rounds halves up
    assert shown["a bar lasts"] == f"{4 * 60_000 / 112:.0f} ms"
    assert shown["in time (ISR)"].endswith("%")
    assert stage.page.get_by_role("img", name=f"Histogram of {len(told)} answers").is_visible()


def test_a_dropped_soundfont_sounds(stage: Stage, tmp_path: Path):
    spec = importlib.util.spec_from_file_location("trim", SOUNDFONTS / "trim.py")
    assert spec and spec.loader
    trim = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(trim)
    bank = (SOUNDFONTS / "FluidR3Mono_GM.sf3").read_bytes()
    piano = trim.trim(bank, lambda number, program: (number, program) == (0, 0))
    (tmp_path / "piano.sf3").write_bytes(piano.replace(b"FluidR3Mono", b"Other Piano", 1))
    stage.tab("Files")
    stage.page.set_input_files(".drop input", tmp_path / "piano.sf3")
    stage.wait("studio.player.soundfont.value.startsWith('Other Piano')")
    stage.ask("studio.player.setChannel(0, {program: 0, isDrum: false, volume: 100, pan: 64})")
    stage.ask("studio.player.settled()")
    stage.ask("studio.player.press(0, 60, 110)")
    stage.wait("studio.player.level() > 0.01")
    stage.ask("studio.player.stop()")
