"""Times CTranslate2 with int8 weights on a GPT-2; prints one line of JSON.

Arguments: checkpoint, tokens of the prompt, tokens after it, threads. The converted model is
written once, beside the checkpoint.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

# Python finds modules beside the script first, this one too.
sys.path.pop(0)
import ctranslate2
import numpy as np
import torch
from safetensors import safe_open
from transformers import GPT2Config, GPT2LMHeadModel

path, prompt_length, tokens, threads = sys.argv[1:5]
converted = Path(path).with_suffix(".ct2")


def convert() -> None:
    with safe_open(path, "pt") as file:
        sizes = json.loads(file.metadata()["config"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    config = GPT2Config(**sizes, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(config)
    model.load_state_dict(tensors)
    with tempfile.TemporaryDirectory() as folder:
        model.to(torch.float32).save_pretrained(folder)
        words = {word(id): id for id in range(sizes["vocab_size"])}
        (Path(folder) / "vocab.json").write_text(json.dumps(words))
        (Path(folder) / "merges.txt").write_text("#version: 0.2\n")
        converter = ctranslate2.converters.TransformersConverter(folder)
        converter.convert(str(converted), quantization="int8", force=True)


def word(id: int) -> str:
    return "<|endoftext|>" if id == 0 else f"t{id}"


if not converted.exists():
    convert()
generator = ctranslate2.Generator(
    str(converted), device="cpu", compute_type="int8", intra_threads=int(threads)
)
rng = np.random.default_rng(0)
prompt = [word(id) for id in rng.integers(1, 640, int(prompt_length))]


def run(length: int) -> float:
    started = time.perf_counter()
    generator.generate_batch(
        [prompt],
        max_length=length,
        min_length=length,
        sampling_topk=1,
        include_prompt_in_result=False,
    )
    return time.perf_counter() - started


run(1)
prefill = run(1)
steps = (run(1 + int(tokens)) - prefill) / int(tokens)
print(json.dumps({"prefill": prefill, "steps": [steps]}))
