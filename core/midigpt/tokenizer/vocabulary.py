"""The vocabulary, with the JSON side of its configuration."""

from __future__ import annotations

from midigpt import _native
from midigpt.encoder_config import EncoderConfig


class Vocabulary(_native.Vocabulary):
    """Token ids of a configuration: consecutive domains, id = first id of the type + value."""

    def config(self) -> EncoderConfig:
        """A copy of the configuration, with its token domains derived."""
        return EncoderConfig(super().config())
