"""A small Llama whose rows for events are sums of shared parts while it learns.

Of 55,000 rows most are met a few times in hours of training. So a row is a sum: of waves of its
time or duration through one matrix, or of a vector of its instrument, one of its pitch and a
product of both. What is learnt of one C on one beat is then learnt of all, and a step has a tenth
of the parameters to move. Numbers in the text (tempos) share waves of their logarithm.
:meth:`StructuredLlama.fold` writes the sums into the rows of an ordinary ``LlamaForCausalLM``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlamaForCausalLM

from midigpt import events
from midigpt.training.text.loss import SLOTS

_WAVES = 48
_RANK = 64
_STD = 0.02
#: Rows drawn at random, a step, of times beyond those of the batch, and instruments not in it.
_FAR_TIMES, _OTHER_INSTRUMENTS = 512, 8
_AHEAD = 200


class StructuredLlama(nn.Module):
    """The body of a Llama with tied head, and the shared parts of its rows.

    Args:
        llama: a new model.
        first_event: its id of event id 0.
        numbers: ids of tokens that are numbers, with their values.
    """

    values: Tensor
    linear: Tensor
    logarithmic: Tensor

    def __init__(
        self, llama: LlamaForCausalLM, first_event: int, numbers: Mapping[int, int]
    ) -> None:
        super().__init__()
        self.body = llama.model
        del self.body.embed_tokens
        self.config = llama.config
        self.first_event = first_event
        width = llama.config.hidden_size
        self.text = _vectors(first_event, width)
        self.special = _vectors(3, width)  # the rest and the two modes
        self.time, self.duration = _waves(width), _waves(width)
        self.number = _waves(width)
        self.instrument = _vectors(events.DRUMS + 1, width)
        self.pitch = _vectors(256, width)  # drums have their own
        self.instrument_factor = _vectors(events.DRUMS + 1, _RANK, 1.0)
        self.pitch_factor = _vectors(256, _RANK, 1.0)
        self.product = nn.Linear(_RANK, width, bias=False)
        nn.init.normal_(self.product.weight, std=_STD / math.sqrt(_RANK))
        values = torch.zeros(llama.config.vocab_size)
        for token, value in numbers.items():
            values[token] = value
        self.register_buffer("values", values, persistent=False)
        self.register_buffer("linear", _periods(2, 2 * events.TIMES), persistent=False)
        self.register_buffer("logarithmic", _periods(0.05, 4), persistent=False)

    def rows(self, ids: Tensor) -> Tensor:
        """Rows of distinct ids, shape (n,), sorted: shape (n, width)."""
        event = ids - self.first_event
        limits = torch.tensor([0, events.DURATION_OFFSET, events.NOTE_OFFSET, events.REST])
        edges = torch.searchsorted(event, limits).tolist()
        text = ids[: edges[0]]
        times = event[edges[0] : edges[1]]
        durations = event[edges[1] : edges[2]] - events.DURATION_OFFSET
        notes = event[edges[2] : edges[3]] - events.NOTE_OFFSET
        values = self.values[text]
        numbers = self.number(_phases(values.clamp(min=1).log(), self.logarithmic))
        return torch.cat(
            [
                self.text(text) + numbers * (values > 0)[:, None],
                self.time(_phases(times, self.linear)),
                self.duration(_phases(durations, self.linear)),
                self._notes(notes),
                self.special((event[edges[3] :] - events.AUTOREGRESS + 1).clamp(min=0)),
            ]
        )

    def _notes(self, notes: Tensor) -> Tensor:
        instrument = notes // 128
        pitch = notes % 128 + 128 * (instrument == events.DRUMS)
        product = self.instrument_factor(instrument) * self.pitch_factor(pitch)
        total: Tensor = self.instrument(instrument) + self.pitch(pitch) + self.product(product)
        return total

    def forward(self, ids: Tensor, labels: Tensor) -> tuple[Tensor, list[float]]:
        """Loss in nats over the slots' rows, as :func:`slot_loss`; its mean in each slot.

        Of rows that the batch does not come near a few are drawn, with weights that make up for the
        others (sampled softmax).
        """
        wanted = labels[:, 1:].flatten()
        targets = [
            ((wanted >= first + self.first_event) & (wanted < last + self.first_event)).nonzero()[
                :, 0
            ]
            for first, last in SLOTS
        ]
        candidates = [
            self._times(wanted[targets[0]]),
            _all(SLOTS[1], self.first_event),
            self._instruments(wanted[targets[2]]),
        ]
        used, where = torch.unique(
            torch.cat([ids.flatten(), *(rows for rows, _ in candidates)]), return_inverse=True
        )
        table = self.rows(used)
        places = torch.split(where, [ids.numel(), *(len(rows) for rows, _ in candidates)])
        embedded = F.embedding(places[0].view_as(ids), table)
        hidden = self.body(inputs_embeds=embedded, use_cache=False).last_hidden_state
        inputs = hidden[:, :-1].flatten(0, 1)
        total, means = hidden.new_zeros(()), []
        for chosen, (rows, weight), place in zip(targets, candidates, places[1:], strict=True):
            logits = F.linear(inputs[chosen], table[place], weight)
            part = F.cross_entropy(
                logits, torch.searchsorted(rows, wanted[chosen]), reduction="sum"
            )
            total = total + part
            means.append(float(part.detach()) / max(len(chosen), 1))
        return total / max(sum(map(len, targets)), 1), means

    def _times(self, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Times up to a little past the batch's last, and some of the others."""
        last = int(wanted.max()) - self.first_event if len(wanted) else 0
        near = min(last + _AHEAD, events.TIMES)
        rest = events.TIMES - near
        drawn = min(_FAR_TIMES, rest)
        far = near + torch.randperm(rest)[:drawn].sort().values
        rows = torch.cat([torch.arange(near), far]) + self.first_event
        weight = torch.zeros(len(rows))
        weight[near:] = math.log(max(rest, 1) / max(drawn, 1))
        return rows, weight

    def _instruments(self, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """All notes of the batch's instruments, and of some others; the rest."""
        notes = wanted - self.first_event - events.NOTE_OFFSET
        there = torch.zeros(events.DRUMS + 1, dtype=torch.bool)
        there[notes[notes < events.REST_NOTE] // 128] = True
        absent = (~there).nonzero()[:, 0]
        drawn = absent[torch.randperm(len(absent))[:_OTHER_INSTRUMENTS]]
        chosen = torch.cat([there.nonzero()[:, 0], drawn]).sort().values
        rows = (chosen[:, None] * 128 + torch.arange(128)).flatten()
        weight = torch.zeros(len(rows) + 1)
        missing = math.log(max(len(absent), 1) / max(len(drawn), 1))
        weight[:-1] = (missing * ~there[chosen])[:, None].expand(-1, 128).flatten()
        rest = torch.tensor([events.REST_NOTE])
        return torch.cat([rows, rest]) + events.NOTE_OFFSET + self.first_event, weight

    @torch.no_grad()
    def fold(self) -> LlamaForCausalLM:
        """The model as an ordinary one that shares nothing with this; unused rows are zero."""
        folded = LlamaForCausalLM(self.config)
        folded.model.load_state_dict(self.body.state_dict(), strict=False)
        table: Any = folded.model.embed_tokens.weight
        table.zero_()
        events_used = torch.tensor([*range(events.REST + 1), events.AUTOREGRESS, events.ANTICIPATE])
        used = torch.cat([torch.arange(self.first_event), events_used + self.first_event])
        table[used] = self.rows(used)
        folded.tie_weights()
        return folded


def number_tokens(tokenizer: Any) -> dict[int, int]:
    """Ids of the tokens that are whole numbers of at least two digits, with their values."""
    found = {}
    for token, index in tokenizer.get_vocab().items():
        digits = token.removeprefix("Ġ")
        if len(digits) > 1 and digits.isdecimal():
            found[index] = int(digits)
    return found


def _all(slot: tuple[int, int], first_event: int) -> tuple[Tensor, Tensor]:
    rows = torch.arange(*slot) + first_event
    return rows, torch.zeros(len(rows))


def _waves(width: int) -> nn.Linear:
    linear = nn.Linear(2 * _WAVES, width, bias=False)
    nn.init.normal_(linear.weight, std=_STD / math.sqrt(_WAVES))
    return linear


def _vectors(count: int, width: int, std: float = _STD) -> nn.Embedding:
    embedding = nn.Embedding(count, width)
    nn.init.normal_(embedding.weight, std=std)
    return embedding


def _periods(first: float, last: float) -> Tensor:
    return torch.logspace(math.log10(first), math.log10(last), _WAVES)


def _phases(values: Tensor, periods: Tensor) -> Tensor:
    angles = 2 * math.pi * values[:, None] / periods
    return torch.cat([angles.cos(), angles.sin()], dim=1)
