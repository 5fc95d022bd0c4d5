"""Text to music: a sentence in, MIDI files and sound out, by a Llama whose words are also events.

The way of a prompt: ``prompt.py`` makes ids of it; a backend (``native_backend.py``,
``torch_backend.py``, ``vllm_backend.py``) writes event ids after them, ``long_pieces.py``
window by window where the context is short; ``session.py`` saves what is valid and keeps the
statistics. ``midigpt.cli.compose`` is the command.
"""

from midigpt.compose.backend import Backend, Batch, Sampling
from midigpt.compose.prompt import Prompter
from midigpt.compose.session import Session

__all__ = ["Backend", "Batch", "Prompter", "Sampling", "Session"]
