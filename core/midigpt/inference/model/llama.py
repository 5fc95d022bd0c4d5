"""Llama in PyTorch: RMSNorm, rotary positions, grouped queries, SwiGLU, no biases.

Touvron et al., arXiv 2302.13971; grouped queries as in Llama 2 (arXiv 2307.09288), rotary scaling
as in Llama 3.1 (arXiv 2407.21783). Parameters have the names of Hugging Face's LlamaForCausalLM.
"""

from __future__ import annotations

import math
import os
from functools import partial

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from midigpt.inference.model.attention import Remember, attend, attention_mask, join_past
from midigpt.inference.model.llama_folder import LlamaConfig, open_llama
from midigpt.inference.model.torch_cache import CacheShape, TorchCache
from midigpt.inference.model.transformer_lm import PastKV, TransformerLMBase, resolve_device

#: Cosines and sines of the tokens' positions, each ``(rows or 1, 1, tokens, head_dim / 2)``.
Rotation = tuple[Tensor, Tensor]


class LlamaLMHeadModel(TransformerLMBase):
    """A Llama with a language-model head.

    Args:
        cfg: the sizes.
        n_positions: room in a cache; at most ``cfg.n_positions``, which is the default.
        tied: whether the head is the embedding; the default is what ``cfg`` says.

    Raises:
        ValueError: ``n_positions`` is out of range.
    """

    def __init__(
        self, cfg: LlamaConfig, n_positions: int | None = None, tied: bool | None = None
    ) -> None:
        super().__init__()
        capacity = cfg.n_positions if n_positions is None else n_positions
        if not 1 <= capacity <= cfg.n_positions:
            raise ValueError(f"n_positions is {capacity}; 1..{cfg.n_positions} is wanted")
        self.cfg = cfg
        self.model = _Body(cfg)
        self.lm_head = nn.Linear(cfg.hidden_size, cfg.vocab_size, bias=False)
        if cfg.tied if tied is None else tied:
            self.lm_head.weight = self.model.embed_tokens.weight
        self._cache_shape = CacheShape(cfg.n_layer, cfg.n_kv_head, cfg.head_dim, capacity)
        self._frequencies = rope_frequencies(cfg)

    @classmethod
    def from_folder(
        cls,
        folder: str | os.PathLike[str],
        n_positions: int | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> LlamaLMHeadModel:
        """Load a folder of Hugging Face, see :func:`open_llama` for what may be wrong with it.

        Raises:
            RuntimeError: the device is not available.
        """
        found, where = open_llama(folder), resolve_device(device)
        with torch.device("meta"):  # no memory, no random numbers: the tensors come from the files
            model = cls(found.config, n_positions, found.tied)
        wanted = found.config.tensor_shapes(found.tied)
        state = {
            name: tensor.to(where, dtype)
            for file in found.files
            for name, tensor in load_file(file).items()
            if name in wanted
        }
        if found.tied:
            state["lm_head.weight"] = state["model.embed_tokens.weight"]
        model.load_state_dict(state, assign=True)
        model._frequencies = rope_frequencies(found.config).to(where)
        return model.eval()

    @property
    def vocab_size(self) -> int:
        """Number of token ids, text and padding rows included."""
        return self.cfg.vocab_size

    @property
    def cache_shape(self) -> CacheShape:
        """Sizes of the cache."""
        return self._cache_shape

    def extend(
        self,
        ids: Tensor,
        cache: TorchCache,
        positions: Tensor,
        key_mask: Tensor | None,
        last_only: bool,
    ) -> Tensor:
        """Read a block into the cache in place; see :meth:`TransformerLMBase.extend`."""
        mask = attention_mask(ids.shape[1], cache.length, key_mask, ids.device)
        remember = [partial(cache.write, layer) for layer in range(self.cfg.n_layer)]
        x = self.model(ids, self._rotation(positions), mask, remember)
        logits: Tensor = self.lm_head(x[:, -1:] if last_only else x)
        return logits

    def forward(
        self,
        input_ids: Tensor,
        past_kv: PastKV | None = None,
        key_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> tuple[Tensor, PastKV]:
        """Compute logits and presents; see :meth:`TransformerLMBase.forward`."""
        tokens, length = input_ids.shape[1], self.kv_length(past_kv)
        if position_ids is None:
            position_ids = torch.arange(length, length + tokens, device=input_ids.device)
        if key_mask is not None:
            key_mask = key_mask.to(input_ids.device, torch.bool).view(-1, length + tokens)
        mask = attention_mask(tokens, length, key_mask, input_ids.device)
        presents: list[tuple[Tensor, Tensor]] = []
        remember = [
            join_past(past_kv[layer] if past_kv else None, presents)
            for layer in range(self.cfg.n_layer)
        ]
        x = self.model(input_ids, self._rotation(position_ids), mask, remember)
        return self.lm_head(x), tuple(presents)

    def _rotation(self, positions: Tensor) -> Rotation:
        angles = positions.float().view(-1, 1, positions.shape[-1], 1) * self._frequencies
        return angles.cos().to(self.dtype), angles.sin().to(self.dtype)


class _Body(nn.Module):
    def __init__(self, cfg: LlamaConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(cfg.vocab_size, cfg.hidden_size)
        self.layers = nn.ModuleList(_Layer(cfg) for _ in range(cfg.n_layer))
        self.norm = _RMSNorm(cfg)

    def forward(
        self, ids: Tensor, rotation: Rotation, mask: Tensor | None, remember: list[Remember]
    ) -> Tensor:
        x: Tensor = self.embed_tokens(ids)
        for layer, remember_layer in zip(self.layers, remember, strict=True):
            x = layer(x, rotation, mask, remember_layer)
        normed: Tensor = self.norm(x)
        return normed


class _Layer(nn.Module):
    def __init__(self, cfg: LlamaConfig) -> None:
        super().__init__()
        self.input_layernorm = _RMSNorm(cfg)
        self.self_attn = _Attention(cfg)
        self.post_attention_layernorm = _RMSNorm(cfg)
        self.mlp = _FeedForward(cfg)

    def forward(
        self, x: Tensor, rotation: Rotation, mask: Tensor | None, remember: Remember
    ) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rotation, mask, remember)
        x = x + self.mlp(self.post_attention_layernorm(x))
        return x


class _Attention(nn.Module):
    def __init__(self, cfg: LlamaConfig) -> None:
        super().__init__()
        self.head_dim, self.group = cfg.head_dim, cfg.n_head // cfg.n_kv_head
        self.q_proj = nn.Linear(cfg.hidden_size, cfg.n_head * cfg.head_dim, bias=False)
        self.k_proj = nn.Linear(cfg.hidden_size, cfg.n_kv_head * cfg.head_dim, bias=False)
        self.v_proj = nn.Linear(cfg.hidden_size, cfg.n_kv_head * cfg.head_dim, bias=False)
        self.o_proj = nn.Linear(cfg.n_head * cfg.head_dim, cfg.hidden_size, bias=False)

    def forward(
        self, x: Tensor, rotation: Rotation, mask: Tensor | None, remember: Remember
    ) -> Tensor:
        queries = _rotate(self._heads(self.q_proj(x)), rotation)
        keys, values = remember(
            _rotate(self._heads(self.k_proj(x)), rotation), self._heads(self.v_proj(x))
        )
        # Each key head serves a group of query heads.
        keys, values = (t.repeat_interleave(self.group, dim=1) for t in (keys, values))
        attended = attend(queries, keys, values, mask)
        merged: Tensor = self.o_proj(attended.transpose(1, 2).flatten(2))
        return merged

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], -1, self.head_dim).transpose(1, 2)


