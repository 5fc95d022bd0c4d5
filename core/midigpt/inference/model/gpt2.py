"""GPT-2 in PyTorch.

Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), as MIDI-GPT 0.4.2
uses it: untied output head, tanh GELU, no dropout. Parameters have the names of Hugging Face.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from midigpt.inference.model.attention import Attend, Remember, attend, attention_mask, join_past
from midigpt.inference.model.cpu_training import gelu
from midigpt.inference.model.gpt2_config import GPT2Config
from midigpt.inference.model.interface import Ints
from midigpt.inference.model.registry import register
from midigpt.inference.model.torch_cache import CacheShape, TorchCache
from midigpt.inference.model.transformer_lm import PastKV, TransformerLMBase

if TYPE_CHECKING:
    from typing_extensions import Self


@register("gpt2")
class GPT2LMHeadModel(TransformerLMBase):
    """GPT-2 with a language-model head."""

    def __init__(self, cfg: GPT2Config) -> None:
        super().__init__()
        self.cfg = cfg
        self.transformer = _Transformer(cfg)
        self.lm_head = nn.Linear(cfg.n_embd, cfg.vocab_size, bias=False)
        self._cache_shape = CacheShape(cfg.n_layer, cfg.n_head, cfg.head_dim, cfg.n_positions)
        self._initialise()

    def _initialise(self) -> None:
        """Draw weights as the paper says: N(0, 0.02), smaller where a layer adds to the stream."""
        for name, parameter in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(parameter, std=0.02 / (2 * self.cfg.n_layer) ** 0.5)
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)

    @property
    def config(self) -> dict[str, Any]:
        """The sizes, as a checkpoint stores them."""
        return asdict(self.cfg)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build a model of these sizes; unknown keys are ignored, see :class:`GPT2Config`."""
        return cls(GPT2Config.from_dict(config))

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""
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
        x = self.transformer.embed(ids, positions)
        for layer, block in enumerate(self.transformer.h):
            x = block(x, mask, partial(cache.write, layer), attend)
        return self._logits(x[:, -1:] if last_only else x)

    @torch.inference_mode()
    def last_attention(self, ids: Ints) -> NDArray[np.float32]:
        """Attention weights of the last token, mean over heads: ``(layers, tokens)``."""
        cache, tokens = self.new_cache(), np.asarray(ids)
        if tokens.size > 1:
            self.prefill(tokens[:-1], cache)
        last = torch.from_numpy(tokens[None, -1:]).to(self.device)
        _, _, captured = self.forward_with_hooks(last, cache.past, {"attn": lambda *_: None})
        means = torch.stack([weights[0, :, 0].mean(dim=0) for weights in captured["attn"]])
        result: NDArray[np.float32] = means.float().cpu().numpy()
        return result

    def forward(
        self,
        input_ids: Tensor,
        past_kv: PastKV | None = None,
        key_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> tuple[Tensor, PastKV]:
        """Compute logits and presents; see :meth:`TransformerLMBase.forward`."""
        return self._forward(input_ids, past_kv, key_mask, position_ids, _Hooks({}))

    def forward_with_hooks(
        self, input_ids: Tensor, past_kv: PastKV | None, hooks: Mapping[str, Callable[..., Any]]
    ) -> tuple[Tensor, PastKV, dict[str, list[Tensor]]]:
        """Do as ``forward``, calling the hooks on the way.

        Args:
            input_ids: ``(batch, tokens)``.
            past_kv: what an earlier call returned; None at the start.
            hooks: any of ``attn(layer, weights)``, weights ``(batch, heads, tokens, length)``;
                ``hidden(layer, x)``, the layer's output ``(batch, tokens, n_embd)``; and
                ``logits(logits)``.

        Returns:
            Logits, presents, and by hook name the list of the tensors shown to the hook.
        """
        shown = _Hooks(hooks)
        logits, presents = self._forward(input_ids, past_kv, None, None, shown)
        return logits, presents, shown.captured

    def _forward(
        self,
        ids: Tensor,
        past: PastKV | None,
        key_mask: Tensor | None,
        positions: Tensor | None,
        hooks: _Hooks,
    ) -> tuple[Tensor, PastKV]:
        tokens, length = ids.shape[1], self.kv_length(past)
        if positions is None:
            positions = torch.arange(length, length + tokens, device=ids.device)
        if key_mask is not None:
            key_mask = key_mask.to(ids.device, torch.bool).view(-1, length + tokens)
        mask = attention_mask(tokens, length, key_mask, ids.device)
        x = self.transformer.embed(ids, positions)
        presents: list[tuple[Tensor, Tensor]] = []
        for layer, block in enumerate(self.transformer.h):
            remember = join_past(past[layer] if past else None, presents)
            x = block(x, mask, remember, hooks.attend(layer))
            hooks.show("hidden", layer, x)
        logits = self._logits(x)
        hooks.show("logits", logits)
        return logits, tuple(presents)

    def _logits(self, x: Tensor) -> Tensor:
        logits: Tensor = self.lm_head(self.transformer.ln_f(x))
        return logits


class _Transformer(nn.Module):
    def __init__(self, cfg: GPT2Config) -> None:
        super().__init__()
        self.wte = nn.Embedding(cfg.vocab_size, cfg.n_embd)
        self.wpe = nn.Embedding(cfg.n_positions, cfg.n_embd)
        self.h = nn.ModuleList(_Block(cfg) for _ in range(cfg.n_layer))
        self.ln_f = nn.LayerNorm(cfg.n_embd)

    def embed(self, ids: Tensor, positions: Tensor) -> Tensor:
        x: Tensor = self.wte(ids) + self.wpe(positions)
        return x


class _Block(nn.Module):
    def __init__(self, cfg: GPT2Config) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(cfg.n_embd)
        self.attn = _Attention(cfg)
        self.ln_2 = nn.LayerNorm(cfg.n_embd)
        self.mlp = _FeedForward(cfg)

    def forward(self, x: Tensor, mask: Tensor | None, remember: Remember, attend: Attend) -> Tensor:
        x = x + self.attn(self.ln_1(x), mask, remember, attend)
        x = x + self.mlp(self.ln_2(x))
        return x


class _Attention(nn.Module):
    def __init__(self, cfg: GPT2Config) -> None:
        super().__init__()
        self.heads = cfg.n_head
        self.c_attn = _InputMajorLinear(cfg.n_embd, 3 * cfg.n_embd)
        self.c_proj = _InputMajorLinear(cfg.n_embd, cfg.n_embd)

    def forward(self, x: Tensor, mask: Tensor | None, remember: Remember, attend: Attend) -> Tensor:
        batch, tokens, width = x.shape
        split = self.c_attn(x).view(batch, tokens, 3, self.heads, width // self.heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        attended = attend(queries, *remember(keys, values), mask)
        merged: Tensor = self.c_proj(attended.transpose(1, 2).reshape(batch, tokens, width))
        return merged


class _FeedForward(nn.Module):
    def __init__(self, cfg: GPT2Config) -> None:
        super().__init__()
        self.c_fc = _InputMajorLinear(cfg.n_embd, 4 * cfg.n_embd)
        self.c_proj = _InputMajorLinear(4 * cfg.n_embd, cfg.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.c_proj(gelu(self.c_fc(x)))
        return y


class _InputMajorLinear(nn.Module):
    """y = x W + b with W stored as ``(inputs, outputs)``, as GPT-2 checkpoints have it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.addmm(self.bias, x.reshape(-1, x.shape[-1]), self.weight)
        return y.view(*x.shape[:-1], y.shape[-1])


class _Hooks:
    """The callables given to ``forward_with_hooks`` and the tensors they were shown."""

    def __init__(self, hooks: Mapping[str, Callable[..., Any]]) -> None:
        self._hooks = hooks
        self.captured: dict[str, list[Tensor]] = {name: [] for name in hooks}

    def show(self, name: str, *arguments: Any) -> None:
        """Call the hook of this name, if given; its last argument is the tensor."""
        if name in self._hooks:
            self.captured[name].append(arguments[-1])
            self._hooks[name](*arguments)

    def attend(self, layer: int) -> Attend:
        """Attention for a layer: one that shows its weights, if there is a hook for them."""
        return partial(self._attend_openly, layer) if "attn" in self._hooks else attend

    def _attend_openly(
        self, layer: int, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None
    ) -> Tensor:
        scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
        if mask is None:
            mask = torch.ones_like(scores, dtype=torch.bool).tril(scores.shape[3] - scores.shape[2])
        weights = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)
        self.show("attn", layer, weights)
        attended: Tensor = weights @ values
        return attended
