"""Those around the studio in its benchmark, each in a process of its own: the one who plays, the
browsers that watch.

Of the browsers one is Chromium with the page. The others speak Socket.IO in one process, stamp each
message as it comes and decode it afterwards: on the machine of the server they take its processor,
which browsers on their own machines would not.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import socketio

from midigpt_server.client import Client

#: Notes in a bar: the onset says which note it is.
NOTES_A_BAR = 500


def play(pipe: Connection, port: int, rate: float, seconds: float) -> None:
    """Begin a session; after a word send notes at a rate, then say when each was sent."""
    with Client(port=port) as player:
        player.send("/midigpt/session/init", "bench")
        session = player.wait_for("/midigpt/session/id").arguments[0]
        player.send("/midigpt/track/create", 0, 0, 10, 0)
        player.send("/midigpt/track/create", 1, 33, 10, 1)
        player.send("/midigpt/session/start")
        player.wait_for("/midigpt/session/started")
        pipe.send(session)
        pipe.recv()
        begun = time.monotonic()
        sent: list[float] = []  # wall clock, which the browsers have too
        for number in range(round(rate * seconds)):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            bar, place = divmod(number, NOTES_A_BAR)
            sent.append(time.time())
            player.send("/midigpt/note", 0, 60, 90, place / NOTES_A_BAR, 0.001, bar)
        pipe.send(sent)


#: Watch a session and note the moment at which each note is in the page's state.
PAGE = """async session => {
    window.came = [];
    const {wire, client} = studio, onBatch = wire.onBatch;
    await client.watch(session);
    wire.onBatch = batch => {
        onBatch(batch);
        const now = (performance.timeOrigin + performance.now()) / 1000;
        for (const message of batch) came.push([now, message]);
    };
}"""


class _Later:
    """The ``json`` of Socket.IO that decodes what it must and leaves events as they came."""

    @staticmethod
    def loads(text: str, *_: Any, **__: Any) -> Any:
        return ["osc", text] if text.startswith('["osc"') else json.loads(text)

    dumps: Callable[..., str] = staticmethod(json.dumps)


def watch(
    pipe: Connection, url: str, session: str, count: int, chromium: tuple[str, list[str]]
) -> None:
    """Be ``count`` browsers and a page of ``chromium`` (path and flags) until the pipe speaks; then
    send the moments at which each of them got each note: ``[(number, moment), ...]`` of each, the
    page's last."""
    asyncio.run(_watch(pipe, url, session, count, chromium))


async def _watch(
    pipe: Connection, url: str, session: str, count: int, chromium: tuple[str, list[str]]
) -> None:
    from playwright.async_api import async_playwright

    came: list[list[tuple[float, str]]] = [[] for _ in range(count)]
    browsers = [await _browser(url, session, seen) for seen in came]
    async with async_playwright() as playwright:
        path, flags = chromium
        browser = await playwright.chromium.launch(executable_path=path, args=flags)
        page = await browser.new_page()
        await page.goto(url)
        while not await page.evaluate("window.studio?.wire.connection.value === 'open'"):
            await asyncio.sleep(0.01)
        await page.evaluate(PAGE, session)
        await asyncio.sleep(1.0)
        pipe.send("ready")
        await asyncio.to_thread(pipe.recv)
        in_page = await page.evaluate("came")
        await browser.close()
    moments = [
        _notes((at, message) for at, text in seen for message in json.loads(text)[1])
        for seen in came
    ]
    pipe.send([*moments, _notes(in_page)])
    for client in browsers:
        await client.disconnect()


async def _browser(url: str, session: str, seen: list[tuple[float, str]]) -> Any:
    browser = socketio.AsyncClient(reconnection=False, json=_Later)
    browser.on("osc", lambda text: seen.append((time.time(), text)))
    await browser.connect(url, transports=["websocket"])
    await browser.emit("osc", ["/midigpt/session/watch", session])
    return browser


def _notes(messages: Any) -> list[tuple[int, float]]:
    notes = []
    for at, message in messages:
        if message[0] == "/midigpt/session/mirror" and message[4] == "/midigpt/note":
            note = json.loads(message[5])
            notes.append((note[5] * NOTES_A_BAR + round(note[3] * NOTES_A_BAR), at))
    return notes
