"""Descriptions of music in words, by rule: what a piece is (``features.py``), said in one of many
ways (``phrases.py``), and whether music is what a description says (``adherence.py``)."""

from midigpt.captions.features import Features, measure, measure_midi
from midigpt.captions.phrases import caption

__all__ = ["Features", "caption", "measure", "measure_midi"]
