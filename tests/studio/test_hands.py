"""Hands on the music while it runs: takes, notes by hand, a loop."""

from __future__ import annotations

import json

import pytest
from stage import Stage

from midigpt_server.client import Client

YOU, CHORDS, BASS = 0, 1, 2


def bar_of(track: int, bar: int) -> str:
    return f"studio.client.session.value.tracks.find(t => t.id === {track}).bars.get({bar})"


def paused(stage: Stage) -> int:
    """Play a little, pause, and let what is under way arrive; returns the bass's newest bar."""
    stage.play()
    stage.wait("studio.leader.bar.value >= 3")
    stage.pause()
    bar = max(stage.bars(BASS))
    stage.wait(f"!{bar_of(BASS, bar)}.isOpen")
    return bar


def test_a_bar_keeps_all_its_takes(stage: Stage):
    bar = paused(stage)
    cell = stage.page.locator(f'.bar[data-track="2"][data-bar="{bar}"]')
    cell.click()
    takes = stage.page.get_by_role("group", name=f"Takes of bar {bar + 1}")
    played = [stage.bars(BASS)[bar]]
    for count in (2, 3):
        stage.press("Write 1 bar again")
        stage.wait(f"{bar_of(BASS, bar)}.takes === {count} && !{bar_of(BASS, bar)}.isOpen")
        stage.settle()
        assert takes.get_by_role("button", name="Take").count() == count
        played.append(stage.bars(BASS)[bar])
    for take in (0, 1, 2, 0):
        takes.get_by_role("button", name=f"Take {take + 1} of 3").click()
        stage.wait(f"{bar_of(BASS, bar)}.take === {take} && !{bar_of(BASS, bar)}.isOpen")
        stage.settle()
        assert stage.bars(BASS)[bar] == played[take]
    takes.get_by_role("button", name="Keep", exact=True).click()
    stage.wait(f'document.querySelector(\'.bar[data-track="2"][data-bar="{bar}"]\').dataset.kept')
    for name in ("Write 1 bar again", "Undo (Ctrl+Z)"):
        stage.press(name)
    stage.settle()
    assert stage.ask(f"[{bar_of(BASS, bar)}.take, {bar_of(BASS, bar)}.takes]") == [0, 3]
    stage.page.reload()  # the server knows the takes
    stage.wait("window.studio?.client.session.value.phase === 'RUNNING'")
    assert stage.ask(f"[{bar_of(BASS, bar)}.take, {bar_of(BASS, bar)}.takes]") == [0, 3]


def drag(stage: Stage, start: tuple[float, float], by: tuple[float, float]) -> None:
    stage.page.mouse.move(*start)
    stage.page.mouse.down()
    stage.page.mouse.move(start[0] + by[0], start[1] + by[1], steps=4)
    stage.page.mouse.up()


def place(stage: Stage, track: int, bar: int, fraction: float) -> tuple[float, float]:
    """A point in the middle of the notes of a bar."""
    cell = stage.page.locator(f'.bar[data-track="{track}"][data-bar="{bar}"]').bounding_box()
    lane = stage.page.locator(".lane-notes").nth(track).bounding_box()
    assert cell and lane
    return cell["x"] + fraction * cell["width"], lane["y"] + lane["height"] / 2


