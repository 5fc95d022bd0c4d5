"""Times Hugging Face's GPT-2 or Llama in PyTorch; prints one line of JSON.

Arguments: checkpoint, tokens of the prompt, tokens after it, threads.
"""

import json
import sys
import time
from pathlib import Path

import torch
from safetensors import safe_open
from transformers import GPT2Config, GPT2LMHeadModel, LlamaForCausalLM

path, prompt_length, tokens, threads = sys.argv[1:5]
torch.set_num_threads(int(threads))
if Path(path).is_dir():
    model = LlamaForCausalLM.from_pretrained(path, dtype=torch.bfloat16).eval()
else:
    with safe_open(path, "pt") as file:
        sizes = json.loads(file.metadata()["config"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    config = GPT2Config(**sizes, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(config).eval()
    model.load_state_dict(tensors)
generator = torch.Generator().manual_seed(0)
with torch.inference_mode():
    prompt = torch.randint(0, 647, (1, int(prompt_length)), generator=generator)
    model(prompt[:, :16])
    started = time.perf_counter()
    cache = model(prompt, use_cache=True, logits_to_keep=1).past_key_values
    prefill = time.perf_counter() - started
    times = []
    for _ in range(int(tokens)):
        token = torch.randint(0, 647, (1, 1), generator=generator)
        started = time.perf_counter()
        cache = model(token, past_key_values=cache, use_cache=True).past_key_values
        times.append(time.perf_counter() - started)
print(json.dumps({"prefill": prefill, "steps": times}))
