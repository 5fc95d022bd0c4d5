"""Times the native engine; prints one line of JSON. Run by ``python -m bench``."""

import json
import sys
import time

import numpy as np

from midigpt.inference.model.native import NativeModel

path, prompt_length, tokens, threads, batch, weights = sys.argv[1:7]
model = NativeModel.from_checkpoint(path, weights, int(threads))
rng = np.random.default_rng(0)
prompt = rng.integers(0, model.vocab_size, int(prompt_length))
model.prefill(prompt[:16], model.new_cache())

one = model.new_cache()
started = time.perf_counter()
model.prefill(prompt, one)
prefill = time.perf_counter() - started

cache = one.select([0] * int(batch))
times = []
for _ in range(int(tokens)):
    ids = rng.integers(0, model.vocab_size, int(batch))
    started = time.perf_counter()
    model.step(ids, cache)
    times.append(time.perf_counter() - started)
weight_bytes = model.transformer.weight_bytes
print(json.dumps({"prefill": prefill, "steps": times, "weight_bytes": weight_bytes}))
