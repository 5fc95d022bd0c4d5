"""Times the native engine; prints one line of JSON. Run by ``python -m bench``.

Arguments: checkpoint, tokens of the prompt, tokens after it, threads, sequences, weights, and
"slots" to compute only the head rows of event slots.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from bench.shapes import SLOTS
from midigpt.inference.model.native import NativeModel
from midigpt.inference.model.native_llama import load_llama

path, prompt_length, tokens, threads, batch, weights, slots = sys.argv[1:8]
load = load_llama if Path(path).is_dir() else NativeModel.from_checkpoint
model = load(path, weights=weights, threads=int(threads))
rng = np.random.default_rng(0)


def random_ids(rows: int, count: int) -> list[np.ndarray]:
    return list(rng.integers(0, model.vocab_size, (rows, count), dtype=np.int32))


prefill = []
sequences = [model.transformer.new_sequence() for _ in range(int(batch))]
for sequence in sequences:
    model.transformer.forward([sequence], random_ids(1, 16))
    sequence.cut(0)
    prompt = random_ids(1, int(prompt_length))
    started = time.perf_counter()
    model.transformer.forward([sequence], prompt)
    prefill.append(time.perf_counter() - started)

times = []
for number in range(int(tokens)):
    ids = random_ids(len(sequences), 1)
    slices = [SLOTS[number % len(SLOTS)]] if slots == "slots" else []
    started = time.perf_counter()
    model.transformer.forward(sequences, ids, slices=slices)
    times.append(time.perf_counter() - started)
weight_bytes = model.transformer.weight_bytes
print(json.dumps({"prefill": min(prefill), "steps": times, "weight_bytes": weight_bytes}))
