"""Negative log-likelihood of held-out music, by source and by role, next to that of n-grams."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from midigpt._native import token_type_from_name
from midigpt.evaluation.ngram import ngram_losses
from midigpt.tokenizer import Tokenizer
from midigpt.training.batches import collate, group_by_length
from midigpt.training.config import TrainConfig
from midigpt.training.dataset import Dataset, make_dataset
from midigpt.training.encoders import load_encoder_config
from midigpt.training.samples import KINDS

Floats = npt.NDArray[np.float64]
_ORDERS = {"unigram": 1, "5-gram": 5}
_MICRO_BATCH = 4096  # ids, padding included


def likelihood(
    checkpoint: Path,
    config: TrainConfig,
    data: Path,
    train: Path | None,
    tokens: int,
    quiet: bool = False,
) -> dict[str, Any]:
    """Mean losses in nats of a model and of n-grams on samples of held-out pieces.

    Args:
        checkpoint: the model.
        config: how samples are made; its encoder must be the checkpoint's.
        data: Parquet file to measure on.
        train: Parquet file that the n-grams are counted on; None = no n-grams.
        tokens: about how many ids of samples to measure on.
        quiet: no progress bar.

    Returns:
        By model ("model", "unigram", "5-gram"): "token" and "note" (losses of all ids, the latter
        per note), "target" by kind of sample (ids that a model writes), and of the live targets
        "role" and "source". And "below_5gram": by how much the model's loss of live targets and of
        all ids is lower, as a share.
    """
    held_out = make_dataset(config, [data], tokens)
    vocabulary = Tokenizer(load_encoder_config(config.encoder_config_path)).vocabulary
    losses = {"model": model_losses(checkpoint, held_out, quiet)}
    if train is not None:
        counted = make_dataset(config, [train], config.train_tokens)
        for name, order in _ORDERS.items():
            losses[name] = ngram_losses(counted.ids, held_out.ids, order, vocabulary.size())
    onset = range(*vocabulary.range(token_type_from_name("NoteOnset")))
    is_note = (held_out.ids >= onset.start) & (held_out.ids < onset.stop)
    found: dict[str, Any] = {
        name: _means(held_out, values, is_note) for name, values in losses.items()
    }
    if train is not None:
        model, gram = found["model"], found["5-gram"]
        found["below_5gram"] = {
            "token": 1 - model["token"] / gram["token"],
            "live_target": 1 - model["target"]["live"] / gram["target"]["live"],
        }
    return {"tokens": len(held_out.ids), "samples": len(held_out), **found}


def model_losses(checkpoint: Path, dataset: Dataset, quiet: bool = False) -> Floats:
    """Loss in nats of every id under a model; NaN for the first of each sample."""
    import torch

    from midigpt.inference.model import load_checkpoint
    from midigpt.training.loss import token_losses

    model = load_checkpoint(checkpoint).model
    assert model is not None
    losses = np.full(len(dataset.ids), np.nan)
    groups = group_by_length(dataset.lengths.tolist(), list(range(len(dataset))), _MICRO_BATCH)
    for group in tqdm(groups, desc="likelihood", unit="batch", disable=quiet):
        with torch.no_grad():
            found = token_losses(model, collate(dataset, group, 1.0)).numpy()
        for row, index in enumerate(group):
            start, end = dataset.starts[index], dataset.starts[index + 1]
            losses[start + 1 : end] = found[row, : end - start - 1]
    return losses


def _means(dataset: Dataset, losses: Floats, is_note: npt.NDArray[np.bool_]) -> dict[str, Any]:
    lengths = dataset.lengths
    sample = np.repeat(np.arange(len(dataset)), lengths)
    position = np.arange(len(dataset.ids)) - dataset.starts[:-1][sample]
    counted = position > 0  # nothing comes before the first id
    target = counted & (position >= dataset.targets[sample])
    live = target & (dataset.kinds[sample] == KINDS.index("live"))

    def by(names: npt.NDArray[np.str_]) -> Mapping[str, float]:
        return {
            str(name): float(losses[live & (names == name)[sample]].mean())
            for name in np.unique(names)
            if name and (live & (names == name)[sample]).any()
        }

    return {
        "token": float(losses[counted].mean()),
        "note": float(losses[counted].sum() / max(1, is_note[counted].sum())),
        "target": {
            kind: float(losses[target & (dataset.kinds[sample] == number)].mean())
            for number, kind in enumerate(KINDS)
            if (dataset.kinds == number).any()
        },
        "role": by(dataset.roles),
        "source": by(dataset.sources),
    }
