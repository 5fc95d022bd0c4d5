"""Times the model of MIDI-GPT 0.4.2 in its own environment; prints one line of JSON."""

import json
import sys
import time

import torch

from midigpt.inference.model import GPT2LMHeadModel

path, prompt_length, tokens, threads = sys.argv[1:5]
torch.set_num_threads(int(threads))
model = GPT2LMHeadModel.from_pretrained(path).eval()
generator = torch.Generator().manual_seed(0)
with torch.inference_mode():
    prompt = torch.randint(0, 647, (1, int(prompt_length)), generator=generator)
    model(prompt[:, :16])
    started = time.perf_counter()
    _, cache = model(prompt)
    prefill = time.perf_counter() - started
    times = []
    for _ in range(int(tokens)):
        token = torch.randint(0, 647, (1, 1), generator=generator)
        started = time.perf_counter()
        _, cache = model(token, cache)
        times.append(time.perf_counter() - started)
print(json.dumps({"prefill": prefill, "steps": times}))
