"""Read the header of a safetensors file with the standard library alone.

Format: https://github.com/huggingface/safetensors#format. Eight bytes (little endian) give the
length of a JSON header; tensor data follow it.
"""

from __future__ import annotations

import json
import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Bytes per element.
DTYPE_SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4,
    "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip

#: Longest header the reference implementation accepts, in bytes.
_MAX_HEADER = 100_000_000


class CheckpointError(ValueError):
    """A checkpoint file that is damaged, of an unknown format, or inconsistent."""


@dataclass(frozen=True)
class TensorEntry:
    """Where a tensor lies: ``begin`` and ``end`` are byte offsets in the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class SafetensorsHeader:
    """String metadata and tensors by name."""

    metadata: dict[str, str]
    tensors: dict[str, TensorEntry]


def read_safetensors_header(path: str | os.PathLike[str]) -> SafetensorsHeader:
    """Read and check the header; the tensor data are not touched.

    Raises:
        CheckpointError: not a safetensors file, or cut short, or with inconsistent offsets.
        OSError: the file cannot be read.
    """
    file = Path(path)
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        if len(start) < 8:
            raise CheckpointError(f"{file} is not a safetensors file: it has {size} bytes")
        (length,) = struct.unpack("<Q", start)
        if length > min(size - 8, _MAX_HEADER):
            raise CheckpointError(
                f"{file} is not a safetensors file or is cut short: "
                f"a header of {length} bytes in a file of {size}"
            )
        text = stream.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{file} is damaged: its header is not JSON") from None
    if not isinstance(header, dict):
        raise CheckpointError(f"{file} is damaged: its header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise CheckpointError(f"{file} is damaged: its metadata are not strings by name")
    data = 8 + length
    tensors = {name: _entry(file, name, raw, data, size) for name, raw in header.items()}
    return SafetensorsHeader(metadata, tensors)


def _entry(file: Path, name: str, raw: Any, data: int, size: int) -> TensorEntry:
    def is_size(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0

    try:
        dtype, shape, (begin, end) = raw["dtype"], tuple(raw["shape"]), raw["data_offsets"]
        consistent = all(is_size(n) for n in (begin, end, *shape))
        consistent = consistent and end - begin == DTYPE_SIZES[dtype] * math.prod(shape)
    except (KeyError, TypeError, ValueError):
        raise CheckpointError(f"{file} is damaged: bad entry of tensor {name!r}") from None
    if not consistent:
        raise CheckpointError(f"{file} is damaged: shape and offsets of {name!r} disagree")
    if data + end > size:
        raise CheckpointError(f"{file} is cut short: {name!r} ends at {data + end} of {size} bytes")
    return TensorEntry(dtype, shape, data + begin, data + end)
