"""Agents that never leave a bar empty: several of them, fallbacks, streaming, panic, undo."""

from __future__ import annotations

import json

import pytest
from offline import OfflinePlayer, OfflineServer

from midigpt_server.generation.job import Job
from midigpt_server.session.fallback import fallback_bar
from midigpt_server.timing.bars import BarNote, Meter

FOUR = Meter(4, 4)
BAR = [BarNote(60, 90, 0.0, 0.25), BarNote(64, 80, 0.5, 0.5), BarNote(67, 80, 0.5, 0.5)]


def opened(player: OfflinePlayer, agent: int) -> list[int]:
    return [bar for _, bar, _ in player.named("generated/open", agent)]


# --- several agents -----------------------------------------------------------------------------


def test_agents_play_in_creation_order_and_hear_each_other() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(agents=3)
    player.play(4)
    server.run_until(9.0)
    assert [(job.agent_id, job.target) for job in server.jobs[:6]] == [
        *((agent, 2) for agent in (1, 2, 3)),
        *((agent, 3) for agent in (1, 2, 3)),
    ]
    third = server.jobs[5]
    first_agents_bar = third.tracks[1].bars[3 - third.first_bar]
    assert [n.pitch for n in first_agents_bar] == [43] * 4, "bar 3 of agent 1, written just before"
    assert 3 not in third.tracks[1].hidden and 4 in third.tracks[1].hidden
    assert all(opened(player, agent) == [2, 3, 4, 5] for agent in (1, 2, 3))


def test_agents_have_settings_of_their_own() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(agents=2)
    player.say("track/param/set", 2, "lookahead_bars", 2)
    player.say("track/param/set", 2, "top_k", 7)
    player.say("track/param/set", 2, "instrument", 99)
    player.say("agent/attr/set", 2, "max_polyphony", 3)
    player.say("attr/set", "min_polyphony", 1)
    player.play(3)
    server.run_until(8.0)
    assert opened(player, 1) == [2, 3, 4] and opened(player, 2) == [3, 4, 5]
    one, two = server.jobs[-2:]
    assert (one.values["top_k"], two.values["top_k"]) == (0, 7)
    assert two.agent.instrument == 99
    assert one.attributes == {"min_polyphony": 1}
    assert two.attributes == {"min_polyphony": 1, "max_polyphony": 3}
    assert not player.named("error")
    player.say("track/param/set", 2, "mask_k", 7)
    assert [code for code, _ in player.named("error")] == [4], "mask_k must stay below top_k"


def test_agents_come_and_go_while_playing() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.play(3)
    player.say("agent/create", 7, 0, 11)
    player.play(2, first=3)
    player.say("agent/remove", 7)
    player.forget()
    player.play(2, first=5)
    server.run_until(20.0)
    assert {job.agent_id for job in server.jobs[2:7]} == {1, 7}
    assert opened(player, 7) == [] and opened(player, 1) == [6, 7, 8][-len(opened(player, 1)) :]
    player.say("agent/remove", 0)
    assert [code for code, _ in player.named("error")] == [2]


def test_an_agent_removed_while_it_writes_is_not_heard() -> None:
    server = OfflineServer(cost=lambda job: 1.0)
    player = OfflinePlayer(server)
    player.begin(agents=2)
    player.play(1)
    server.run_until(2.5)
    player.say("agent/remove", 1)
    server.run_until(9.0)
    assert opened(player, 1) == [] and opened(player, 2) == [2]


def test_a_muted_agent_rests_and_is_not_heard_by_others() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(agents=2)
    player.play(2)
    player.say("track/param/set", 1, "mute", 1)
    player.forget()
    player.play(2, first=2)
    assert opened(player, 1) == [] and opened(player, 2) == [3, 4]
    assert server.jobs[-1].tracks[1].ignored
    player.say("track/param/set", 1, "mute", 0)
    player.play(1, first=4)
    server.run_until(20.0)
    assert opened(player, 1) == [6]


def test_old_clients_see_exactly_one_agent() -> None:
    player = OfflinePlayer(OfflineServer())
    player.say("session/init")
    player.say("track/create", 1, 0, 10, 1)
    player.say("track/create", 2, 0, 10, 1)
    assert [code for code, _ in player.named("error")] == [7]


# --- fallbacks ----------------------------------------------------------------------------------


