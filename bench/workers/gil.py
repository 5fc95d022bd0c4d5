"""How late a Python thread that sleeps 5 ms wakes while bars are generated; one line of JSON.

Arguments: seconds, threads of the engine.
"""

import contextlib
import json
import sys
import threading
import time

from midigpt.inference import GenerationRequest, InferenceConfig, InferenceEngine, TrackPrompt
from midigpt.score import Bar, Note, Score, Track

seconds, threads = float(sys.argv[1]), int(sys.argv[2])
PERIOD = 0.005
engine = InferenceEngine.from_pretrained(weights="int8", threads=threads)


def song() -> Score:
    bars = [Bar(notes=[Note(60 + b, 80, 480 * k, 240) for k in range(4)]) for b in range(8)]
    return Score(tracks=[Track(bars=bars), Track(bars=bars, instrument=33)])


def delays(until: threading.Event) -> list[float]:
    found = []
    while not until.is_set():
        started = time.perf_counter()
        time.sleep(PERIOD)
        found.append(time.perf_counter() - started - PERIOD)
    return found


def measure(work) -> dict[str, float]:
    """Runs `work` on another thread for some seconds and watches on this one."""
    done, found = threading.Event(), []
    watcher = threading.Thread(target=lambda: found.extend(delays(done)), daemon=True)
    watcher.start()
    bars = work()
    done.set()
    watcher.join()
    found.sort()
    return {
        "bars": bars,
        "worst": found[-1],
        "99 %": found[int(0.99 * len(found))],
        "median": found[len(found) // 2],
    }


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


measure(generate)  # warm up
print(json.dumps({"at rest": measure(rest), "generating": measure(generate)}))
