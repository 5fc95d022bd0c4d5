"""Attention and GELU whose gradients a CPU computes fast in float32, where a model is trained.

In a small GPT-2 those of PyTorch take a third of the processor time; these take two thirds and two
fifths of it. Inference, other devices and other types of numbers use PyTorch's.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

_BLOCK = 128  # queries at once: few enough that their scores stay in the cache of a core
_SLOPE = 2 * (2 / torch.pi) ** 0.5  # gelu(x) = x sigmoid(_SLOPE x + _CUBE x^3), tanh as a sigmoid
_CUBE = 0.044715 * _SLOPE


def trains_on_cpu(x: Tensor) -> bool:
    """Whether the functions below are for this input of theirs."""
    return (
        x.requires_grad
        and torch.is_grad_enabled()
        and x.device.type == "cpu"
        and x.dtype == torch.float32
    )


def gelu(x: Tensor) -> Tensor:
    """GELU in its tanh form."""
    if not trains_on_cpu(x):
        return F.gelu(x, approximate="tanh")
    y: Tensor = _TanhGelu.apply(x)  # type: ignore[no-untyped-call]
    return y


def causal_attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Attention of as many queries as keys, ``(batch, heads, tokens, head_dim)``.

    The mask, as :func:`midigpt.inference.model.attention.attention_mask` makes it, hides later keys
    as well; a query that sees no key gets 0.
    """
    attended: Tensor = _CausalAttention.apply(queries, keys, values, mask)  # type: ignore[no-untyped-call]
    return attended


class _TanhGelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        gate = torch.addcmul(torch.tensor(_SLOPE), x, x, value=_CUBE).mul_(x).sigmoid_()
        ctx.save_for_backward(x, gate)
        return x * gate

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        x, gate = ctx.saved_tensors
        through_gate: Tensor = torch.ops.aten.sigmoid_backward(gradient * x, gate)
        through_gate *= torch.addcmul(torch.tensor(_SLOPE), x, x, value=3 * _CUBE)
        through_gate.addcmul_(gradient, gate)
        return through_gate


class _CausalAttention(torch.autograd.Function):
    """Block by block of the queries, with the keys up to its end; the weights are kept."""

    @staticmethod
    def forward(
        ctx: Any, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None
    ) -> Tensor:
        batch, heads, tokens, width = queries.shape
        q, k, v = (x.reshape(-1, tokens, width) for x in (queries * width**-0.5, keys, values))
        attended = q.new_empty(batch, tokens, heads, width)
        ctx.blocks, weights = _blocks(tokens), []
        later = q.new_full((ctx.blocks[0][1], ctx.blocks[0][1]), float("-inf")).triu(1)
        for first, end in ctx.blocks:
            rows = end - first
            scores = q[:, first:end] @ k[:, :end].mT
            if mask is None:
                scores[..., first:] += later[:rows, :rows]
                weights.append(scores.softmax(dim=-1))
            else:
                seen = mask[:, :, first:end, :end]
                by_head = scores.view(batch, heads, rows, end).masked_fill_(~seen, float("-inf"))
                by_head = by_head.softmax(dim=-1).masked_fill_(~seen.any(-1, keepdim=True), 0.0)
                weights.append(by_head.view(-1, rows, end))
            block = weights[-1] @ v[:, :end]
            attended[:, first:end] = block.view(batch, heads, rows, width).transpose(1, 2)
        ctx.save_for_backward(q, k, v, *weights)
        return attended.transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, *weights = ctx.saved_tensors
        out = gradient.reshape(q.shape)
        to_q, to_k, to_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for (first, end), seen in zip(ctx.blocks, weights, strict=True):
            rows = slice(first, end)
            to_v[:, :end].baddbmm_(seen.mT, out[:, rows])
            to_seen = out[:, rows] @ v[:, :end].mT
            to_scores = torch._softmax_backward_data(to_seen, seen, -1, seen.dtype)
            torch.bmm(to_scores, k[:, :end], out=to_q[:, rows])
            to_k[:, :end].baddbmm_(to_scores.mT, q[:, rows])
        to_q *= q.shape[-1] ** -0.5
        return to_q.view_as(gradient), to_k.view_as(gradient), to_v.view_as(gradient), None


def _blocks(tokens: int) -> list[tuple[int, int]]:
    """First and end of blocks of like size."""
    size = -(-tokens // -(-tokens // _BLOCK))
    return [(first, min(first + size, tokens)) for first in range(0, tokens, size)]