def test_repeat_vary_hold_rest() -> None:
    own = [(FOUR, ()), (FOUR, BAR)]
    assert fallback_bar("repeat", own, FOUR, False, 1) == tuple(BAR)
    assert fallback_bar("rest", own, FOUR, False, 1) == ()
    held = fallback_bar("hold", own, FOUR, False, 1)
    assert [(n.pitch, n.onset, n.duration) for n in held] == [(64, 0.0, 1.0), (67, 0.0, 1.0)]
    assert fallback_bar("hold", own, FOUR, True, 1) == tuple(BAR), "drums have nothing to hold"
    varied = fallback_bar("vary", own, FOUR, False, 1)
    assert sorted(n.pitch for n in varied) == [60, 64, 67]
    assert [n.onset for n in varied] == [n.onset for n in BAR] and varied != tuple(BAR)
    assert fallback_bar("repeat", [], FOUR, False, 1) == ()


def test_a_bar_of_another_meter_keeps_its_rhythm_and_ends_with_its_bar() -> None:
    three = fallback_bar("repeat", [(FOUR, BAR)], Meter(3, 4), False, 1)
    assert [(n.onset * 3, n.duration * 3) for n in three] == [
        (0, 1),
        (2, pytest.approx(1)),
        (2, pytest.approx(1)),
    ]
    seven = fallback_bar("repeat", [(FOUR, BAR), (Meter(7, 8), BAR[:1])], Meter(7, 8), False, 1)
    assert seven == tuple(BAR[:1]), "a bar in the same meter comes first"


@pytest.mark.parametrize("policy", ["repeat", "vary", "hold", "rest"])
def test_a_bar_that_cannot_be_ready_is_filled_before_its_bar_line(policy: str) -> None:
    server = OfflineServer(cost=lambda job: 60.0 if job.target in (5, 6) else 0.1)
    player = OfflinePlayer(server)
    player.begin(fallback=policy)
    player.play(9)
    server.run_until(19.0)
    assert opened(player, 1) == list(range(2, 11)), "no bar is missing, none comes twice"
    assert [a[:3] for a in player.named("bar/fallback")] == [(1, 5, policy), (1, 6, policy)]
    for bar in range(2, 11):
        assert max(player.times("generated/close", 1, bar)) <= 2.0 * bar - 0.02 + 1e-9
    assert not player.named("error")


def test_a_lost_bar_end_leaves_no_hole() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.play(3)
    server.run_until(9.9)  # the end of bar 3 is lost
    player.say("bar/end", 4, 4, 4)
    player.play(2, first=5)
    server.run_until(30.0)
    assert opened(player, 1) == [2, 3, 4, 5, 6, 7, 8]
    assert [a[:3] for a in player.named("bar/fallback")] == [(1, 5, "repeat")]


def test_a_server_that_was_held_up_tells_every_bar() -> None:
    """Bar ends that were read too late, all at once: what is over is told, and empty."""
    server = OfflineServer(cost=lambda job: 60.0 if job.target > 4 else 0.1)
    player = OfflinePlayer(server)
    player.begin()
    player.play(3)
    server.run_until(6.5)
    server.clock.move_to(13.0)  # bars 3 to 5 have ended meanwhile; nothing was read
    for bar in (3, 4, 5):
        player.say("bar/end", bar, 4, 4)
    server.run_until(20.0)
    assert sorted(opened(player, 1)) == [2, 3, 4, 5, 6, 7]
    assert sorted(bar for _, bar, *_ in player.named("bar/fallback")) == [5, 6, 7]
    assert not player.named("generated/note", 1, 5), "nothing of a bar that is over is heard"
    assert 5 in [bar for _, bar, *_ in player.named("bar/late")]


def test_a_bar_that_cannot_be_written_anew_stays_as_it_was() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.play(3)
    server.run_until(6.5)
    before = player.named("generated/note", 1, 4)
    player.forget()
    server.cost = lambda job: job.cancel.set() or 0.1  # type: ignore[func-returns-value]
    player.say("agent/regenerate", 4)
    server.run_until(7.0)
    assert [code for code, _ in player.named("error")] == [5]
    assert player.named("generated/note", 1, 4) == before


