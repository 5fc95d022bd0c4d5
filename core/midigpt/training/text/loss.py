"""The loss of a sequence of events, each id among those of its slot alone.

A writer only ever looks at the rows of the head that the slot allows (time, duration or note), so
nothing is lost by training them alone, and a third of the head's work is left.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from midigpt import events
from midigpt.training.text.examples import IGNORED

#: First and last + 1 event id of each slot.
SLOTS = (
    (0, events.DURATION_OFFSET),
    (events.DURATION_OFFSET, events.NOTE_OFFSET),
    (events.NOTE_OFFSET, events.REST + 1),
)


def slot_loss(
    hidden: Tensor, labels: Tensor, head: Tensor, first_event: int
) -> tuple[Tensor, list[float]]:
    """Mean negative log-likelihood of the labels.

    Args:
        hidden: the last layer's output, ``(rows, tokens, width)``.
        labels: ids, ``(rows, tokens)``, :data:`IGNORED` where none is learnt.
        head: weight of the head, ``(vocabulary, width)``.
        first_event: the model's id of event id 0.

    Returns:
        The loss in nats, and its mean in each slot.
    """
    inputs, wanted = hidden[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
    total = hidden.new_zeros((), dtype=torch.float32)
    count, means = 0, []
    for first, last in ((first_event + a, first_event + b) for a, b in SLOTS):
        chosen = (wanted >= first) & (wanted < last)
        number = int(chosen.sum())
        if number == 0:
            means.append(float("nan"))
            continue
        logits = inputs[chosen] @ head[first:last].to(inputs.dtype).T
        part = F.cross_entropy(logits.float(), wanted[chosen] - first, reduction="sum")
        total, count = total + part, count + number
        means.append(float(part.detach()) / number)
    return total / max(count, 1), means


def full_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean negative log-likelihood over the whole vocabulary, as for models without slots."""
    return F.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=IGNORED
    )
