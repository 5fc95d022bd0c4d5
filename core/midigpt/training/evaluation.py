"""``python -m midigpt.training.evaluation``: the loss of a checkpoint next to that of n-grams."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from midigpt.inference.model import GPT2LMHeadModel
from midigpt.training.config import TrainConfig
from midigpt.training.dataset import Dataset, make_dataset
from midigpt.training.loss import evaluate
from midigpt.training.ngram import ngram_losses
from midigpt.training.samples import KINDS
from midigpt.training.workers import Workers


def main() -> None:
    """Print one line for each model: loss in nats per token of each kind of sample."""
    parser = argparse.ArgumentParser(
        prog="python -m midigpt.training.evaluation", description=__doc__
    )
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True, help="as it was trained")
    parser.add_argument("--data", type=Path, required=True, help="Parquet file it was trained on")
    parser.add_argument("--valid", type=Path, required=True, help="Parquet file to measure on")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the samples")
    args = parser.parse_args()
    config = TrainConfig.from_file(args.config)
    valid = make_dataset(config, args.valid, config.valid_tokens, args.cache)
    train = make_dataset(config, args.data, config.train_tokens, args.cache)
    model = GPT2LMHeadModel.from_pretrained(args.checkpoint)
    torch.set_num_threads(1)
    rows = {f"{n}-grams": _ngram_losses(train, valid, n, model.vocab_size) for n in (1, 2, 3, 5)}
    workers = Workers(model, config.num_workers)
    rows[args.checkpoint.name] = evaluate(workers, valid, config.micro_batch_tokens)
    for name, losses in rows.items():
        print(f"{name:32}", *(f"{label} {loss:.3f}" for label, loss in losses.items()))


def _ngram_losses(train: Dataset, valid: Dataset, order: int, vocab_size: int) -> dict[str, float]:
    losses = ngram_losses(train.ids, valid.ids, order, vocab_size)
    positions = np.arange(len(valid.ids)) - np.repeat(valid.starts[:-1], valid.lengths)
    kinds = np.repeat(valid.kinds, valid.lengths)
    is_target = positions >= np.repeat(valid.targets, valid.lengths)
    means = {}
    for kind, name in enumerate(KINDS):
        chosen = (kinds == kind) & (positions > 0)  # nothing comes before the first id
        means[name] = float(losses[chosen].mean())
        means[f"{name}_target"] = float(losses[chosen & is_target].mean())
    return means


if __name__ == "__main__":
    main()