def test_a_failed_generation_is_told_and_filled() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(gen_timeout=0.0)
    player.play(3)
    server.run_until(7.0)
    server.cost = lambda job: job.cancel.set() or 0.1  # type: ignore[func-returns-value]
    player.play(1, first=3)
    server.run_until(10.0)
    assert [code for code, _ in player.named("error")] == [5]
    assert [a[:3] for a in player.named("bar/fallback")] == [(1, 5, "repeat")]
    assert opened(player, 1) == [2, 3, 4, 5]


def test_under_overload_every_bar_is_there_in_time_and_told() -> None:
    server = OfflineServer(cost=lambda job: 0.9)
    players = [OfflinePlayer(server, f"p{index}") for index in range(8)]
    for player in players:
        player.begin()
    bar_seconds = 1.0  # 240 BPM: 8 sessions want 7.2 seconds of work a second
    for bar in range(20):
        server.run_until(bar * bar_seconds)
        for player in players:
            if bar:
                player.say("bar/end", bar - 1, 4, 4)
    server.run_until(30.0)
    fallbacks = 0
    for player in players:
        bars = opened(player, 1)
        assert bars == list(range(bars[0], 21)) and bars[0] <= 3, "none missing"
        for bar in bars[2:]:
            assert max(player.times("generated/close", 1, bar)) <= bar * bar_seconds
        fallbacks += len(player.named("bar/fallback"))
        assert not player.named("bar/late")[1:]
    assert fallbacks > 100


def test_under_overload_fewer_bars_are_begun_so_that_some_are_done() -> None:
    """Side by side all eight would take too long; a bar alone takes 0.6 of its second."""

    def cost(job: Job) -> float:
        return 0.6 * len(server.conductor._running)

    server = OfflineServer(cost, slots=8)
    players = [OfflinePlayer(server, f"p{index}") for index in range(8)]
    for player in players:
        player.begin()
    for bar in range(40):
        for index, player in enumerate(players):  # bar lines are spread over the second
            server.run_until(bar + index / 8)
            if bar:
                player.say("bar/end", bar - 1, 4, 4)
    server.run_until(45.0)
    filled = sum(len(player.named("bar/fallback")) for player in players)
    bars = sum(len(opened(player, 1)) for player in players)
    assert bars >= 8 * 38, "none missing"
    assert bars - filled >= 25, "an idle server would write 66 one after the other"


def test_clients_without_fallback_get_late_bars_and_are_told() -> None:
    server = OfflineServer(cost=lambda job: 5.0 if job.target == 5 else 0.1)
    player = OfflinePlayer(server)
    player.begin(fallback="none")
    player.play(5)
    server.run_until(20.0)
    assert opened(player, 1) == [2, 3, 4, 5, 6]
    assert [a[:2] for a in player.named("bar/late")] == [(1, 5), (1, 6)]
    assert player.named("bar/late")[0][2] == pytest.approx(3.0)


# --- streaming ----------------------------------------------------------------------------------


def test_D03_notes_come_as_they_are_sampled() -> None:
    server = OfflineServer(cost=lambda job: 1.0)
    player = OfflinePlayer(server)
    player.begin(streaming=1)
    player.play(2)
    server.run_until(5.5)
    bar_3 = [(t, m.address[19:], m.arguments) for t, m in player.heard if m.arguments[:2] == (1, 3)]
    assert [name for _, name, _ in bar_3] == [
        *("open", "note", "note", "note", "note", "count", "close", "features"),
    ]
    assert [t for t, _, _ in bar_3] == pytest.approx([4, 4.2, 4.4, 4.6, 4.8, 5, 5, 5])
    assert bar_3[0][2] == (1, 3, -1) and bar_3[5][2] == (1, 3, 4)


def test_streamed_notes_whose_time_has_passed_are_left_out_and_told() -> None:
    server = OfflineServer(cost=lambda job: 0.3 if job.target < 4 else 2.5)
    player = OfflinePlayer(server)
    player.begin(fallback="none", streaming=1, lookahead_bars=0, lead_beats=1)
    player.play(4)
    server.run_until(12.0)
    # bar 4 begins at 8.0: its notes come at 8.0, 8.5, 9.0, 9.5, and are due at 8.0, 8.5, 9.0, 9.5
    assert len(player.named("generated/note", 1, 4)) == 4
    server = OfflineServer(cost=lambda job: 0.3 if job.target < 4 else 5.0)
    player = OfflinePlayer(server)
    player.begin(fallback="none", streaming=1, lookahead_bars=0, lead_beats=2)
    player.play(4)
    server.run_until(12.0)
    # 8.0, 9.0, 10.0, 11.0: only the first is in time
    assert len(player.named("generated/note", 1, 4)) == 1
    assert [(a[0], a[1], a[3]) for a in player.named("bar/late")] == [(1, 4, 3)]
    assert player.named("generated/count", 1, 4) == [(1, 4, 1)]