class _FeedForward(nn.Module):
    def __init__(self, cfg: LlamaConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(cfg.hidden_size, cfg.intermediate_size, bias=False)
        self.up_proj = nn.Linear(cfg.hidden_size, cfg.intermediate_size, bias=False)
        self.down_proj = nn.Linear(cfg.intermediate_size, cfg.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return y


class _RMSNorm(nn.Module):
    def __init__(self, cfg: LlamaConfig) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(cfg.hidden_size))
        self.eps = cfg.norm_eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + self.eps)
        y: Tensor = self.weight * wide.to(x.dtype)
        return y


def rope_frequencies(cfg: LlamaConfig) -> Tensor:
    """Radians a position for each pair of a head's entries, float32 ``(head_dim / 2,)``.

    Llama 3.1's rule: long wavelengths are stretched by ``factor``, short ones kept, those between
    blended.
    """
    exponents = torch.arange(0, cfg.head_dim, 2, dtype=torch.float64, device="cpu") / cfg.head_dim
    frequencies = cfg.rope_theta**-exponents
    scaling = cfg.rope_scaling
    if scaling is not None:
        turns = scaling.original_positions * frequencies / (2 * math.pi)
        span = scaling.high_freq_factor - scaling.low_freq_factor
        kept = ((turns - scaling.low_freq_factor) / span).clamp(0, 1)
        frequencies = (1 - kept) * frequencies / scaling.factor + kept * frequencies
    return frequencies.float()


def _rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """Turn each pair of entries j and j + head_dim / 2 by its angle."""
    cosines, sines = rotation
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), dim=-1)
