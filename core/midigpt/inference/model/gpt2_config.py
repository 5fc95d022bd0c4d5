"""Sizes of a GPT-2 and the tensors that follow from them; free of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


@dataclass
class GPT2Config:
    """Sizes of a GPT-2 (defaults of MIDI-GPT 0.4.2).

    Raises:
        ValueError: a size is not a positive integer, or ``n_head`` does not divide ``n_embd``.
    """

    vocab_size: int = 647
    n_positions: int = 2048
    n_embd: int = 512
    n_layer: int = 6
    n_head: int = 8

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is {value!r}; a positive integer is wanted")
        if self.n_embd % self.n_head:
            raise ValueError(
                f"n_head is {self.n_head}; it must divide n_embd, which is {self.n_embd}"
            )

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.n_embd // self.n_head

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> GPT2Config:
        """Take the sizes out of ``data``; unknown keys are ignored (defect tag D25)."""
        names = {field.name for field in fields(cls)}
        sizes = {name: value for name, value in data.items() if name in names}
        return cls(**sizes)  # type: ignore[arg-type]  # __post_init__ checks the values


#: Tensors per layer, and tensors outside the layers.
TENSORS_PER_LAYER, OTHER_TENSORS = 12, 5


def tensor_shapes(config: GPT2Config) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor, by the names of Hugging Face's GPT-2.

    Linear layers are stored input-major (y = x W + b); the output head is a tensor of its own.
    """
    width, vocab = config.n_embd, config.vocab_size
    shapes: dict[str, tuple[int, ...]] = {
        "transformer.wte.weight": (vocab, width),
        "transformer.wpe.weight": (config.n_positions, width),
        "transformer.ln_f.weight": (width,),
        "transformer.ln_f.bias": (width,),
        "lm_head.weight": (vocab, width),
    }
    linear = {
        "attn.c_attn": (width, 3 * width),
        "attn.c_proj": (width, width),
        "mlp.c_fc": (width, 4 * width),
        "mlp.c_proj": (4 * width, width),
    }
    for layer in range(config.n_layer):
        prefix = f"transformer.h.{layer}."
        for name, (rows, columns) in linear.items():
            shapes[f"{prefix}{name}.weight"] = (rows, columns)
            shapes[f"{prefix}{name}.bias"] = (columns,)
        for name in ("ln_1", "ln_2"):
            shapes[f"{prefix}{name}.weight"] = (width,)
            shapes[f"{prefix}{name}.bias"] = (width,)
    return shapes
