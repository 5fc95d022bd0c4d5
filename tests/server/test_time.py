"""Tempo, meters, transport, leads and deadlines, on the offline clock."""

from __future__ import annotations

import pytest
from offline import OfflinePlayer, OfflineServer

from midigpt_server.protocol.osc import Message
from midigpt_server.timing.bars import Meter
from midigpt_server.timing.tempo_map import TempoMap
from midigpt_server.timing.timeline import Timeline


def common(bar: int) -> Meter:
    return Meter(4, 4)


def test_the_tempo_is_estimated_from_bar_ends() -> None:
    tempo = TempoMap()
    assert tempo.bpm is None and tempo.time_of(1, common) is None
    for bar, time in enumerate((10.0, 12.0, 14.0, 16.0)):
        tempo.bar_line(bar, time, Meter())
    assert tempo.bpm == pytest.approx(120)
    assert tempo.time_of(5, common, 0.25) == pytest.approx(20.5)
    tempo.bar_line(4, 18.6, Meter())  # one late bar end sets the phase, not the tempo
    assert tempo.bpm == pytest.approx(120)
    assert tempo.time_of(5, common) == pytest.approx(20.6)


def test_a_new_tempo_is_followed_within_two_bars() -> None:
    tempo = TempoMap()
    times = [0.0, 2.0, 4.0, 6.0, 7.0, 8.0]
    for bar, time in enumerate(times):
        tempo.bar_line(bar, time, Meter())
    assert tempo.bpm == pytest.approx(240)


@pytest.mark.parametrize(("meter", "seconds"), [(Meter(3, 4), 1.5), (Meter(7, 8), 1.75)])
def test_meters_have_their_lengths(meter: Meter, seconds: float) -> None:
    tempo = TempoMap()
    tempo.set_tempo(120, 0.0)
    tempo.bar_line(0, 0.0, Meter())
    assert tempo.time_of(2, lambda bar: meter) == pytest.approx(2 * seconds)


def test_a_told_tempo_keeps_the_place_in_the_bar() -> None:
    tempo = TempoMap()
    tempo.set_tempo(120, 0.0)
    tempo.bar_line(0, 0.0, Meter())
    tempo.set_tempo(60, 1.0)  # half the bar is over; the other half takes 2 seconds
    assert tempo.time_of(1, common) == pytest.approx(3.0)


def test_bar_ends_without_time_between_them_are_no_tempo() -> None:
    tempo = TempoMap()
    for bar in range(10):
        tempo.bar_line(bar, bar * 0.01, Meter())
    assert tempo.bpm is None


def test_a_timeline_without_jumps_is_the_identity() -> None:
    timeline = Timeline()
    assert [timeline.song_bar(b) for b in (0, 5, 999)] == [0, 5, 999]
    assert [timeline.bar_of(b, 3) for b in (0, 5, 999)] == [0, 5, 999]


def test_a_loop_repeats_the_clients_bars() -> None:
    timeline = Timeline()
    timeline.set_loop((2, 4), 3)
    assert [timeline.song_bar(b) for b in range(9)] == [0, 1, 2, 3, 2, 3, 2, 3, 2]
    assert timeline.bar_of(2, 4) == 4 and timeline.bar_of(3, 4) == 5
    timeline.set_loop(None, 6)
    assert [timeline.song_bar(b) for b in (5, 6, 7, 8)] == [3, 2, 3, 4]


def test_after_a_jump_bars_have_other_numbers() -> None:
    timeline = Timeline()
    timeline.locate(20, 7)
    assert [timeline.song_bar(b) for b in (6, 7, 8)] == [6, 20, 21]
    assert timeline.bar_of(21, 7) == 8 and timeline.bar_of(6, 7) == 6


def test_D49_an_announced_meter_holds_from_its_bar_on() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.say("meter", 3, 3, 4)
    player.play(4)
    meters = {job.target: str(job.meter(job.target)) for job in server.jobs}
    assert meters == {2: "4/4", 3: "3/4", 4: "3/4", 5: "4/4"}, "the ended bar 3 said 4/4 after all"


def test_deadlines_are_bar_lines() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.play(5)
    # bar n is wanted when bar n - 2 ends, and must sound at 2 n seconds
    deadlines = {job.target: job.deadline for job in server.jobs}
    assert deadlines == pytest.approx({2: None, 3: 6.0, 4: 8.0, 5: 10.0, 6: 12.0})


def test_the_earliest_deadline_goes_first() -> None:
    server = OfflineServer(cost=lambda job: 0.5)
    slow, fast, busy = (OfflinePlayer(server, name) for name in ("slow", "fast", "busy"))
    for player, bpm in ((slow, 60), (fast, 200), (busy, 120)):
        player.begin()
        player.say("tempo", bpm)
        player.say("bar/end", 0, 4, 4)
    server.run_until(10.0)
    server.jobs.clear()
    busy.say("bar/end", 1, 4, 4)  # takes the generator
    slow.say("bar/end", 1, 4, 4)
    fast.say("bar/end", 1, 4, 4)
    server.run_until(20.0)
    lengths = [job.deadline - 10.0 for job in server.jobs if job.deadline]
    assert lengths == pytest.approx([2.0, 1.2, 4.0]), "fast (1.2 s a bar) before slow (4 s)"


