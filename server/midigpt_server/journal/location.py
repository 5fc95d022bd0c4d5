"""Where the journal is kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_NAME = "midigpt-live"


def data_directory() -> Path:
    """The folder in the environment variable ``MIDIGPT_DATA``, or the user's data directory as the
    platform has it; it need not exist."""
    if given := os.environ.get("MIDIGPT_DATA"):
        return Path(given).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / _NAME
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _NAME
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / _NAME


def journal_path() -> Path:
    """The journal's file."""
    return data_directory() / "sessions.sqlite3"