def test_several_bars_are_streamed_one_after_the_other() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(streaming=1, num_anticipated_bars=2)
    player.play(1)
    server.run_until(3.0)
    bounds = [
        m.address[19:] + str(m.arguments[1]) for _, m in player.heard if "/generated/" in m[0]
    ]
    assert [b for b in bounds if b[0] in "oc" and "count" not in b] == [
        *("open2", "close2", "open3", "close3"),
    ]


# --- dated bundles and note-offs ------------------------------------------------------------------


def test_notes_are_dated_by_the_tempo_map() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(timetags=1)
    player.play(3)
    server.run_until(7.0)
    dates = [m.time for _, m in player.heard if m.address.endswith("/note") and m.arguments[1] == 4]
    assert dates == pytest.approx([8.0, 8.5, 9.0, 9.5])


def test_the_server_begins_and_ends_the_notes() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(note_offs=1)
    player.play(3)
    server.run_until(20.0)
    # durations are 1.5 bars and pitches differ from bar to bar: each note is begun again four times
    assert player.times("play/on", 1, 4) == pytest.approx([8.0, 8.5, 9.0, 9.5])
    assert player.times("play/off", 1, 4) == pytest.approx([8.5, 9.0, 9.5, 12.5])
    assert len(player.named("play/on")) == len(player.named("play/off"))


def test_panic_ends_what_sounds_and_drops_what_is_scheduled() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(note_offs=1)
    player.play(3)
    server.run_until(6.7)
    sounding = len(player.named("play/on")) - len(player.named("play/off"))
    assert sounding == 2, "bars 2 and 3 overlap"
    player.say("panic")
    assert len(player.named("play/on")) == len(player.named("play/off"))
    assert player.named("generated/flush") == [(-1, -1)]
    ons = len(player.named("play/on"))
    server.run_until(30.0)
    assert len(player.named("play/on")) == ons
    player.play(1, first=3)
    server.run_until(40.0)
    assert opened(player, 1)[-1] == 5, "the next bar end goes on"


@pytest.mark.parametrize("how", ["session/stop", "session/init"])
def test_no_note_is_stuck_after_the_end(how: str) -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(note_offs=1)
    player.play(4)
    server.run_until(8.7)
    player.say(how)
    assert len(player.named("play/on")) == len(player.named("play/off")) > 0
    told = len(player.heard)
    server.run_until(30.0)
    assert len(player.heard) == told


def test_a_note_that_is_taken_back_is_heard_no_more() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.play(2)
    player.say("note/remove", 0, 61, 0.2501, 1)  # onsets are rounded on their way
    player.play(1, first=2)
    server.run_until(server.clock.now() + 0.5)
    human = server.jobs[-1].tracks[0]
    heard = human.bars[1 - server.jobs[-1].first_bar]
    assert [note.pitch for note in heard] == [60, 62, 63]
    for arguments, code in (((0, 61, 0.25, 1), 4), ((1, 60, 0.0, 1), 8), ((7, 60, 0.0, 1), 2)):
        player.forget()
        player.say("note/remove", *arguments)
        assert [told for told, _ in player.named("error")] == [code]


# --- undo and regenerate --------------------------------------------------------------------------


def test_regenerate_writes_a_bar_anew_and_undo_brings_it_back() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(sampling_seed=5)
    player.play(3)
    server.run_until(6.5)
    player.forget()
    player.say("agent/regenerate", 4)
    server.run_until(7.0)
    assert player.named("generated/flush") == [(1, 4)]
    assert player.named("generated/revision") == [(1, 4, 2)]
    assert opened(player, 1) == [4] and server.jobs[-1].take == 1
    player.forget()
    player.say("agent/undo")
    assert opened(player, 1) == [4] and len(player.named("generated/note")) == 4
    player.say("agent/undo")
    assert player.named("generated/open")[-1] == (1, 4, 0), "no version is left"
    assert player.named("generated/revision") == [(1, 4, 3), (1, 4, 4)]


