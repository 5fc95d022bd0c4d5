"""Scores to token ids and back."""

from midigpt.tokenizer.tokenizer import Tokenizer

__all__ = ["Tokenizer"]
