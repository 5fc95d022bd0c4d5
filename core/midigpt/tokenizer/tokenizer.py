"""Scores to token ids and back, as the published checkpoints were trained (MIDI-GPT 0.4.2)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from midigpt import _native
from midigpt._converters import from_cpp, to_cpp
from midigpt.encoder_config import EncoderConfig
from midigpt.score import Score
from midigpt.tokenizer.vocabulary import Vocabulary

if TYPE_CHECKING:
    from midigpt.attributes import AttributeAnalyzer


class Tokenizer:
    """Encodes scores of any resolution to token ids and decodes ids to scores.

    Args:
        encoder_config: what the encoder can say. Token domains of the analyzer's attributes are
            appended to this object where they are missing.
        analyzer: computes attribute levels; by default the one the configuration describes.
        pitch_class_sets: write pitch class set tokens too. MIDI-GPT 0.4.2 never does, because it
            stores their levels under a key that its encoder does not read.
    """

    def __init__(
        self,
        encoder_config: EncoderConfig,
        analyzer: AttributeAnalyzer | None = None,
        *,
        pitch_class_sets: bool = False,
    ) -> None:
        if analyzer is None:
            from midigpt.attributes import AttributeAnalyzer

            analyzer = AttributeAnalyzer.from_config(encoder_config)
        encoder_config.derive_token_domains()
        encoder_config.add_attribute_token_domains(analyzer.token_domain_specs())
        self._config = encoder_config
        self._analyzer = analyzer
        self._vocab = Vocabulary(encoder_config)
        self._encoder = _native.Encoder(self._vocab, pitch_class_sets)
        self._decoder = _native.Decoder(self._vocab)

    @property
    def config(self) -> EncoderConfig:
        """What the encoder can say."""
        return self._config

    @property
    def vocabulary(self) -> Vocabulary:
        """The token ids."""
        return self._vocab

    @property
    def analyzer(self) -> AttributeAnalyzer:
        """What computes attribute levels."""
        return self._analyzer

    @property
    def encoder(self) -> _native.Encoder:
        """The compiled encoder."""
        return self._encoder

    @property
    def decoder(self) -> _native.Decoder:
        """The compiled decoder."""
        return self._decoder

    @classmethod
    def from_checkpoint(
        cls, path: str | os.PathLike[str], analyzer: AttributeAnalyzer | None = None
    ) -> Tokenizer:
        """The tokenizer of a checkpoint file, from the configuration embedded in it.

        Raises:
            OSError, ValueError: as ``midigpt.inference.model.load_checkpoint``.
        """
        from midigpt.inference.model import load_checkpoint

        return cls(load_checkpoint(path).encoder_config, analyzer)

    @classmethod
    def from_checkpoint_bundle(
        cls, encoder_config: EncoderConfig, analyzer: AttributeAnalyzer | None
    ) -> Tokenizer:
        """The tokenizer of a configuration that was read from a checkpoint."""
        return cls(encoder_config, analyzer)

    def encode(
        self,
        score: Score,
        opts: _native.EncodeOptions | None = None,
        compute_attributes: bool = True,
    ) -> list[int]:
        """Token ids of ``score``, which is left as it is.

        Attribute levels are computed on the score on the model grid and win over those in
        ``track.attributes``; with ``compute_attributes=False`` only the latter are written.

        Raises:
            ValueError: fill-ins without infill support or outside the score, a hidden bar that the
                options do not hide, or a number of bars outside ``num_bars_map``.
            RuntimeError: a time signature that is not in the configuration's list.
        """
        if compute_attributes:
            score = self._analysed(self._on_grid(score))
        return self._encoder.encode(self.to_grid(score), opts or _native.EncodeOptions())

    def decode(self, tokens: Sequence[int], resample: bool = True) -> Score:
        """The score that ``tokens`` say, at ``decode_resolution`` or (``resample=False``) on the
        model grid.

        What makes no sense where it stands is ignored.

        Raises:
            IndexError: an id outside the vocabulary.
        """
        flat = self._decoder.decode(tokens)
        if resample:
            self._resample(flat, self._config.decode_resolution)
        return from_cpp(flat)

    def vocab_size(self) -> int:
        """Number of token ids."""
        return self._vocab.size()

    def to_grid(self, score: Score) -> _native.Score:
        """The core's form of ``score`` on the model grid."""
        flat = to_cpp(score)
        self._resample(flat, self._config.resolution)
        return flat

    def normalize_input(self, score: Score) -> Score:
        """A copy of ``score`` on the model grid; the score itself if it is there already."""
        return score if score.resolution == self._config.resolution else self._on_grid(score)

    def normalize_output(self, score: Score) -> Score:
        """A copy of ``score`` at ``decode_resolution``; the score itself if it is there already."""
        target = self._config.decode_resolution
        return score if score.resolution == target else self._copy_at(score, target)

    def _on_grid(self, score: Score) -> Score:
        return self._copy_at(score, self._config.resolution)

    def _copy_at(self, score: Score, resolution: int) -> Score:
        flat = to_cpp(score)
        self._resample(flat, resolution)
        out = from_cpp(flat)
        for track, source in zip(out.tracks, score.tracks, strict=True):
            track.attributes = dict(source.attributes)  # with the raw values the core leaves out
        return out

    def _resample(self, flat: _native.Score, resolution: int) -> None:
        if flat.resolution != resolution:
            _native.resample(flat, flat.resolution, resolution, self._config.emit_delta_tokens)

    def _analysed(self, grid: Score) -> Score:
        """``grid`` itself, with the levels of its attributes filled in."""
        for t, track in enumerate(grid.tracks):
            track.attributes.update(self._analyzer.compute_track_tokens(grid, t))
            for b in range(len(track.bars)):
                levels = self._analyzer.compute_bar_tokens(grid, t, b)
                track.attributes.update({f"bar_{name}_{b}": n for name, n in levels.items()})
        return grid


def resample_delta(score: Score, source_res: int, target_res: int, use_delta: bool) -> None:
    """Rescale ``score`` in place, from ``source_res`` to ``target_res`` ticks per quarter note.

    Positions are floored. With ``use_delta``, ``Note.delta`` (in 1/resolution of a tick) is part of
    the old position and keeps the fraction of the new one; without, it becomes 0.

    Raises:
        ValueError: a resolution below 1.
    """
    flat = to_cpp(score)
    _native.resample(flat, source_res, target_res, use_delta)
    notes = (note for track in score.tracks for bar in track.bars for note in bar.notes)
    for note, moved in zip(notes, flat.notes, strict=True):
        note.onset_ticks, note.duration_ticks = moved.onset_ticks, moved.duration_ticks
        note.delta = moved.delta
    score.resolution = target_res
