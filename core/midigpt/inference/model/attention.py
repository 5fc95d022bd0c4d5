"""Causal attention over cached keys, as all PyTorch models here use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from midigpt.inference.model.cpu_training import causal_attention, trains_on_cpu

#: Takes the keys and values of a block, returns those of all tokens so far.
Remember: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
#: Takes queries, keys, values and a mask (None = causal), returns the attended values.
Attend: TypeAlias = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]


def attention_mask(
    tokens: int, past: int, key_mask: Tensor | None, device: torch.device
) -> Tensor | None:
    """Which key each query sees, ``(batch or 1, 1, tokens, past + tokens)``.

    None where plain causal attention, or a single query that sees everything, needs no mask.
    """
    if key_mask is None and (past == 0 or tokens == 1):
        return None
    length = past + tokens
    mask = torch.ones(tokens, length, dtype=torch.bool, device=device).tril(past)[None, None]
    return mask if key_mask is None else mask & key_mask[:, None, None, :]


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Scaled dot-product attention, ``(batch, heads, tokens, head_dim)``; no mask = causal."""
    if trains_on_cpu(queries) and queries.shape == keys.shape:
        return causal_attention(queries, keys, values, mask)
    if mask is None:
        return F.scaled_dot_product_attention(queries, keys, values, is_causal=queries.shape[2] > 1)
    attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    # A query that sees no key gets 0; releases of PyTorch differ in what they return for it.
    return attended.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)


def join_past(
    past: tuple[Tensor, Tensor] | None, presents: list[tuple[Tensor, Tensor]]
) -> Remember:
    """Join new keys and values to those of the past, and note the result in ``presents``."""

    def remember(keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        if past is not None:
            keys, values = torch.cat((past[0], keys), dim=2), torch.cat((past[1], values), dim=2)
        presents.append((keys, values))
        return keys, values

    return remember
