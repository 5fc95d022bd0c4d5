"""The page itself: for every eye, hand and screen. Its pictures are those of docs/studio.md."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stage import Stage
from test_take import a_song

ROOT = Path(__file__).parents[2]
AXE = ROOT / "studio" / "web" / "node_modules" / "axe-core" / "axe.min.js"

#: Set to docs/pictures to renew the pictures of the manual.
PICTURES = Path(os.environ["STUDIO_PICTURES"]) if "STUDIO_PICTURES" in os.environ else None


@pytest.fixture
def open_stage(chromium, studio) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def open_one(**options) -> Stage:
        stage = Stage(chromium, studio.url, **options)
        stages.append(stage)
        stage.open()
        return stage

    yield open_one
    for stage in stages:
        stage.check_clean()
        stage.close()


def check_accessible(stage: Stage, part: str = "html") -> None:
    """A part of the page, by selector, has no serious fault."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in studio/web")
    if not stage.ask("'axe' in window"):
        stage.ask(AXE.read_text(encoding="utf-8"))
    stage.ask(  # colours on their way are no colours
        "() => Promise.all(document.getAnimations().filter(a => a.effect.getTiming()"
        ".iterations < 9).map(a => a.finished.catch(() => null)))"
    )
    found = stage.ask("part => axe.run(part, {resultTypes: ['violations']})", part)
    bad = [
        (violation["id"], [node["target"] for node in violation["nodes"]][:4])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert not bad, bad


def jam(stage: Stage) -> None:
    """Some bars of music in which everybody plays."""
    stage.play()
    stage.wait("studio.leader.bar.value >= 2")
    for key in "adgkhfda":
        stage.page.keyboard.down(key)
        stage.page.wait_for_timeout(230)
        stage.page.keyboard.up(key)
    stage.wait("studio.leader.bar.value >= 5")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_panel_is_accessible(open_stage, theme: str, tmp_path: Path):
    stage = open_stage(color_scheme=theme)
    check_accessible(stage)
    stage.picture(f"welcome-{theme}", PICTURES)
    jam(stage)
    stage.picture(f"band-{theme}", PICTURES)
    stage.pause()  # the critic takes long, and the music would take the processor
    check_accessible(stage)
    stage.page.get_by_role("button", name="agent", exact=True).first.click()
    stage.wait("document.querySelector('details[open] .attributes') !== null")
    check_accessible(stage)
    for tab in ("Model", "Files", "Sessions", "Timing", "Log"):
        stage.tab(tab)
        check_accessible(stage, "aside")
        if theme == "dark":
            stage.picture(tab.lower(), PICTURES)
    stage.press("Help and shortcuts")
    check_accessible(stage, "dialog")
    stage.picture(f"help-{theme}", PICTURES)
    stage.page.keyboard.press("Escape")
    stage.tab("Files")
    a_song().dump_midi(tmp_path / "a song.mid")
    stage.page.set_input_files(".drop input", tmp_path / "a song.mid")
    stage.wait("studio.song.session.value !== null")
    stage.page.locator('.bar[data-track="1000"][data-bar="1"]').click()
    stage.page.locator('.bar[data-track="1000"][data-bar="2"]').click(modifiers=["Shift"])
    check_accessible(stage)
    stage.picture(f"song-{theme}", PICTURES)


def test_hovering_a_bar_tells_why(open_stage):
    stage = open_stage()
    jam(stage)
    stage.pause()
    bar = max(stage.bars(2))
    stage.page.locator(f'.bar[data-track="2"][data-bar="{bar}"]').hover()
    tooltip = stage.page.get_by_role("tooltip")
    tooltip.wait_for()
    told = tooltip.inner_text()
    assert f"Bar {bar + 1}" in told and "bars of context" in told
    cost = re.search(r"(\d+) ms, (\d+) tokens, temperature 1, seed random", told)
    assert cost and int(cost[1]) > 0 and int(cost[2]) > 2
    stage.picture("why", PICTURES)


def test_it_can_be_played_with_keys_alone(open_stage):
    stage = open_stage()
    keyboard = stage.page.keyboard
    keyboard.press("Space")
    stage.wait("studio.leader.bar.value >= 2")
    keyboard.press("m")
    assert stage.ask("studio.leader.hasMetronome.value") is False
    keyboard.press("q")
    assert stage.ask("studio.keys.isOn.value") is False
    keyboard.press("r")
    assert stage.ask("studio.performer.isArmed.value") is False
    keyboard.press("Space")
    stage.wait("!studio.leader.isPlaying.value")
    stage.ask("document.querySelector('.bar[tabindex=\"0\"]').focus()")
    keyboard.press("ArrowDown")
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    keyboard.press("Shift+ArrowRight")
    stage.wait("document.querySelectorAll('.bar[aria-selected=true]').length == 2")
    keyboard.press("Escape")
    stage.wait("document.querySelectorAll('.bar[aria-selected=true]').length == 0")
    keyboard.press("?")
    assert stage.page.get_by_role("dialog", name="Help").is_visible()


def test_a_phone_is_enough(open_stage):
    stage = open_stage(size=(390, 844), has_touch=True, is_mobile=True)
    stage.picture("phone-welcome", PICTURES)
    stage.page.get_by_role("button", name="Play", exact=True).first.tap()
    stage.wait("studio.leader.bar.value >= 2")
    key = stage.page.locator('.key[data-pitch="64"]')
    key.tap()
    stage.wait("[...studio.client.session.value.tracks[0].bars.values()].some(b => b.notes.length)")
    assert stage.ask("document.documentElement.scrollWidth") <= 390
    stage.wait("studio.leader.bar.value >= 3")
    stage.picture("phone", PICTURES)
    stage.page.get_by_role("tab", name="Band", exact=True).tap()
    assert stage.page.get_by_role("tabpanel").is_visible()
    check_accessible(stage)
    stage.picture("phone-panel", PICTURES)


def test_widths_are_dragged_and_kept(open_stage):
    stage = open_stage()
    stage.play()
    stage.pause()
    box = "document.querySelector('{}').getBoundingClientRect().width"
    panel, header = box.format(".panel"), box.format(".track-header")
    before = stage.ask(f"[{panel}, {header}]")
    line = stage.page.get_by_role("separator", name="Width of the track names").bounding_box()
    assert line
    stage.page.mouse.move(line["x"] + 4, line["y"] + 50)
    stage.page.mouse.down()
    stage.page.mouse.move(line["x"] + 64, line["y"] + 50)
    stage.page.mouse.up()
    stage.page.get_by_role("separator", name="Width of the settings").focus()
    stage.page.keyboard.press("ArrowLeft")
    after = stage.ask(f"[{panel}, {header}]")
    assert after[0] - before[0] == pytest.approx(16, abs=1)
    assert after[1] - before[1] == pytest.approx(60, abs=1)
    stage.page.reload()
    stage.wait("document.querySelector('.track-header') !== null")
    assert stage.ask(f"[{panel}, {header}]") == after


#: A MIDI system with one keyboard and one port, as the browser would show it.
MOCK_MIDI = """() => {
    const input = {name: 'Test keys', onmidimessage: null};
    const sent = [];
    const output = {id: 'out', name: 'Test port', send: (bytes, at) => sent.push([bytes, at])};
    navigator.requestMIDIAccess = async () => ({
        inputs: new Map([['in', input]]), outputs: new Map([['out', output]])});
    window.midiTest = {sent, play: (data, ago = 0) => input.onmidimessage(
        {data: new Uint8Array(data), timeStamp: performance.now() - ago})};
}"""


def test_midi_keyboard_pedal_learn_and_port(open_stage):
    stage = open_stage()
    stage.ask(MOCK_MIDI)
    stage.press("Use MIDI keyboards")
    stage.play()
    stage.wait("studio.leader.bar.value >= 2")
    stage.ask("""() => {
        midiTest.play([0x90, 67, 101], 600);
        midiTest.play([0xB0, 64, 127], 500);  // pedal down: the note goes on after the key
        midiTest.play([0x80, 67, 0], 400);
        midiTest.play([0xB0, 64, 0], 50);
    }""")
    yours = "[...studio.client.session.value.tracks[0].bars].flatMap(([, b]) => b.notes)"
    stage.wait(f"{yours}.length === 1")
    (note,) = stage.ask(yours)
    assert (note["pitch"], note["velocity"]) == (67, 101)
    assert note["duration"] * 240 / 112 == pytest.approx(0.55, abs=0.02)

    stage.tab("Model")
    stage.page.get_by_label("CC: MIDI controller of temperature, none").click()
    stage.ask("midiTest.play([0xB0, 21, 10]); midiTest.play([0xB0, 21, 127])")
    stage.wait("studio.client.session.value.parameters.temperature === 2")
    stage.tab("Band")
    stage.page.get_by_label("Sound comes from").select_option(label="MIDI: Test port")
    stage.wait("midiTest.sent.some(([[status]]) => status >> 4 === 9)", seconds=20)
    stage.pause()
    ended = stage.ask("midiTest.sent.filter(([b]) => b[0] >> 4 === 11 && b[1] === 123).length")
    assert ended >= 16


@pytest.mark.parametrize(
    ("mock", "text"),
    [
        ("navigator.requestMIDIAccess = () => Promise.reject(new Error('no'))", "MIDI was refused"),
        ("navigator.requestMIDIAccess = undefined", "has no Web MIDI"),
    ],
)
def test_without_midi_it_plays_all_the_same(open_stage, mock: str, text: str):
    stage = open_stage()
    stage.ask(f"() => {{ {mock} }}")
    stage.press("Use MIDI keyboards")
    stage.page.get_by_text(text).wait_for()
    stage.play()


def test_presets_keep_settings_by_name(open_stage):
    stage = open_stage()
    stage.play()
    stage.tab("Model")
    temperature = stage.page.get_by_role("slider", name="Temperature", exact=True)
    temperature.fill("1.5")
    stage.wait("studio.client.session.value.parameters.temperature === 1.5")
    stage.page.get_by_label("Name of the preset").fill("wild")
    stage.press("Save")
    temperature.fill("0.8")
    stage.wait("studio.client.session.value.parameters.temperature === 0.8")
    stage.press("wild")
    stage.wait("studio.client.session.value.parameters.temperature === 1.5")
    stage.press("All back to default")
    stage.wait("studio.client.session.value.parameters.temperature === 1")


def test_the_band_changes_while_it_plays(open_stage):
    stage = open_stage()
    stage.play()
    stage.wait("studio.leader.bar.value >= 2")
    stage.page.get_by_label("Instrument of the new track").select_option(label="String Ensemble 1")
    stage.press("Add")
    stage.wait("studio.client.session.value.tracks.length === 5")
    stage.wait("studio.client.session.value.tracks[4].bars.size > 0", seconds=20)
    stage.page.locator("summary", has_text="String Ensemble 1").click()
    stage.press("Remove track")
    stage.wait("studio.client.session.value.tracks.length === 4")
    stage.page.locator("summary", has_text="Drums").click()
    stage.page.get_by_label("Kit", exact=True).select_option(label="Brush kit")
    stage.wait("studio.client.session.value.tracks.find(t => t.isDrum).instrument === 40")


def test_what_was_played_goes_on_as_a_loop(open_stage):
    stage = open_stage()
    stage.play()
    stage.wait("studio.leader.bar.value >= 2")
    for key in "adg":
        stage.page.keyboard.down(key)
        stage.page.wait_for_timeout(120)
        stage.page.keyboard.up(key)
    bar = stage.ask("studio.leader.bar.value")
    stage.wait(f"studio.client.session.value.playhead > {bar}")
    stage.press("Loop my last 4 bars")
    stage.wait("studio.client.session.value.tracks.length === 5")
    notes = "[...studio.client.session.value.tracks[4].bars.values()].flatMap(b => b.notes)"
    stage.wait(f"{notes}.length >= 3", seconds=20)
    assert {note["pitch"] for note in stage.ask(notes)} == {60, 64, 67}


def test_assets_are_small(studio):
    import gzip

    static = ROOT / "studio" / "midigpt_studio" / "static"
    size = sum(len(gzip.compress(f.read_bytes(), 9)) for f in static.rglob("*") if f.is_file())
    assert size < 300_000


def test_a_bar_is_dealt_again_taken_back_and_brought_back(open_stage):
    stage = open_stage()
    stage.play()
    stage.wait("studio.leader.bar.value >= 3")
    stage.pause()
    bar = max(stage.bars(2))
    now = f"studio.client.session.value.tracks[2].bars.get({bar})"

    def notes_after(press: str, take: int) -> list:
        stage.press(press)
        stage.wait(f"{now}.take === {take} && !{now}.isOpen")
        stage.settle()
        return stage.ask(f"{now}.notes")

    first = stage.ask(f"{now}.notes")
    stage.page.locator(f'.bar[data-track="2"][data-bar="{bar}"]').click()
    second = notes_after("Write 1 bar again", 1)
    assert second and second != first
    assert notes_after("Undo (Ctrl+Z)", 0) == first
    assert notes_after("Redo (Ctrl+Y)", 1) == second


#: An agent that reads words, as a server with a Llama would say it.
READS_TEXT = """() => {
    window.sent = [];
    const {wire, client} = studio, send = wire.send.bind(wire);
    wire.send = (...message) => message[0] === '/midigpt/prompt/text'
        ? sent.push(message) : send(...message);
    client.session.value.tracks.find(t => t.isAgent).parameters.model = 'llama';
    wire.onBatch([]);
}"""


def test_words_are_asked_for_only_where_the_model_reads_them(open_stage):
    stage = open_stage()
    stage.play()
    words = stage.page.get_by_label("What the music shall be like")
    assert words.count() == 0
    stage.ask(READS_TEXT)
    words.fill("a slow waltz")
    stage.press("Tell the band")
    stage.wait("sent.length === 1")
    assert stage.ask("sent[0]") == ["/midigpt/prompt/text", "a slow waltz"]
