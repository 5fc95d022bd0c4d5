"""``python -m bench.studio``: size of the page, delivery to many browsers, time until it is ready.

Of the browsers of the delivery one is Chromium with the page; the others are Socket.IO clients in a
process of their own, which share no lock with the server: twenty pages drawn by the processor
would measure Chromium. Frames a second are given beside those of an empty page with a canvas on
which a line moves, in the same browser: without a graphics card that is all that can be had.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import statistics
import sys
import threading
import time
from importlib.resources import files
from typing import Any

from bench.workers.studio_clients import play, watch
from midigpt_server.generation.loading import load_engine
from midigpt_server.server import SWITCH_SECONDS
from midigpt_studio.studio import Studio

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browsers", type=int, default=20)
    parser.add_argument("--rate", type=int, default=500, help="notes a second (default: 500)")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    sys.setswitchinterval(SWITCH_SECONDS)  # as midigpt-studio does
    studio = Studio(load_engine(), port=0, osc_port=0)
    threading.Thread(target=studio.serve, daemon=True).start()
    print(json.dumps(assets()))
    print(json.dumps(delivery(studio, options)))
    print(json.dumps(page(studio, options.chromium)))
    studio.close()


def assets() -> dict[str, Any]:
    """Bytes of the page after gzip, without the SoundFont."""
    static = files("midigpt_studio") / "static"
    sizes = [
        len(gzip.compress(file.read_bytes(), 9))
        for folder in (static, static / "assets")
        for file in folder.iterdir()
        if file.is_file()
    ]
    return {"assets_gz_kB": round(sum(sizes) / 1000, 1)}


def delivery(studio: Studio, options: argparse.Namespace) -> dict[str, Any]:
    """Notes of one OSC client, each with its time, until they are in every browser."""
    process = multiprocessing.get_context("spawn").Process
    player, players_end = multiprocessing.Pipe()
    port = studio.osc_address[1]
    playing = process(target=play, args=(players_end, port, options.rate, options.seconds))
    playing.start()
    watcher, watchers_end = multiprocessing.Pipe()
    chromium = (options.chromium, CHROMIUM_FLAGS)
    arguments = (watchers_end, studio.url, player.recv(), options.browsers - 1, chromium)
    watching = process(target=watch, args=arguments)
    watching.start()
    assert watcher.recv() == "ready"
    before = time.process_time()
    player.send("play")
    sent: list[float] = player.recv()
    load = (time.process_time() - before) / options.seconds
    time.sleep(1.0)
    watcher.send("enough")
    delays = [[1000 * (at - sent[number]) for number, at in seen] for seen in watcher.recv()]
    playing.join()
    watching.join()
    *_, in_page = delays
    return {
        "browsers": options.browsers,
        "notes_a_second": options.rate,
        "received": sum(map(len, delays)),
        "of": options.browsers * len(sent),
        **percentiles("", [delay for seen in delays for delay in seen]),
        **percentiles("page_", in_page),
        "server_cores": round(load, 2),
    }


def percentiles(name: str, values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        f"{name}p{share}_ms": round(ordered[int(len(ordered) * share / 100)], 1)
        for share in (50, 95, 99)
    }


#: The page's thread is busy for 200 ms at a time. Measured is the audio thread's own account of
#: how late the latest note began: of those that play, and of one every 50 ms, queued as a bar is.
BUSY = """async () => {
    const {player} = studio;
    await player.open(); await player.settled();
    const {sampleRate} = player, start = player.frame + 0.3 * sampleRate;
    player.schedule(Array.from({length: 200}, (_, i) => start + i * 0.05 * sampleRate).map(frame =>
        ({frame, until: frame + 400, channel: 57, pitch: 76, velocity: 127, tag: 'bench'})));
    const busyUntil = performance.now() + 10000;
    while (performance.now() < busyUntil) {
        const until = performance.now() + 200;
        while (performance.now() < until);
        await new Promise(done => setTimeout(done, 1));
    }
    await new Promise(done => setTimeout(done, 500));
    return player.lateness.value;
}"""

#: The band plays, all its instruments ready.
BAND = """async () => {
    const {jam, leader, player} = studio;
    await jam.begin(jam.groove.value);
    while (leader.bar.value < 3) await new Promise(done => setTimeout(done, 50));
    await player.settled();
    jam.pause();
    await jam.toggle();
}"""


#: Frames a second while a song of 10,000 notes on 8 tracks plays and scrolls.
ROLL = """async () => {
    const note = (track, i) => [36 + (i * 7 + track * 5) % 48, 90, (i % 16) / 16, 0.06];
    studio.song.open({resolution: 480, tempos: [[0, 240]],
        meters: Array.from({length: 80}, () => [4, 4]),
        tracks: Array.from({length: 8}, (_, track) => ({name: 'T' + track, instrument: 4 * track,
            is_drum: false, bars: Array.from({length: 79}, () =>
                Array.from({length: 16}, (_, i) => note(track, i)))}))}, 'bench');
    studio.show('song');
    await studio.togglePlay();
    await new Promise(done => setTimeout(done, 1000));
    let frames = 0;
    const begun = performance.now();
    while (performance.now() - begun < 5000) {
        await new Promise(requestAnimationFrame); frames++;
    }
    return frames * 1000 / (performance.now() - begun);
}"""


#: Frames a second of a line on an empty page, as many as this browser draws on this machine.
EMPTY = """async () => {
    const canvas = document.body.appendChild(document.createElement('canvas'));
    [canvas.width, canvas.height] = [1280, 600];
    const context = canvas.getContext('2d');
    let frames = 0;
    const begun = performance.now();
    while (performance.now() - begun < 3000) {
        await new Promise(requestAnimationFrame);
        context.clearRect(0, 0, 1280, 600);
        context.fillRect(frames++ % 1280, 0, 2, 600);
    }
    return frames * 1000 / (performance.now() - begun);
}"""


def page(studio: Studio, chromium: str) -> dict[str, Any]:
    """Milliseconds from the request to a page that can be played, five times; lateness of notes."""
    from playwright.sync_api import sync_playwright

    ready = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)

        def open_page() -> Any:
            tab = browser.new_context().new_page()
            tab.goto(studio.url, wait_until="commit")
            while not tab.evaluate("window.studio?.wire.connection.value === 'open'"):
                time.sleep(0.005)
            return tab

        for _ in range(5):
            begun = time.monotonic()
            tab = open_page()
            ready.append(1000 * (time.monotonic() - begun))
            tab.context.close()
        tab = open_page()
        frames = tab.evaluate(ROLL)
        lateness_in_song = tab.evaluate(BUSY)
        tab.context.close()
        tab = open_page()
        tab.evaluate(BAND)
        lateness_in_band = tab.evaluate(BUSY)
        tab.context.close()
        empty = browser.new_page().evaluate(EMPTY)
        browser.close()
    return {
        "page_ready_ms_median": round(statistics.median(ready)),
        "page_ready_ms_worst": round(max(ready)),
        "frames_a_second_10000_notes": round(frames, 1),
        "frames_a_second_empty_page": round(empty, 1),
        "latest_note_busy_page_song_ms": round(lateness_in_song, 2),
        "latest_note_busy_page_band_ms": round(lateness_in_band, 2),
    }


if __name__ == "__main__":
    main()
