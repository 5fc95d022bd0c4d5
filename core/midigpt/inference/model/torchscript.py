"""Models of the legacy checkpoint directories: TorchScript modules called f(ids, past)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from midigpt.inference.model.torch_cache import CacheShape
from midigpt.inference.model.transformer_lm import PastKV, TransformerLMBase

#: A script does not say how many heads it has; these are tried in turn.
_HEAD_COUNTS = (8, 16, 12, 4)


class TorchScriptAdapter(TransformerLMBase):
    """A scripted GPT-2 behind the interface of the others.

    It can neither hide tokens nor place them: a key mask, or positions that do not count up from
    0, raise ValueError.

    Args:
        scripted: module with children ``transformer.wte``, ``wpe`` and ``h``; called with ids
            ``(batch, tokens)`` and the past, it returns logits and the past extended.
        ts_config: sizes that override those read from the module (``n_positions``, ``n_head``,
            ``n_embd``, ``n_layer``, ``vocab_size``).

    Raises:
        ValueError: the module has no such children, or runs with none of the usual head counts.
    """

    def __init__(self, scripted: Any, ts_config: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.scripted = scripted
        sizes = dict(ts_config or {})
        try:
            wte, wpe = scripted.transformer.wte.weight, scripted.transformer.wpe.weight
            layers = len(list(scripted.transformer.h.children()))
        except AttributeError as error:
            raise ValueError(f"TorchScript module is not a GPT-2: {error}") from None
        self._vocab_size = sizes.get("vocab_size", wte.shape[0])
        width = sizes.get("n_embd", wte.shape[1])
        capacity = sizes.get("n_positions", wpe.shape[0])
        layers = sizes.get("n_layer", layers)
        heads = (sizes["n_head"],) if "n_head" in sizes else _HEAD_COUNTS
        self._cache_shape = self._probe(layers, width, capacity, heads)

    def _probe(self, layers: int, width: int, capacity: int, heads: tuple[int, ...]) -> CacheShape:
        """Run the module once per head count until one fits."""
        for count in heads:
            if width % count:
                continue
            self._cache_shape = CacheShape(layers, count, width // count, capacity)
            try:
                with torch.inference_mode():
                    self.scripted(torch.zeros(1, 1, dtype=torch.long), self.make_empty_kv())
            except RuntimeError:
                continue
            return self._cache_shape
        raise ValueError(f"TorchScript module runs with none of the head counts {heads}")

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""
        return int(self._vocab_size)

    @property
    def cache_shape(self) -> CacheShape:
        """Sizes of the cache."""
        return self._cache_shape

    def forward(
        self,
        input_ids: Tensor,
        past_kv: PastKV | None = None,
        key_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> tuple[Tensor, PastKV]:
        """Compute logits and presents; see :meth:`TransformerLMBase.forward`."""
        begin = self.kv_length(past_kv)
        counted = torch.arange(begin, begin + input_ids.shape[1], device=input_ids.device)
        if key_mask is not None and not bool(key_mask.all()):
            raise ValueError("key_mask: legacy TorchScript models cannot hide tokens")
        if position_ids is not None and not bool((position_ids == counted).all()):
            raise ValueError("positions: legacy TorchScript models cannot skip tokens")
        past = past_kv if begin else self.make_empty_kv(input_ids.shape[0])
        logits, presents = self.scripted(input_ids, past)
        return logits, tuple((keys, values) for keys, values in presents)