def test_any_take_of_a_bar_can_be_played_again() -> None:
    server = OfflineServer()
    server.backend.notes = lambda bar: _numbered(len(server.jobs))
    player = OfflinePlayer(server)
    player.begin(sampling_seed=5)
    player.play(3)
    server.run_until(6.5)
    for _ in range(2):
        player.say("agent/regenerate", 4)
        server.run_until(server.clock.now() + 0.2)
    assert player.named("generated/take") == [(1, 4, 1, 2), (1, 4, 2, 3)]

    def pitches_of(take: int) -> list[int]:
        player.forget()
        player.say("agent/take", 4, take)
        return [note[2] for note in player.named("generated/note")]

    first, second, third = (pitches_of(take) for take in range(3))
    assert first != second != third != first
    assert pitches_of(0) == first
    assert player.named("generated/take") == [(1, 4, 0, 3)]
    player.say("agent/regenerate", 4)  # what was written since the chosen take stays
    server.run_until(server.clock.now() + 0.2)
    assert player.named("generated/take")[-1] == (1, 4, 3, 4)
    assert pitches_of(2) == third
    assert pitches_of(-1) == []
    for bar, take in ((4, 4), (4, -2), (2, 0), (9, 0)):
        player.forget()
        player.say("agent/take", bar, take)
        assert [code for code, _ in player.named("error")] == [4]


def _numbered(number: int) -> tuple[BarNote, ...]:
    return (BarNote(40 + number, 80, 0.0, 0.25),)


def test_no_note_of_a_take_is_late_while_the_music_pauses() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(sampling_seed=5)
    player.play(3)
    server.run_until(6.5)
    player.say("transport", "pause")
    server.run_until(60.0)
    player.forget()
    player.say("agent/regenerate", 4)
    server.run_until(61.0)
    player.say("agent/take", 4, 0)
    assert [count for _, _, count in player.named("generated/open")] == [4, 4]
    assert not player.named("bar/late") and not player.named("bar/fallback")
    player.play(1, first=3)
    server.run_until(server.clock.now() + 1.0)
    assert opened(player, 1)[-1] == 5, "it goes on"


def test_it_is_told_what_a_bar_cost() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(sampling_seed=5, temperature=1.5)
    player.play(3)
    server.run_until(6.5)
    told = [json.loads(text) for (text,) in player.named("generation/done")]
    assert [(t["start_bar"], t["end_bar"], t["track_id"]) for t in told][-1] == (4, 5, 1)
    assert told[-1]["milliseconds"] == pytest.approx(100, abs=1)
    assert (told[-1]["temperature"], told[-1]["seed"]) == (1.5, 5)


def test_redo_goes_forward_through_what_undo_took_back() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(sampling_seed=5)
    player.play(3)
    server.run_until(6.5)
    player.say("agent/regenerate", 4)
    server.run_until(7.0)

    def notes_after(how: str) -> list[tuple]:
        player.forget()
        player.say(how)
        return player.named("generated/note")

    second = notes_after("agent/undo"), notes_after("agent/redo")
    first = second[0]
    assert first and second[1]
    assert notes_after("agent/undo") == first
    assert notes_after("agent/undo") == []
    assert notes_after("agent/redo") == first
    assert notes_after("agent/redo") == second[1]
    player.forget()
    player.say("agent/redo")
    assert [code for code, _ in player.named("error")] == [4]


def test_what_cannot_be_dealt_again_is_refused() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.play(4)
    for bar in (2, 9):
        player.say("agent/regenerate", bar)
    player.say("agent/regenerate", 5, 77)
    assert [code for code, _ in player.named("error")] == [4, 4, 2]


def test_D35_no_bar_is_lost_when_the_lookahead_grows() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.play(3)
    player.say("param/set", "lookahead_bars", 3)
    player.play(2, first=3)
    server.run_until(20.0)
    assert opened(player, 1) == [2, 3, 4, 5, 6, 7, 8]
    player.say("param/set", "lookahead_bars", 1)
    player.play(4, first=5)
    server.run_until(40.0)
    assert opened(player, 1) == list(range(2, 11))


def test_D34_a_bar_end_that_comes_again_asks_for_nothing() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.play(3)
    server.run_until(7.0)
    jobs = len(server.jobs)
    for bar in (2, 1, 2):
        player.say("bar/end", bar, 4, 4)
    server.run_until(9.0)
    assert len(server.jobs) == jobs
