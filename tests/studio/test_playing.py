"""A musician at the page: the band answers, and everybody sees the same."""

from __future__ import annotations

import itertools
import json
import statistics
from collections import defaultdict

import pytest
from stage import Stage

from midigpt_server.client import Client

YOU, CHORDS, BASS, DRUMS = 0, 1, 2, 3

#: The last bar of a track that has notes.
HEARD = """(id => Math.max(...[...studio.client.session.value.tracks[id].bars]
    .filter(([, {notes}]) => notes.length).map(([bar]) => bar)))"""


def test_an_agent_sounds_after_one_press(stage: Stage):
    stage.press("Metronome")
    stage.press("Play")
    stage.wait("studio.client.session.value.tracks.length >= 3")
    stage.ask("studio.mixer.set(1, {isMuted: true})")  # the chords
    stage.wait("studio.leader.bar.value >= 2")
    stage.wait("studio.player.level() > 0.01")  # nothing but agents can sound
    assert min(stage.bars(BASS) | stage.bars(DRUMS)) >= 2, "the band listens first"
    assert stage.ask("studio.wire.transport") == "websocket"


def test_what_is_played_reaches_the_band_and_is_answered(stage: Stage):
    stage.play()
    stage.quick()
    stage.wait("studio.leader.timeline.last.bpm === 240")
    first = stage.ask("studio.leader.bar.value") + 2
    stage.wait(f"studio.leader.bar.value >= {first}")
    stage.ask(
        """() => { window.struck = []; for (const kind of ['keydown', 'keyup'])
            addEventListener(kind, e => struck.push([kind,
                studio.player.frameHeardAt(e.timeStamp) / studio.player.sampleRate]), true); }"""
    )
    origin = stage.ask(
        f"studio.leader.timeline.bar({first}).frame / studio.player.sampleRate - {first}"
    )
    for key in itertools.islice(itertools.cycle("asdfgh"), 20):
        stage.page.keyboard.down(key)
        stage.page.wait_for_timeout(180)
        stage.page.keyboard.up(key)
        stage.page.wait_for_timeout(120)
    stage.wait(f"studio.leader.bar.value >= {first + 8}")
    struck = stage.ask("struck")
    downs = [moment for kind, moment in struck if kind == "keydown"]
    ups = [moment for kind, moment in struck if kind == "keyup"]
    notes = sorted(
        (bar + onset, duration, velocity)
        for bar, played in stage.bars(YOU).items()
        for _, velocity, onset, duration in played
    )
    assert len(notes) == len(downs) == 20
    assert {velocity for _, _, velocity in notes} == {90}
    errors = [  # a bar lasts a second
        abs(start - (down - origin)) for (start, _, _), down in zip(notes, downs, strict=True)
    ] + [
        abs(duration - (up - down))
        for (_, duration, _), down, up in zip(notes, downs, ups, strict=True)
    ]
    assert statistics.median(errors) < 0.03
    told = stage.ask("[...studio.client.session.value.tracks[2].bars.keys()]")
    assert set(range(first, first + 8)) <= set(told), "every bar has an answer"
    assert len(set(stage.bars(BASS)) & set(range(first, first + 8))) >= 4, "rests are few"


