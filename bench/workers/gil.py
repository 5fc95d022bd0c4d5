"""How late a Python thread that sleeps 5 ms wakes while bars are generated; one line of JSON.

A process of its own sleeps beside it, and has no GIL to wait for: the system and the hypervisor
delay both. Where the user may have it (as for JACK: rtprio in /etc/security/limits.conf), all is
measured again with real-time priority for both, which leaves out what the scheduler adds.

Arguments: seconds, threads of the engine.
"""

import contextlib
import json
import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from midigpt.inference import GenerationRequest, InferenceConfig, InferenceEngine, TrackPrompt
from midigpt.score import Bar, Note, Score, Track
from midigpt_server.server import SWITCH_SECONDS
from midigpt_server.timing.slice import shorten_slice

PERIOD = 0.005
LATE = 0.01


def song() -> Score:
    bars = [Bar(notes=[Note(60 + b, 80, 480 * k, 240) for k in range(4)]) for b in range(8)]
    return Score(tracks=[Track(bars=bars), Track(bars=bars, instrument=33)])


def take_priority() -> None:
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def may_take_priority() -> bool:
    try:
        with ThreadPoolExecutor() as thread:  # this one stays as it is
            thread.submit(take_priority).result()
    except (AttributeError, PermissionError):
        return False
    return True


def delays(until, prepare) -> list[float]:
    prepare()
    found = []
    while not until.is_set():
        started = time.perf_counter()
        time.sleep(PERIOD)
        found.append(time.perf_counter() - started - PERIOD)
    return found


def send_delays(until, prepare, pipe) -> None:
    pipe.send("ready")
    pipe.send(delays(until, prepare))


def summary(found: list[float]) -> dict[str, float]:
    found.sort()
    return {
        "median": found[len(found) // 2],
        "99 %": found[int(0.99 * len(found))],
        "worst": found[-1],
        "over 10 ms": sum(delay > LATE for delay in found),
    }


def measure(work, prepare=shorten_slice) -> dict[str, object]:
    """Runs `work` and watches meanwhile, on another thread and in another process.

    Both `prepare` themselves, usually as midigpt-server's thread does.
    """
    context = multiprocessing.get_context("spawn")
    done, found = context.Event(), []
    ours, theirs = context.Pipe()
    process = context.Process(target=send_delays, args=(done, prepare, theirs), daemon=True)
    process.start()
    ours.recv()  # so that its start does not disturb what is measured
    watcher = threading.Thread(target=lambda: found.extend(delays(done, prepare)), daemon=True)
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
    results = {"at rest": measure(rest), "generating": measure(generate)}
    if may_take_priority():
        results["generating, real-time priority"] = measure(generate, take_priority)
    print(json.dumps(results))
