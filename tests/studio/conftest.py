"""A real studio with the bundled model, and Debian's Chromium looking at it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator

import pytest
from stage import Stage

from midigpt_server.generation.loading import load_engine
from midigpt_studio.studio import Studio

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    journal = tmp_path_factory.mktemp("journal") / "sessions.sqlite3"
    studio = Studio(load_engine(), port=0, osc_port=0, journal=journal)
    thread = threading.Thread(target=studio.serve, daemon=True)
    thread.start()
    yield studio
    studio.close()
    thread.join(timeout=10)


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    if not shutil.which(CHROMIUM):
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def stage(chromium, studio) -> Iterator[Stage]:
    """An open page; at the end nothing may have gone wrong in it or left the machine."""
    stage = Stage(chromium, studio.url)
    stage.open()
    yield stage
    stage.check_clean()
    stage.close()
