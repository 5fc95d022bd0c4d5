"""midigpt: multitrack symbolic music, bar by bar, for playing live."""

from importlib.metadata import PackageNotFoundError, version

from midigpt.log import LogLevel, set_verbosity
from midigpt.score import Bar, Note, Score, Track

try:
    __version__ = version("midigpt-live")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["Bar", "LogLevel", "Note", "Score", "Track", "__version__", "set_verbosity"]
