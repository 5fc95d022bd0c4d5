"""From a sentence to the ids that a text-to-music model reads before its first event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from midigpt import events

#: What the models of MIDI-LLM's kind were trained to see before the description.
SYSTEM = (
    "You are a world-class composer. Please compose some music "
    "according to the following description: "
)


class Prompter:
    """Makes prompts, and knows where the model's event ids begin: behind those of its tokenizer."""

    def __init__(self, tokenizer: Any, vocab_size: int) -> None:
        self.tokenizer = tokenizer
        self.first_event: int = tokenizer.get_vocab_size()
        room = vocab_size - self.first_event
        if room < events.VOCABULARY:
            raise ValueError(
                f"the model has {vocab_size} ids and its tokenizer {self.first_event}; "
                f"{events.VOCABULARY} event ids do not fit: it is no text-to-music model"
            )

    @classmethod
    def from_folder(cls, folder: Path, vocab_size: int) -> Prompter:
        """Read ``tokenizer.json``.

        Raises:
            ImportError: the package tokenizers is not installed.
            ValueError: the file is damaged, or the model has no event ids.
            OSError: the file is not there.
        """
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise ImportError(
                'text prompts need the extra compose: pip install "midigpt-live[compose]"'
            ) from None
        file = folder / "tokenizer.json"
        if not file.is_file():
            raise FileNotFoundError(f"{folder} has no tokenizer.json")
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # its errors have no type of their own
            raise ValueError(f"{file} is not a tokenizer: {error}") from None
        return cls(tokenizer, vocab_size)

    def encode(self, description: str) -> list[int]:
        """Ids of the whole prompt: begin of text, system text, description, mode.

        Raises:
            ValueError: the description is empty.
        """
        if not description.strip():
            raise ValueError("the prompt is empty; a description of the music is wanted")
        text: list[int] = self.tokenizer.encode(f"{SYSTEM}{description} ").ids
        return [*text, self.first_event + events.AUTOREGRESS]
