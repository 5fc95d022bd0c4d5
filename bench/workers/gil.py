"""How late a Python thread that sleeps 5 ms wakes while bars are generated; one line of JSON.

A process of its own sleeps beside it, and has no GIL to wait for: the system and the hypervisor
delay both.

Arguments: seconds, threads of the engine.
"""

import contextlib
import json
import multiprocessing
import sys
import threading
import time

from midigpt.inference import GenerationRequest, InferenceConfig, InferenceEngine, TrackPrompt
from midigpt.score import Bar, Note, Score, Track
from midigpt_server.server import SWITCH_SECONDS
from midigpt_server.timing.slice import shorten_slice

PERIOD = 0.005
LATE = 0.01


def song() -> Score:
    bars = [Bar(notes=[Note(60 + b, 80, 480 * k, 240) for k in range(4)]) for b in range(8)]
    return Score(tracks=[Track(bars=bars), Track(bars=bars, instrument=33)])


def delays(until) -> list[float]:
    shorten_slice()  # as midigpt-server's thread does
    found = []
    while not until.is_set():
        started = time.perf_counter()
        time.sleep(PERIOD)
        found.append(time.perf_counter() - started - PERIOD)
    return found


def send_delays(until, pipe) -> None:
    pipe.send("ready")
    pipe.send(delays(until))


def summary(found: list[float]) -> dict[str, float]:
    found.sort()
    return {
        "median": found[len(found) // 2],
        "99 %": found[int(0.99 * len(found))],
        "worst": found[-1],
        "over 10 ms": sum(delay > LATE for delay in found),
    }


def measure(work) -> dict[str, object]:
    """Runs `work` and watches meanwhile, on another thread and in another process."""
    context = multiprocessing.get_context("spawn")
    done, found = context.Event(), []
    ours, theirs = context.Pipe()
    process = context.Process(target=send_delays, args=(done, theirs), daemon=True)
    process.start()
    ours.recv()  # so that its start does not disturb what is measured
    watcher = threading.Thread(target=lambda: found.extend(delays(done)), daemon=True)
    watcher.start()
    bars = work()
    done.set()
    watcher.join()
    return {"bars": bars, "thread": summary(found), "process": summary(ours.recv())}


def rest() -> int:
    time.sleep(seconds)
    return 0


def generate() -> int:
    bars, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        config = InferenceConfig(seed=bars, model_dim=8, max_attempts=1, silence_check=False)
        prompts = [TrackPrompt(0, []), TrackPrompt(1, [7], autoregressive=True)]
        session = engine.session(song(), GenerationRequest(prompts, config))
        session.note_sink, session.note_interval = (lambda notes: None), 0.0
        with contextlib.suppress(RuntimeError):  # too similar: generated all the same
            session.run()
        bars += 1
    return bars


if __name__ == "__main__":
    seconds, threads = float(sys.argv[1]), int(sys.argv[2])
    sys.setswitchinterval(SWITCH_SECONDS)  # as midigpt-server does
    engine = InferenceEngine.from_pretrained(weights="int8", threads=threads)
    measure(generate)  # warm up
    print(json.dumps({"at rest": measure(rest), "generating": measure(generate)}))
