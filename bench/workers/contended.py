"""One thread, two threads and one again of the native engine beside busy processes, in turn.

Prints one line of JSON. The second engine with one thread is the control:
what it gains over the first is chance.

Arguments: checkpoint, tokens of the prompt, tokens after it, rounds, busy processes.
"""

import itertools
import json
import multiprocessing
import sys
import time

import numpy as np

from midigpt.inference.model.native import NativeModel

CONTENDERS = {"one": 1, "two": 2, "one again": 1}  # threads


def burn() -> None:
    while True:
        pass


def run() -> dict[str, dict[str, list[float]]]:
    path, *numbers = sys.argv[1:]
    prompt_length, tokens, rounds, busy = map(int, numbers)
    models = {
        name: NativeModel.from_checkpoint(path, weights="int8", threads=threads)
        for name, threads in CONTENDERS.items()
    }
    sequences = {name: model.transformer.new_sequence() for name, model in models.items()}
    ids = np.random.default_rng(0).integers(
        0, models["one"].vocab_size, prompt_length + tokens, np.int32
    )
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=burn, daemon=True) for _ in range(busy)]
    for process in processes:
        process.start()
    found = {name: {"prefill": [], "token": []} for name in models}
    for order in itertools.islice(itertools.cycle(itertools.permutations(models)), rounds):
        for name in order:
            forward, sequence = models[name].transformer.forward, sequences[name]
            sequence.cut(0)
            started = time.perf_counter()
            forward([sequence], [ids[:prompt_length]])
            read = time.perf_counter()
            for i in range(prompt_length, prompt_length + tokens):
                forward([sequence], [ids[i : i + 1]])
            found[name]["prefill"].append(read - started)
            found[name]["token"].append((time.perf_counter() - read) / tokens)
    for process in processes:
        process.kill()
    return found


if __name__ == "__main__":
    print(json.dumps(run()))
