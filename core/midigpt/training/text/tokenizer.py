"""A small text vocabulary: byte-level BPE on descriptions."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from midigpt.compose.prompt import SYSTEM

#: Numbers that are single tokens: tempos.
NUMBERS = range(30, 301)
_NUMBER_WEIGHT = 200
_NUMBERS_FROM = 1024
BEGIN = "<|begin_of_text|>"
END = "<|end_of_text|>"


def train_tokenizer(texts: Iterable[str], size: int) -> Any:
    """A tokenizer that puts the begin-of-text token in front, as Llama's does.

    The system text, which every prompt begins with, becomes a single token, so that a small model
    need not read it.

    Args:
        texts: descriptions.
        size: of the vocabulary; at least 300, for 256 bytes and some pairs.

    Raises:
        ValueError: ``size`` is too small.
    """
    from tokenizers import (
        AddedToken,
        Tokenizer,
        decoders,
        models,
        pre_tokenizers,
        processors,
        trainers,
    )

    if size < 300:
        raise ValueError(f"the size of the text vocabulary is {size}; at least 300 is wanted")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    numbers = (f" {number}" for number in NUMBERS for _ in range(_NUMBER_WEIGHT))
    tokenizer.train_from_iterator(
        chain(numbers, (f" {text} " for text in texts))
        if size >= _NUMBERS_FROM
        else (f" {text} " for text in texts),
        trainers.BpeTrainer(
            vocab_size=size - 1,
            special_tokens=[BEGIN, END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.add_tokens([AddedToken(SYSTEM.strip(), normalized=False)])
    begin = tokenizer.token_to_id(BEGIN)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, begin)]
    )
    return tokenizer


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write ``tokenizer.json``, complete or not at all: other processes may write the same."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"tokenizer.{os.getpid()}.part"
    tokenizer.save(str(unfinished))
    unfinished.replace(folder / "tokenizer.json")
