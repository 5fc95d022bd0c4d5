"""A page of the studio as a musician's hands and a critic's eyes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

SECONDS = 1000
PATIENCE = 30 * SECONDS


class Stage:
    """One browser context with one page."""

    def __init__(
        self, browser: Browser, url: str, size: tuple[int, int] = (1280, 720), **options: Any
    ) -> None:
        self.url = url
        self.problems: list[str] = []
        self.requested: set[str] = set()
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=options.pop("color_scheme", "dark"),
            accept_downloads=True,
            **options,
        )
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.context.on("request", lambda request: self.requested.add(request.url))

    def open(self) -> None:
        self.page.goto(self.url)
        self.wait("window.studio?.wire.connection.value === 'open'")

    def close(self) -> None:
        self.context.close()

    def check_clean(self) -> None:
        assert self.problems == []
        here = urlsplit(self.url).netloc
        foreign = {
            url
            for url in self.requested
            if urlsplit(url).scheme not in ("blob", "data") and urlsplit(url).netloc != here
        }
        assert foreign == set()

    # --- hands -----------------------------------------------------------------------------

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def play(self) -> None:
        """Press Play and wait until the first bar sounds."""
        self.press("Play")
        self.wait("studio.leader.bar.value >= 1")

    def pause(self) -> None:
        """Press Pause and wait until nothing is being written or on its way."""
        self.press("Pause")
        self.wait("!studio.leader.isPlaying.value")
        self.wait("!studio.client.session.value.isGenerating")
        self.settle()

    def settle(self) -> None:
        """Until all that the server had to say before now has come, the order of messages being
        kept: a question, and its answer."""
        self.ask(
            """() => new Promise(done => {
                const text = String(Math.random()), {wire} = studio, before = wire.onBatch;
                wire.onBatch = batch => {
                    before(batch);
                    if (!batch.some(m => m[0] === '/midigpt/pong' && m[1] === text)) return;
                    wire.onBatch = before;
                    done();
                };
                wire.send('/midigpt/ping', text);
            })"""
        )

    def quick(self, bpm: int = 240) -> None:
        self.page.get_by_label("Tempo in beats per minute").fill(str(bpm))
        self.page.keyboard.press("Tab")

    # --- eyes ------------------------------------------------------------------------------

    def wait(self, expression: str, seconds: float = 60) -> None:
        """Until an expression is true; asked from outside, as the page's policy allows no eval."""
        deadline = time.monotonic() + seconds
        while not self.ask(expression):
            assert time.monotonic() < deadline, f"in vain: {expression}"
            self.page.wait_for_timeout(40)

    def ask(self, expression: str, argument: Any = None) -> Any:
        return self.page.evaluate(expression, argument)

    def session_id(self) -> str:
        return str(self.ask("studio.client.session.value.id"))

    def bars(self, track: int) -> dict[int, list[list[float]]]:
        """Notes of a track as the page has them: bar to [pitch, velocity, onset, duration]."""
        told = self.ask(
            """id => [...studio.client.session.value.tracks.find(t => t.id === id).bars]
                .filter(([, bar]) => !bar.isOpen)
                .map(([bar, {notes}]) => [bar, notes.map(
                    n => [n.pitch, n.velocity, n.onset, n.duration])])""",
            track,
        )
        return {int(bar): notes for bar, notes in told if notes}

    def picture(self, name: str, folder: Path | None) -> None:
        if folder is not None:
            self.page.screenshot(path=folder / f"studio-{name}.png")

    def _on_console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")
