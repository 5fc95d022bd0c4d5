"""Text to music: a sentence in, MIDI files and sound out, by a Llama whose words are also events.

The way of a description: ``writer.py`` has ``prompt.py`` make ids of it, and holds the pieces to
its key and tempo (``key.py``, ``tempo.py``); a backend (``native_backend.py``,
``torch_backend.py``, ``vllm_backend.py``) writes event ids after them, ``long_pieces.py`` window by
window where the context is short; ``session.py`` saves what is valid and keeps the statistics.
``midigpt.cli.compose`` is the command.
"""

from midigpt.compose.backend import Backend, Batch, Sampling
from midigpt.compose.prompt import Prompter
from midigpt.compose.session import Session
from midigpt.compose.writer import Writer

__all__ = ["Backend", "Batch", "Prompter", "Sampling", "Session", "Writer"]