@pytest.mark.parametrize("lead", [0.5, 1.0, 2.5])
def test_lookahead_0_begins_so_many_beats_before_the_bar_line(lead: float) -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(lookahead_bars=0, lead_beats=lead)
    begun: list[tuple[int, float]] = []
    server.cost = lambda job: begun.append((job.target, server.clock.now())) or 0.1  # type: ignore
    player.play(6)
    # the tempo is known after two bar lines: bar 2 begins at its own line, the rest by the clock
    assert begun == [(2, 4.0), *((n, pytest.approx(2.0 * n - lead / 2)) for n in range(3, 7))]
    heard = server.jobs[-1].tracks[0].bars[5 - server.jobs[-1].first_bar]
    assert len(heard) == {0.5: 4, 1.0: 3, 2.5: 2}[lead], "what was heard of bar 5 so far"
    assert not player.named("bar/fallback") and not player.named("error")


def test_lookahead_0_lead_0_begins_at_the_bar_end() -> None:
    server = OfflineServer(cost=lambda job: 0.05)
    player = OfflinePlayer(server)
    player.begin(lookahead_bars=0, lead_beats=0, streaming=1)
    player.play(5)
    server.run_until(11.0)
    assert [job.target for job in server.jobs] == [2, 3, 4, 5]
    first = [min(player.times("generated/note", 1, bar)) for bar in (2, 3, 4, 5)]
    assert first == pytest.approx([4.01, 6.01, 8.01, 10.01])


@pytest.mark.parametrize("lead", [0.0, 1.0])
def test_the_prompt_of_the_next_bar_is_read_ahead(lead: float) -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(lookahead_bars=0, lead_beats=lead)
    player.play(4)
    begin = 8.0 - lead / 2
    ahead = [(time, job) for time, job in server.foreseen if job.target == 4]
    assert [time for time, _ in ahead] == pytest.approx([begin - 0.4])
    real = next(job for job in server.jobs if job.target == 4)
    guess = ahead[-1][1]
    assert guess.voice == real.voice and guess.tracks[1:] == real.tracks[1:]
    assert len(guess.tracks[0].bars[3]) == {0.0: 4, 1.0: 3}[lead], "what was heard of bar 3"


def test_a_dated_bar_end_counts_from_its_date() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(timetags=1)
    player.say("tempo", 120)
    for bar, delay in enumerate((0.0, 0.03, 0.01)):  # on its way for so long
        server.run_until(2.0 * bar + 2.0 + delay)
        end = Message("/midigpt/bar/end", (bar, 4, 4), "iii", 2.0 * bar + 2.0)
        server.conductor.receive([end], player)
    server.run_until(9.0)
    dates = [m.time for _, m in player.heard if m.address.endswith("/note") and m.arguments[1] == 4]
    assert dates == pytest.approx([8.0, 8.5, 9.0, 9.5])
    wrong = Message("/midigpt/bar/end", (3, 4, 4), "iii", 2_000_000_000.0)
    server.conductor.receive([wrong], player)
    server.run_until(9.5)
    dates = [m.time for _, m in player.heard if m.address.endswith("/note") and m.arguments[1] == 5]
    assert dates == pytest.approx([11.0, 11.5, 12.0, 12.5]), "bar 4 began when its end arrived"


def test_stop_and_play_of_the_transport() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(lookahead_bars=0)
    player.play(4)
    player.say("transport", "stop")
    jobs = len(server.jobs)
    server.run_until(60.0)
    assert len(server.jobs) == jobs, "nothing is generated while the music stands"
    player.say("transport", "play")
    server.run_until(61.6)
    assert [job.target for job in server.jobs[jobs:]] == [5], "one beat before the next bar line"


def test_a_loop_is_answered_in_the_clients_numbers() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.play(2)
    player.say("transport", "loop", 2, 4)
    player.play(2, first=2)
    player.play(2, first=2)
    player.play(2, first=2)
    assert [bar for _, bar, _ in player.named("generated/open")] == [2, 3, 2, 3, 2, 3, 2]
    job = server.jobs[-1]
    assert job.target == 9 and len(job.tracks[0].bars[7 - job.first_bar]) == 4
    assert player.state()["playhead"] == 2 and not player.named("bar/gap")


def test_locate_goes_on_at_another_bar() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin()
    player.play(4)
    player.say("transport", "locate", 16)
    player.forget()
    player.play(2, first=16)
    assert [bar for _, bar, _ in player.named("generated/open")] == [18]
    assert not player.named("bar/gap")


def test_the_internal_clock_ends_the_bars() -> None:
    server = OfflineServer()
    player = OfflinePlayer(server)
    player.begin(clock="internal")
    player.say("tempo", 120)
    player.say("transport", "play")
    server.run_until(1.0)
    player.say("note", 0, 60, 80, 0.5, 0.1, 0)
    player.say("bar/end", 0, 4, 4)  # not its business any more
    server.run_until(8.5)
    assert [topic for topic, _ in player.named("warning")] == ["clock"]
    assert player.times("status", "generating") == pytest.approx([2.0, 4.0, 6.0, 8.0])
    assert [bar for _, bar, _ in player.named("generated/open")] == [2, 3, 4, 5]
    assert len(server.jobs[0].tracks[0].bars[0]) == 1


def test_the_same_performance_is_the_same_to_the_last_message() -> None:
    takes = []
    for _ in range(2):
        server = OfflineServer(cost=lambda job: 0.3 + job.target % 5)
        player = OfflinePlayer(server)
        player.begin(agents=2, streaming=1, note_offs=1, sampling_seed=3)
        player.play(12, bar_seconds=1.3)
        server.run_until(30.0)
        takes.append([(t, m) for t, m in player.heard if "session" not in m.address])
    assert takes[0] == takes[1]
