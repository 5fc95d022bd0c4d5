"""The Hugging Face Trainer, taught to make examples of pieces and to look at slots."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import LlamaForCausalLM, Trainer, TrainerCallback, TrainingArguments

from midigpt import events
from midigpt.compose.prompt import Prompter
from midigpt.training.muon import Muon
from midigpt.training.text.examples import Example, Recipe, make_example
from midigpt.training.text.loss import full_loss, slot_loss
from midigpt.training.text.sources import Piece
from midigpt.training.text.structured import StructuredLlama

_ATTEMPTS = 20


class Examples(Dataset[Example]):
    """Endless variety: example number n is drawn with seed n from a random piece."""

    def __init__(
        self, pieces: Sequence[Piece], prompter: Prompter, recipe: Recipe, count: int, seed: int
    ) -> None:
        self._pieces, self._prompter, self._recipe = pieces, prompter, recipe
        self._count, self._seed = count, seed

    def __len__(self) -> int:
        """Number of examples."""
        return self._count

    def __getitem__(self, index: int) -> Example:
        """The example of this number, always the same one."""
        for attempt in range(_ATTEMPTS):
            seed = [self._seed, index, attempt]
            piece = self._pieces[int(np.random.default_rng(seed).integers(len(self._pieces)))]
            if (example := make_example(piece, self._prompter, self._recipe, seed)) is not None:
                return example
        raise ValueError("the pieces have too little music for examples")


class EventTrainer(Trainer):
    """A Trainer whose loss looks at slots, or at the whole vocabulary if ``full`` is set."""

    def __init__(self, *args: Any, first_event: int, full: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.model_accepts_loss_kwargs = False  # the loss is a mean: accumulation must average
        self._first_event, self._full = first_event, full
        self._structured = isinstance(self.model, StructuredLlama)
        self._parts: list[list[float]] = []

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The loss of a batch; see loss.py."""
        labels = inputs["labels"]
        if self._structured:
            loss, parts = model(inputs["input_ids"], labels)
            self._parts.append(parts)
            return loss
        if self._full:
            outputs = model(inputs["input_ids"], attention_mask=inputs["attention_mask"])
            loss = full_loss(outputs.logits, labels)
        else:
            outputs = model(  # through whatever wraps the model, which averages gradients
                inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                output_hidden_states=True,
                logits_to_keep=1,
            )
            head = self.accelerator.unwrap_model(model).lm_head.weight
            loss, parts = slot_loss(outputs.hidden_states[-1], labels, head, self._first_event)
            if model.training:
                self._parts.append(parts)
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **options: Any) -> None:
        """Add the losses of the slots."""
        if self._parts and "loss" in logs:
            means = np.nanmean(np.array(self._parts), axis=0)
            names = ("time", "duration", "note")
            logs |= {f"loss_{name}": float(m) for name, m in zip(names, means, strict=True)}
            self._parts.clear()
        super().log(logs, *args, **options)


class UntilDeadline(TrainerCallback):
    """Ends a run at a time by the clock, and lets the learning rate fall to a tenth by then.

    The rate is half a cosine over the time left, after warming up over the first steps.
    """

    def __init__(self, start: float, deadline: float, rate: float, warm_up: int) -> None:
        self._start, self._deadline = start, deadline
        self._rate, self._warm_up = rate, warm_up

    def on_step_begin(self, args: Any, state: Any, control: Any, **options: Any) -> None:
        """Set the learning rate of the step."""
        share = (time.time() - self._start) / max(self._deadline - self._start, 1.0)
        fall = 0.1 + 0.9 * (1 + math.cos(math.pi * min(share, 1.0))) / 2
        rise = min(1.0, (state.global_step + 1) / self._warm_up)
        for group in options["optimizer"].param_groups:
            group["lr"] = self._rate * fall * rise

    def on_step_end(self, args: Any, state: Any, control: Any, **options: Any) -> None:
        """Stop when the time is over."""
        if time.time() >= self._deadline:
            control.should_training_stop = control.should_save = True


def extend_vocabulary(model: LlamaForCausalLM, first_event: int) -> None:
    """Add rows for the events behind a language model's text ids, drawn around the mean row."""
    rows = first_event + events.VOCABULARY
    if model.config.vocab_size < rows:
        model.resize_token_embeddings(rows, mean_resizing=True)


def muon(model: StructuredLlama, rate: float) -> Muon:
    """Muon for the matrices of the layers, AdamW for parts of rows and for norms."""
    named = list(model.named_parameters())
    layers = [w for name, w in named if ".layers." in name and w.ndim == 2]
    others = [w for name, w in named if not (".layers." in name and w.ndim == 2)]
    fused = {"params": others, "weight_decay": 0.0, "lr": rate, "fused": True}
    return Muon(layers, [fused], 0.1, (0.9, 0.95))


@torch.no_grad()
def start_from_clock(model: Any, first_event: int, std: float = 0.02) -> None:
    """Give the rows of times and durations waves of many periods, from 2 ticks to the window.

    Neighbours then start alike, and so do times a beat apart; random rows would have to learn an
    order of ten thousand times from examples.
    """
    rows: torch.Tensor = model.get_input_embeddings().weight
    pairs = rows.shape[1] // 2
    periods = torch.logspace(math.log10(2), math.log10(2 * events.TIMES), pairs)
    for first, count in ((0, events.TIMES), (events.DURATION_OFFSET, events.DURATIONS)):
        phases = 2 * math.pi * torch.arange(count)[:, None] / periods
        waves = torch.cat([phases.cos(), phases.sin()], dim=1)
        rows[first_event + first : first_event + first + count, : 2 * pairs] += std * waves


def arguments(**options: Any) -> TrainingArguments:
    """Training arguments that all runs share."""
    return TrainingArguments(
        remove_unused_columns=False, report_to=[], save_total_limit=2, **options
    )
