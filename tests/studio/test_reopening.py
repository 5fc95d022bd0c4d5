"""The server ends; its sessions are kept, and go on another day."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stage import Stage

from midigpt_server.generation.loading import load_engine
from midigpt_studio.studio import Studio

CHORDS, BASS = 1, 2


@contextmanager
def a_day(chromium, backend, journal: Path) -> Iterator[Stage]:
    """A studio that starts, with a browser that has never been there, and ends."""
    studio = Studio(backend, port=0, osc_port=0, journal=journal)
    thread = threading.Thread(target=studio.serve, daemon=True)
    thread.start()
    stage = Stage(chromium, studio.url)
    stage.open()
    yield stage
    stage.check_clean()
    stage.close()
    studio.close()
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_a_session_goes_on_another_day(chromium, tmp_path: Path):
    backend, journal = load_engine(), tmp_path / "sessions.sqlite3"
    with a_day(chromium, backend, journal) as stage:
        stage.play()
        stage.wait("studio.leader.bar.value >= 5")
        stage.pause()
        session, before = stage.session_id(), {t: stage.bars(t) for t in (CHORDS, BASS)}
        playhead = stage.ask("studio.client.session.value.playhead")
    with a_day(chromium, backend, journal) as stage:
        assert stage.ask("studio.client.session.value.tracks.length") == 0
        stage.tab("Sessions")
        stage.press("Go on")
        stage.wait("studio.client.session.value.phase === 'RUNNING'")
        assert stage.session_id() == session
        assert stage.ask("studio.client.session.value.playhead") == playhead
        for track in (CHORDS, BASS):
            after = stage.bars(track)
            bars = [bar for bar in before[track] if playhead - 6 <= bar < playhead]
            assert len(bars) > 1
            for bar in bars:
                assert after[bar] == [pytest.approx(n, abs=1e-4) for n in before[track][bar]]
        stage.press("Play")
        stage.wait(f"studio.leader.bar.value >= {playhead + 2}")
        stage.pause()
        assert max(stage.bars(BASS)) > playhead, "the band plays on"
