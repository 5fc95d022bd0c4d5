"""The data classes of MIDI-GPT 0.4.2, for training loops of one's own: a fresh sample each time.

The trainer of this package reads samples made ahead instead (:mod:`midigpt.training.dataset`).
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from midigpt.augmentation import MaskBarConfig
from midigpt.score import Score
from midigpt.tokenizer import Tokenizer
from midigpt.training.corpus import Piece, load_corpus
from midigpt.training.rows import RowChoice
from midigpt.training.samples import Sample, Sampler, Shape

if TYPE_CHECKING:
    from torch import Tensor

_TRIES = 16  # draws for one item before a shorter kind of sample is taken


class MidiGPTDataset:
    """Pieces by index; reading one draws a sample of it: a window, tracks, a variation, fills.

    Args:
        parquet_path: Parquet files of music; see :func:`midigpt.training.corpus.load_corpus`.
        tokenizer: its encoder says what a sample is made of.
        infill_probability: share of fill-ins, 0..1; the others are written left to right.
        infill_bar_fraction: largest share of the bars that is left out of a fill-in, 0..1.
        mask_bar_config: how often and how much is hidden; None = never.
        max_seq_len: longest sample in tokens; 0 = no limit. A fill-in that is longer is drawn
            again, other samples are cut to a random window.
        max_tracks, min_tracks, min_fill_ratio: see :class:`midigpt.training.samples.Shape`.
        velocity_off_probability, microtiming_off_probability, genre_probability: see there.

    Raises:
        ValueError: no piece in the files, or settings that the encoder has no tokens for.
        OSError: a file cannot be read.
    """

    def __init__(
        self,
        parquet_path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        tokenizer: Tokenizer,
        infill_probability: float = 0.75,
        infill_bar_fraction: float = 0.5,
        mask_bar_config: MaskBarConfig | None = None,
        max_seq_len: int = 2048,
        max_tracks: int = 12,
        min_tracks: int = 1,
        min_fill_ratio: float = 0.75,
        velocity_off_probability: float = 0.0,
        microtiming_off_probability: float = 0.0,
        genre_probability: float = 1.0,
    ) -> None:
        if isinstance(parquet_path, (str, os.PathLike)):
            parquet_path = [parquet_path]
        paths = [Path(path) for path in parquet_path]
        config = tokenizer.config
        choice = RowChoice(min_tracks=min_tracks)
        corpora = [load_corpus(path, config.resolution, choice) for path in paths]
        shape = Shape(
            min_tracks,
            max_tracks,
            min_fill_ratio,
            infill_bar_fraction,
            mask_bar_config or MaskBarConfig(0.0),
            velocity_off_probability,
            microtiming_off_probability,
            genre_probability,
        )
        self._windows = sorted(config.num_bars_map, reverse=True)
        kinds = {"ar": 1 - infill_probability, "infill": infill_probability}
        spans = not config.supports_mask_bar_token
        even = dict.fromkeys(self._windows, 1.0)
        self._sampler = Sampler(config, kinds, even, shape, spans)
        last_resort = Shape(1, 1, 0.0, infill_bar_fraction, shape.masks)
        least = {self._windows[-1]: 1.0}
        self._shortest = Sampler(config, {"ar": 1.0}, least, last_resort, spans)
        known = set(config.time_signatures)
        self._pieces = [
            piece
            for corpus in corpora
            for piece in corpus.pieces
            if piece.n_bars >= self._windows[-1]
            and known.issuperset(map(tuple, piece.signatures.tolist()))
        ]
        if not self._pieces:
            raise ValueError(
                f"no piece with enough bars and known meters in {', '.join(map(str, paths))}"
            )
        self._longest = max_seq_len

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, index: int) -> list[int]:
        """Token ids of a sample of a piece, drawn with Python's generator (``random.seed``)."""
        rng = Random(random.getrandbits(64))
        while (ids := self._draw(self._pieces[index], rng)) is None:
            index = rng.randrange(len(self))  # nothing was found in a piece with few notes
        return ids

    def _draw(self, piece: Piece, rng: Random) -> list[int] | None:
        for _ in range(_TRIES):
            if (sample := self._sampler.draw(piece, rng)) is not None:
                if not self._longest or len(sample.ids) <= self._longest:
                    return sample.ids
                if sample.kind == "ar":
                    return self._cut(sample, rng)
        for _ in range(_TRIES):
            if (sample := self._shortest.draw(piece, rng)) is not None:
                return self._cut(sample, rng)
        return None

    def _cut(self, sample: Sample, rng: Random) -> list[int]:
        spare = len(sample.ids) - self._longest
        if not self._longest or spare <= 0:
            return sample.ids
        first = rng.randint(0, spare)
        return sample.ids[first : first + self._longest]


class MidiGPTCollator:
    """Samples to tensors of the length of the longest, as ``collate_fn`` of a DataLoader.

    Args:
        max_seq_len: longer samples lose their end.
        pad_value: label of the padding, which the loss ignores.
    """

    def __init__(self, max_seq_len: int = 2048, pad_value: int = -100) -> None:
        self.max_seq_len, self.pad_value = max_seq_len, pad_value

    def __call__(self, samples: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """``input_ids`` (padded with 0), ``attention_mask`` and ``labels``, each (samples, n)."""
        import torch

        cut = [torch.as_tensor(sample[: self.max_seq_len], dtype=torch.long) for sample in samples]
        ids = torch.nn.utils.rnn.pad_sequence(cut, batch_first=True)
        lengths = torch.tensor([len(sample) for sample in cut])
        mask = torch.arange(ids.shape[1]) < lengths[:, None]
        labels = ids.masked_fill(~mask, self.pad_value)
        return {"input_ids": ids, "attention_mask": mask.long(), "labels": labels}


class DatasetBuilder:
    """MIDI files as one Parquet file: a score in columns, and the file itself to train on."""

    def build(
        self,
        midi_paths: Sequence[str | os.PathLike[str]],
        output_path: str | os.PathLike[str],
        splits: Mapping[str, float] | None = None,
    ) -> None:
        """Write a row for each file: ``resolution``, ``tempo``, ``tracks`` and ``music``.

        Args:
            midi_paths: Standard MIDI Files.
            output_path: where to write.
            splits: not used, as in 0.4.2; ``midigpt dataset build`` splits.

        Raises:
            ValueError: a file is not a MIDI file.
            OSError: a file cannot be read or written.
        """
        import pyarrow as arrow
        from pyarrow import parquet

        rows = [self._row(Path(path)) for path in midi_paths]
        parquet.write_table(arrow.Table.from_pylist(rows), output_path, compression="zstd")

    @staticmethod
    def _row(path: Path) -> dict[str, Any]:
        midi = path.read_bytes()
        score = Score.from_bytes(midi)
        notes = sum(len(bar.notes) for track in score.tracks for bar in track.bars)
        counts = {"num_tracks": len(score.tracks), "total_notes": notes}
        return {**score.to_dict(), "music": midi, **counts}
