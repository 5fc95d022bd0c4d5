"""One thread and two threads of the native engine in turn, beside busy processes; one line of JSON.

Arguments: checkpoint, tokens of the prompt, tokens after it, rounds, busy processes.
"""

import json
import multiprocessing
import sys
import time

import numpy as np

from midigpt.inference.model.native import NativeModel


def burn() -> None:
    while True:
        pass


def run() -> dict[str, dict[str, list[float]]]:
    path, *numbers = sys.argv[1:]
    prompt_length, tokens, rounds, busy = map(int, numbers)
    models = {n: NativeModel.from_checkpoint(path, weights="int8", threads=n) for n in (1, 2)}
    sequences = {n: model.transformer.new_sequence() for n, model in models.items()}
    ids = np.random.default_rng(0).integers(
        0, models[1].vocab_size, prompt_length + tokens, np.int32
    )
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=burn, daemon=True) for _ in range(busy)]
    for process in processes:
        process.start()
    found = {n: {"prefill": [], "token": []} for n in models}
    for number in range(rounds):
        for threads in (1, 2) if number % 2 else (2, 1):
            forward, sequence = models[threads].transformer.forward, sequences[threads]
            sequence.cut(0)
            started = time.perf_counter()
            forward([sequence], [ids[:prompt_length]])
            read = time.perf_counter()
            for i in range(prompt_length, prompt_length + tokens):
                forward([sequence], [ids[i : i + 1]])
            found[threads]["prefill"].append(read - started)
            found[threads]["token"].append((time.perf_counter() - read) / tokens)
    for process in processes:
        process.kill()
    return found


if __name__ == "__main__":
    print(json.dumps(run()))
