"""Files in the page: drop, mark, write, edit, save; what is not touched stays as it is."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
from stage import Stage
from symusic import Score
from test_take import a_song, notes_of

YOU, CHORDS, BASS = 0, 1, 2


@pytest.fixture
def song(stage: Stage, tmp_path: Path) -> Path:
    path = tmp_path / "a song.mid"
    a_song().dump_midi(path)
    stage.tab("Files")
    stage.page.set_input_files(".drop input", path)
    stage.wait("studio.song.session.value !== null")
    return path


def save(stage: Stage, name: str) -> bytes:
    with stage.page.expect_download() as download:
        stage.press(name)
    return Path(download.value.path()).read_bytes()


def test_a_dropped_file_is_saved_note_for_note(stage: Stage, song: Path):
    assert stage.page.get_by_text("Song: a song").first.is_visible()
    saved = save(stage, "Save MIDI")
    assert notes_of(saved) == notes_of(song.read_bytes())
    tempos = [(t.time, t.mspq) for t in Score.from_midi(saved).tempos]
    assert tempos == [(t.time, t.mspq) for t in Score.from_midi(song.read_bytes()).tempos]


def test_marked_bars_are_written_and_all_else_stays(stage: Stage, song: Path):
    before = {track: stage.ask(ALL_BARS, track) for track in (0, 1)}
    for bar in (1, 2):
        stage.page.locator(f'.bar[data-track="1000"][data-bar="{bar}"]').click(
            modifiers=["Control"]
        )
    for bar in (0, 1):
        stage.page.locator(f'.bar[data-track="1001"][data-bar="{bar}"]').click(
            modifiers=["Control"]
        )
    stage.press("Infill 4 marked")
    stage.wait("studio.song.canUndo.value && studio.work.value === ''", seconds=60)
    after = {track: stage.ask(ALL_BARS, track) for track in (0, 1)}
    for track, marked in ((0, {1, 2}), (1, {0, 1})):
        for bar in range(4):
            old, new = before[track].get(str(bar)), after[track].get(str(bar))
            assert (old == new) == (bar not in marked), (track, bar)
            assert bar not in marked or new
    while stage.ask("studio.song.canUndo.value"):
        stage.page.keyboard.press("Control+z")
    assert {track: stage.ask(ALL_BARS, track) for track in (0, 1)} == before


def test_a_song_goes_on(stage: Stage, song: Path):
    length = stage.ask("studio.song.length")
    stage.press("Continue 4 bars")
    stage.wait("studio.work.value !== ''")
    stage.wait("studio.work.value === ''", seconds=60)
    assert stage.ask("studio.song.length") == length + 4
    new = stage.ask(ALL_BARS, 0)
    assert all(new[str(bar)] for bar in range(length, length + 4))


def test_a_note_is_drawn_moved_and_deleted(stage: Stage, song: Path):
    lane = stage.page.locator(".lane-notes").first
    box = lane.bounding_box()
    assert box
    count = "[...studio.song.session.value.tracks[0].bars.values()].flatMap(b => b.notes).length"
    before = stage.ask(count)
    x, y = box["x"] + 4.5 * 150, box["y"] + box["height"] / 2
    stage.page.mouse.move(x, y)
    stage.page.mouse.down()
    stage.page.mouse.move(x + 60, y, steps=4)
    stage.page.mouse.up()
    assert stage.ask(count) == before + 1
    drawn = stage.ask("studio.song.session.value.tracks[0].bars.get(4).notes.at(-1)")
    assert drawn["onset"] == pytest.approx(0.5, abs=0.09) and drawn["duration"] > 0.3
    stage.page.mouse.move(x + 8, y)
    stage.page.mouse.down()
    stage.page.mouse.move(x - 142, y, steps=4)
    stage.page.mouse.up()
    moved = stage.ask("studio.song.session.value.tracks[0].bars.get(3).notes.at(-1)")
    assert moved["pitch"] == drawn["pitch"] and moved["onset"] == pytest.approx(drawn["onset"])
    stage.page.keyboard.press("Delete")
    assert stage.ask(count) == before


def test_a_take_of_the_band_is_saved_as_it_was_played(stage: Stage):
    stage.play()
    stage.quick()
    stage.wait("studio.leader.bar.value >= 6")
    stage.pause()
    stage.tab("Files")
    saved = Score.from_midi(save(stage, "Save MIDI"))
    assert {t.name for t in saved.tracks} >= {"Chords", "Bass", "Drums"}
    bass = next(t for t in saved.tracks if t.name == "Bass")
    wanted = [
        (round((bar + onset) * 3840), pitch, velocity)
        for bar, notes in stage.bars(BASS).items()
        for pitch, velocity, onset, _ in notes
    ]
    assert sorted((n.time, n.pitch, n.velocity) for n in bass.notes) == sorted(wanted)
    assert next(t for t in saved.tracks if t.name == "Drums").is_drum


def test_a_take_is_dragged_out_as_a_midi_file(stage: Stage, song: Path):
    stage.ask(
        """() => addEventListener('dragstart', event => {
            window.dragged = event.dataTransfer.getData('DownloadURL');
        })"""
    )
    handle = stage.page.get_by_role("link", name="Drag out")
    handle.hover()
    stage.wait("document.querySelector('a[download]').href.startsWith('blob:')")
    stage.page.mouse.down()  # a real drag, as to a DAW
    box = handle.bounding_box()
    assert box
    stage.page.mouse.move(box["x"] - 200, box["y"] - 100, steps=8)
    stage.wait("window.dragged")
    stage.page.keyboard.press("Escape")
    stage.page.mouse.up()
    kind, name, url = stage.ask("window.dragged").split(":", 2)
    assert (kind, name) == ("audio/midi", "take.mid")
    assert url == stage.ask("document.querySelector('a[download]').href")
    with stage.page.expect_download() as download:  # the file that the DAW would fetch
        handle.click()
    assert notes_of(Path(download.value.path()).read_bytes()) == notes_of(song.read_bytes())


def test_sound_is_rendered_the_same_every_time(stage: Stage, song: Path):
    first = save(stage, "Save WAV")
    with wave.open(io.BytesIO(first)) as file:
        seconds = file.getnframes() / file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert seconds == pytest.approx(SONG_SECONDS + 2, abs=0.02)
    assert np.abs(samples).max() > 1000
    assert save(stage, "Save WAV") == first


def test_what_is_no_music_is_refused_in_words(stage: Stage, tmp_path: Path):
    (tmp_path / "fake.mid").write_bytes(b"not music at all")
    (tmp_path / "fake.sf2").write_bytes(bytes(2000))
    stage.tab("Files")
    stage.page.set_input_files(".drop input", tmp_path / "fake.mid")
    stage.wait("studio.client.notice.value?.text.includes('MIDI')")
    stage.problems.clear()  # the browser logs the refusal (422) itself
    stage.page.set_input_files(".drop input", tmp_path / "fake.sf2")
    stage.wait("studio.player.problem.value.includes('no SoundFont')")
    assert stage.ask("studio.song.session.value") is None


ALL_BARS = """track => Object.fromEntries(
    [...studio.song.session.value.tracks[track].bars].map(([bar, {notes}]) => [bar, notes]))"""

#: a bar of 4/4 at 120; 3/4: half a bar at 90, the rest and two bars more at 140
SONG_SECONDS = 2.0 + 1.5 * 60 / 90 + 7.5 * 60 / 140
