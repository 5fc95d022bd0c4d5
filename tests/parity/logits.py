"""Logits of random-weight models against MIDI-GPT 0.4.2, over checkpoints that either side wrote.

    MIDIGPT_ORACLE_PYTHON=/path/to/oracle/bin/python python -m tests.parity.logits

Every second checkpoint is written here, the others by the oracle; both sides load all of them and
read the same ids: at once, in portions, with hidden keys, and at positions with gaps. Everything
below works with the public names of MIDI-GPT 0.4.2, so both sides run the same code.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from midigpt.inference.model import GPT2Config, GPT2LMHeadModel

VARIABLE = "MIDIGPT_ORACLE_PYTHON"
ROOT = Path(__file__).parents[2]
#: Largest difference allowed, as a share of the largest logit.
TOLERANCE = 1e-4
#: vocab_size, n_positions, n_embd, n_layer, n_head: the smallest published sizes at full context.
LARGEST = (647, 2048, 512, 6, 8)


def main() -> int:
    """Parse the command line; 0 when all logits agree."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.logits", description=__doc__)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--oracle-side", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.oracle_side:
        write(args.oracle_side, args.models, 1)
        for number in range(args.models):
            np.savez(args.oracle_side / f"{number}.npz", **observe(args.oracle_side, number))
        return 0
    python = os.environ.get(VARIABLE)
    if not python:
        raise SystemExit(f'{VARIABLE} is not set: a Python with "midigpt[inference]==0.4.2"')
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, args.models, 0)
        command = [python, "-m", "tests.parity.logits", "--models", str(args.models)]
        subprocess.run([*command, "--oracle-side", name], cwd=ROOT, check=True)
        return report([difference(folder, number) for number in range(args.models)])


def report(differences: list[dict[str, float]]) -> int:
    """Print the largest difference of each kind, in Markdown."""
    print("| Logits | checkpoints | largest difference / largest logit |\n|---|--:|--:|")
    for kind in differences[0]:
        print(f"| {kind} | {len(differences)} | {max(d[kind] for d in differences):.1e} |")
    return 1 if max(max(d.values()) for d in differences) > TOLERANCE else 0


def difference(folder: Path, number: int) -> dict[str, float]:
    """Our logits against those the oracle stored, by kind."""
    theirs = np.load(folder / f"{number}.npz")
    ours = observe(folder, number)
    return {
        kind: float(np.abs(logits - theirs[kind]).max() / np.abs(theirs[kind]).max())
        for kind, logits in ours.items()
    }


def write(folder: Path, models: int, first: int) -> None:
    """Write every second checkpoint, with all parameters N(0, 0.2)."""
    for number in range(first, models, 2):
        model = GPT2LMHeadModel(GPT2Config(*sizes(number)))
        torch.manual_seed(number)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(0, 0.2)
        model.save_pretrained(str(folder / f"{number}.safetensors"))


def sizes(number: int) -> tuple[int, ...]:
    """Sizes of a model: random, but for the first two."""
    if number < 2:
        return LARGEST
    rng = np.random.default_rng(number)
    heads, width = int(rng.choice([1, 2, 4, 8])), int(rng.choice([4, 16, 32]))
    vocabulary, positions = int(rng.integers(20, 1000)), int(rng.integers(40, 500))
    return vocabulary, positions, heads * width, int(rng.integers(1, 7)), heads


@torch.no_grad()
def observe(folder: Path, number: int) -> dict[str, np.ndarray]:
    """Logits of a checkpoint by kind, ``(tokens, vocab)``."""
    vocabulary, positions, *_ = sizes(number)
    model = GPT2LMHeadModel.from_pretrained(str(folder / f"{number}.safetensors")).eval()
    rng = np.random.default_rng(number)
    ids = torch.from_numpy(rng.integers(0, vocabulary, (1, positions)))
    half = positions // 2
    whole, _ = model(ids)
    _, past = model(ids[:, :half])
    stepped = []
    for i in range(half, half + 8):
        step, past = model(ids[:, i : i + 1], past)
        stepped.append(step[0])
    visible = torch.from_numpy(rng.random(half + 1) < 0.7)
    visible[0] = True
    hidden, past = model(ids[:, :half], key_mask=visible[:half])
    after, _ = model(ids[:, half : half + 1], past, key_mask=visible)
    gaps = torch.from_numpy(np.sort(rng.choice(positions, half, replace=False)))
    skipped, _ = model(ids[:, :half], position_ids=gaps)
    return {
        "full context": whole[0].numpy(),
        "token by token": torch.cat(stepped).numpy(),
        "hidden keys": torch.cat((hidden[0], after[0])).numpy(),
        "positions with gaps": skipped[0].numpy(),
    }


if __name__ == "__main__":
    sys.exit(main())
