"""Where files that can be computed again are kept between runs."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any


def cache_dir() -> Path:
    """The folder in the environment variable ``MIDIGPT_CACHE``, or ``~/.midigpt``; made if absent.

    Raises:
        OSError: the folder cannot be made.
    """
    folder = Path(os.environ.get("MIDIGPT_CACHE") or Path.home() / ".midigpt")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cached_indices(key: str) -> Path:
    """Where the list of usable rows of a training file is kept; see :func:`file_cache_key`."""
    return cache_dir() / f"valid_{key}.npy"


def file_cache_key(path: str | os.PathLike[str], **extra: Any) -> str:
    """A key of 32 hexadecimal digits that changes with the file and with the keyword arguments.

    The file is known by its absolute path, size and time of last change; it is not read.

    Raises:
        OSError: the file does not exist.
    """
    status = os.stat(path)
    parts = (os.path.abspath(path), status.st_size, status.st_mtime_ns, sorted(extra.items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