def test_notes_are_drawn_moved_and_deleted_in_a_session(stage: Stage, studio):
    paused(stage)
    playhead = stage.ask("studio.client.session.value.playhead")
    bar, notes = playhead, f"({bar_of(YOU, playhead)}?.notes ?? [])"
    drag(stage, place(stage, YOU, bar, 0.25), (30, 0))
    stage.wait(f"{notes}.length === 1")
    (drawn,) = stage.ask(notes)
    assert drawn["onset"] == pytest.approx(0.25, abs=0.07) and drawn["duration"] > 0.1
    drag(stage, place(stage, YOU, bar, drawn["onset"] + 0.03), (75, 0))
    stage.wait(f"{notes}[0]?.onset > 0.5")
    (moved,) = stage.ask(notes)
    assert moved["pitch"] == drawn["pitch"]
    for keys, left in (("Control+z", [drawn]), ("Control+z", []), ("Control+y", [drawn])):
        stage.page.keyboard.press(keys)
        stage.settle()
        assert stage.ask(notes) == left
    stage.page.keyboard.press("Control+y")
    stage.settle()
    assert stage.ask(notes) == [moved]
    with Client(port=studio.osc_address[1]) as client:  # the server has it so
        client.send("/midigpt/session/watch", stage.session_id())
        snapshot = json.loads(client.wait_for("/midigpt/session/snapshot").arguments[0])
        told = snapshot["tracks"][YOU]["bars"][str(bar)]
        assert [note[0] for note in told] == [drawn["pitch"]]
        assert told[0][2] == pytest.approx(moved["onset"], abs=1e-3)
    stage.ask(
        """() => { window.sounded = []; const {schedule} = studio.player;
            studio.player.schedule = notes => {
                sounded.push(...notes.map(n => n.tag)); schedule.call(studio.player, notes); } }"""
    )
    stage.press("Play")  # it sounds when its bar comes
    stage.wait(f"sounded.includes('{YOU}:{bar}')")
    stage.pause()
    stage.page.mouse.click(*place(stage, YOU, bar, moved["onset"] + 0.03))
    stage.page.keyboard.press("Delete")
    stage.wait(f"{notes}.length === 0")
    stage.page.keyboard.press("Control+z")
    stage.wait(f"{notes}.length === 1")


def test_an_agents_notes_are_its_own(stage: Stage):
    bar = paused(stage)
    before = stage.bars(BASS)
    drag(stage, place(stage, BASS, bar, 0.3), (40, 0))
    stage.wait("studio.client.notice.value?.text.startsWith('Agents write their own notes')")
    stage.settle()
    assert stage.bars(BASS) == before


def test_bars_go_round_in_a_loop(stage: Stage, studio):
    stage.play()
    stage.quick()
    stage.wait("studio.leader.bar.value >= 3")
    with Client(port=studio.osc_address[1]) as client:
        client.send("/midigpt/session/watch", stage.session_id())
        client.wait_for("/midigpt/session/snapshot")
        stage.press("Loop")
        stage.wait("studio.client.session.value.loop !== null")
        first, end = stage.ask("studio.client.session.value.loop")
        stage.wait(f"studio.leader.bar.value === {first + 1}")
        stage.page.keyboard.press("d")
        stage.wait(f"studio.leader.bar.value === {end - 1}")
        stage.wait(f"studio.leader.bar.value === {end - 2}")
        stage.press("Loop")
        stage.wait("studio.client.session.value.loop === null")
        stage.wait(f"studio.leader.bar.value >= {end + 1}")
        stage.pause()
        client.send("/midigpt/ping", "end")
        mirrored = [
            (message.arguments[3], json.loads(message.arguments[4]))
            for message in client.receive_until(lambda m: m.address == "/midigpt/pong")
            if message.address == "/midigpt/session/mirror"
        ]
    ended = [values[0] for address, values in mirrored if address == "/midigpt/bar/end"]
    assert end - first == 4
    back = ended.index(end - 1)
    assert ended[back : back + 5] == [end - 1, *range(first, end)], "the first bar follows the last"
    assert ended[-1] >= end, "without the loop it goes straight on"
    played = [v[5] for address, v in mirrored if address == "/midigpt/note" and v[0] == YOU]
    assert len(played) >= 2 and len(set(played)) == 1, "what was played is heard each time round"
    wrapped = mirrored.index(("/midigpt/bar/end", [end - 1, 4, 4]))
    written = {v[1] for address, v in mirrored[wrapped:] if address == "/midigpt/generated/close"}
    assert written >= set(range(first + 1, end)), "the agents write anew each time round"