def test_page_and_osc_client_see_the_same(stage: Stage, studio):
    stage.play()
    stage.quick()
    with Client(port=studio.osc_address[1]) as client:
        client.send("/midigpt/session/watch", stage.session_id())
        text = client.wait_for("/midigpt/session/snapshot").arguments[0]
        begin = json.loads(text)["playhead"] + 2
        mirrored: dict[int, dict[int, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
        prompts = {}
        ended = -1
        while ended < begin + 6:
            message = client.receive(timeout=20)
            if message.address != "/midigpt/session/mirror":
                continue
            _, _, _, address, values = message.arguments
            values = json.loads(values)
            if address == "/midigpt/generated/note":
                mirrored[values[0]][values[1]].append(values[2:])
            elif address == "/midigpt/note":
                mirrored[values[0]][values[5]].append(values[1:5])
            elif address == "/midigpt/prompt/state":
                state = json.loads(values[0])
                prompts[state["target_bar"]] = state
            elif address == "/midigpt/bar/end":
                ended = values[0]
    stage.pause()
    for track in (CHORDS, BASS):
        shown = stage.bars(track)
        for bar in range(begin, begin + 5):
            assert sorted(shown.get(bar, [])) == sorted(mirrored[track][bar])
    shown_prompts = stage.ask(
        "studio.client.session.value.prompts.map(p => "
        "[p.target, p.start, p.end, [...p.states].map(([id, s]) => [id, s.join('')])])"
    )
    by_target = {target: (start, end, states) for target, start, end, states in shown_prompts}
    compared = [target for target in range(begin + 1, begin + 5) if target in prompts]
    assert compared
    for target in compared:
        told = prompts[target]
        states = [[t["track_id"], "".join(t["states"])] for t in told["tracks"]]
        assert by_target[target] == (told["start_bar"], told["end_bar"], states)


def test_the_model_view_shows_what_the_model_was_shown(stage: Stage, studio):
    stage.play()
    with Client(port=studio.osc_address[1]) as client:
        client.send("/midigpt/session/watch", stage.session_id())
        stage.wait("studio.leader.bar.value >= 4")
        stage.pause()
        client.send("/midigpt/ping", "end")
        told = [
            json.loads(json.loads(message.arguments[4])[0])
            for message in client.receive_until(lambda m: m.address == "/midigpt/pong")
            if message.arguments[3:4] == ("/midigpt/prompt/state",)
        ][-1]
    stage.press("Model view")
    stage.wait("document.querySelector('.bars .bar[data-state=playing]') === null")
    shown = stage.ask(
        """([track, from, to]) => [...document.querySelectorAll(`.bar[data-track="${track}"]`)]
            .map(cell => [Number(cell.dataset.bar), cell.dataset.state])
            .filter(([bar]) => from <= bar && bar < to)""",
        [BASS, told["start_bar"], told["end_bar"]],
    )
    (states,) = [track["states"] for track in told["tracks"] if track["track_id"] == BASS]
    words = {"C": "context", "T": "generating", "M": "hidden", "A": "hidden"}
    assert len(shown) > 3
    for bar, state in shown:
        assert state == words[states[bar - told["start_bar"]]]


def test_a_reload_goes_on_in_the_session(stage: Stage):
    stage.play()
    stage.wait("studio.leader.bar.value >= 3")
    session, bass = stage.session_id(), stage.bars(BASS)
    stage.page.reload()
    stage.wait("window.studio?.client.session.value.phase === 'RUNNING'")
    assert stage.session_id() == session
    after = stage.bars(BASS)
    assert after.keys() >= bass.keys() and bass
    for bar, notes in bass.items():
        assert after[bar] == [pytest.approx(note, abs=1e-4) for note in notes]
    reached = stage.ask("studio.client.session.value.playhead")
    stage.press("Play")
    stage.wait(f"studio.client.session.value.playhead >= {reached + 2}")
    stage.wait(f"studio.leader.bar.value >= {reached + 2}")
    stage.wait(f"{HEARD}(2) > {reached} && {HEARD}(1) > {reached}")  # agents, and the loop too


def test_two_browsers_see_one_session_and_one_takes_over(stage: Stage, chromium, studio):
    stage.play()
    other = Stage(chromium, studio.url)
    other.open()
    other.tab("Sessions")
    session = stage.session_id()
    other.wait(f"studio.client.sessions.value.some(s => s.id === '{session}')")
    other.ask(f"studio.client.watch('{session}')")
    stage.wait("studio.leader.bar.value >= 4")
    other.wait("studio.client.session.value.playhead >= 4")
    for track in (CHORDS, BASS):
        seen, played = other.bars(track), stage.bars(track)
        assert seen
        for bar, notes in seen.items():
            assert notes == [pytest.approx(note, abs=1e-4) for note in played[bar]]
    other.ask(f"studio.client.attach('{session}')")
    other.wait("studio.client.isPlayer.value")
    other.press("Play")
    stage.wait("!studio.leader.isPlaying.value")  # the first one watches now
    reached = other.ask("studio.client.session.value.playhead")
    stage.wait(f"studio.client.session.value.playhead >= {reached + 2}")
    other.check_clean()
    other.close()


def test_parameters_and_wishes_reach_the_server(stage: Stage, studio):
    stage.play()
    stage.tab("Model")
    slider = stage.page.get_by_role("slider", name="Temperature", exact=True)
    slider.focus()
    slider.press("ArrowRight")
    stage.wait("studio.client.session.value.parameters.temperature > 1.01")
    with Client(port=studio.osc_address[1]) as client:
        client.send("/midigpt/session/watch", stage.session_id())
        snapshot = json.loads(client.wait_for("/midigpt/session/snapshot").arguments[0])
    assert snapshot["parameters"]["temperature"] == pytest.approx(1.05)


def test_pause_ends_every_note(stage: Stage):
    stage.play()
    stage.wait("studio.player.level() > 0.01")
    stage.pause()
    stage.wait("studio.player.level() < 0.0005")
    reached = stage.ask("studio.client.session.value.playhead")
    frame = stage.ask("studio.player.frame")
    stage.wait(f"studio.player.frame > {frame} + 2.5 * studio.player.sampleRate")  # a bar is over
    assert stage.ask("studio.client.session.value.playhead") == reached


def test_a_session_of_the_journal_is_opened_as_a_song(stage: Stage):
    stage.play()
    stage.quick()
    stage.wait("studio.leader.bar.value >= 6")
    stage.pause()
    chords = stage.bars(CHORDS)
    stage.tab("Sessions")
    session = stage.session_id()
    kept = "fetch('/takes.json').then(r => r.json())"
    stage.wait(f"{kept}.then(takes => takes.some(t => t.session === '{session}'))")
    stage.tab("Band")
    stage.tab("Sessions")
    stage.press("Open as song")  # the latest is the first
    stage.wait("studio.song.session.value !== null")
    notes = stage.ask(
        "[...studio.song.session.value.tracks.find(t => t.instrument === 4).bars]"
        ".map(([bar, {notes}]) => [bar, notes.length])"
    )
    counts = dict(notes)
    assert all(counts[bar] == len(chords[bar]) for bar in range(1, 5))


def test_a_busy_page_keeps_time_by_the_audio_threads_clock(stage: Stage):
    stage.play()
    behind = stage.ask(
        """async () => {
            const {player} = studio, {onTick} = player, behind = [];
            player.onTick = frame => {
                behind.push((player.frame - frame) / player.sampleRate);
                onTick(frame);
            };
            for (let i = 0; i < 12; i++) {  // more ticks come meanwhile than are heard between
                const until = performance.now() + 200;
                while (performance.now() < until);
                await new Promise(done => setTimeout(done, 1));
            }
            player.onTick = onTick;
            return behind;
        }"""
    )
    assert len(behind) >= 5
    assert max(behind) < 0.1, "a tick that was heard late tells the time of now"
