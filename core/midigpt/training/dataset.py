"""Samples on disk: made once by all cores, then read through a memory map while training."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from midigpt.augmentation import MaskBarConfig, MaskMode
from midigpt.cache import cache_dir, file_cache_key
from midigpt.encoder_config import EncoderConfig
from midigpt.training.config import TrainConfig
from midigpt.training.corpus import Piece, load_corpus
from midigpt.training.encoders import load_encoder_config
from midigpt.training.rows import RowChoice
from midigpt.training.samples import KINDS, Sample, Sampler, Shape

log = logging.getLogger(__name__)

_FORMAT = 2  # of the cache; raise it when samples are made in another way
_COLUMNS = ("starts", "targets", "kinds", "sources", "roles", "spans")
_SHARDS = 64  # independent of the number of cores, so that a seed always gives the same samples
_MISSES = 2000  # draws without a sample after which a corpus counts as used up
_TRIES = 4  # draws for one sample of one piece


@dataclass(frozen=True)
class Dataset:
    """Token ids of all samples end to end.

    Attributes:
        ids: uint16, a memory map.
        starts: (samples + 1,) where each sample starts.
        targets: (samples,) index, in its sample, of the first token that a model has to write.
        kinds: (samples,) index in :data:`midigpt.training.samples.KINDS`.
        sources, roles: (samples,) names; see :class:`midigpt.training.samples.Sample`.
        spans: (spans, 3) sample, first id and end of the ids that no other may attend to, sorted.
    """

    ids: npt.NDArray[np.uint16]
    starts: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.uint8]
    sources: npt.NDArray[np.str_]
    roles: npt.NDArray[np.str_]
    spans: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each sample."""
        return np.diff(self.starts)

    def sample(self, index: int) -> Sample:
        """One sample."""
        return Sample(
            self.ids[self.starts[index] : self.starts[index + 1]].tolist(),
            int(self.targets[index]),
            KINDS[self.kinds[index]],
            str(self.sources[index]),
            str(self.roles[index]),
            self.hidden(index),
        )

    def hidden(self, index: int) -> tuple[tuple[int, int], ...]:
        """The hidden ids of a sample, see :attr:`midigpt.training.samples.Sample.hidden`."""
        first, last = np.searchsorted(self.spans[:, 0], (index, index + 1))
        return tuple((int(start), int(end)) for _, start, end in self.spans[first:last])


def make_dataset(
    config: TrainConfig, files: Sequence[str | Path], n_tokens: int, passes: int = 1
) -> Dataset:
    """Draw samples from Parquet files; keep them in the cache for the next run.

    Args:
        config: the settings.
        files: Parquet files; see :func:`midigpt.training.corpus.load_corpus`. Those that cannot be
            read are skipped with a warning.
        n_tokens: about how many tokens; 0 = ``passes`` samples of each piece.
        passes: see there.

    Raises:
        ValueError: no file can be read, or no sample can be made of the pieces.
    """
    encoder_config = load_encoder_config(config.encoder_config_path)
    folder = cache_dir() / f"samples-{_recipe(config, encoder_config, files, n_tokens, passes)}"
    if not (folder / "index.npz").exists():
        pieces = load_pieces(config, files)
        shared = _Work(config, encoder_config, _by_source(config, pieces), n_tokens, passes)
        _write(folder, _sample_shards(shared), n_tokens)
    with np.load(folder / "index.npz") as index:
        ids = np.memmap(folder / "ids.bin", np.uint16, mode="r")
        return Dataset(ids, *(index[name] for name in _COLUMNS))


def load_pieces(config: TrainConfig, files: Sequence[str | Path]) -> list[Piece]:
    """The pieces of all files that the configuration wants; see :func:`make_dataset`."""
    resolution = load_encoder_config(config.encoder_config_path).resolution
    choice = RowChoice(config.licences, config.exclude_sources, config.min_tracks)
    pieces: list[Piece] = []
    unread: list[str] = []
    for file in files:
        try:
            corpus = load_corpus(file, resolution, choice, config.num_workers)
        except (ValueError, OSError) as error:
            log.warning("skipped: %s", error)
            unread.append(str(error))
            continue
        log.info("%s", corpus.tell(Path(file).name))
        pieces += corpus.pieces
    if not pieces:
        raise ValueError("; ".join(unread) or f"no piece in {', '.join(map(str, files))}")
    return pieces


@dataclass(frozen=True)
class _Work:
    """What the processes that make samples share."""

    config: TrainConfig
    encoder_config: EncoderConfig
    by_source: Mapping[str, Sequence[Piece]]
    n_tokens: int
    passes: int

    def sampler(self) -> Sampler:
        config, encoder = self.config, self.encoder_config
        masks = MaskBarConfig(
            config.mask_apply_probability,
            MaskMode(config.mask_mode),
            config.mask_bar_fraction,
            config.mask_max_lookahead,
        )
        shape = Shape(
            config.min_tracks,
            config.max_tracks,
            config.min_fill_ratio,
            config.infill_bar_fraction,
            masks,
        )
        spans = config.span_masks
        if spans is None:
            spans = not encoder.supports_mask_bar_token
        windows = config.windows or dict.fromkeys(encoder.num_bars_map, 1.0)
        return Sampler(encoder, config.kind_weights, windows, shape, spans)


def _recipe(
    config: TrainConfig,
    encoder_config: EncoderConfig,
    files: Sequence[str | Path],
    n_tokens: int,
    passes: int,
) -> str:
    """Name of what the samples depend on."""
    names = (
        *("kinds", "windows", "span_masks", "source_weights", "exclude_sources", "licences"),
        *("max_tracks", "min_tracks", "min_fill_ratio", "infill_bar_fraction", "seed"),
        *("mask_apply_probability", "mask_mode", "mask_bar_fraction", "mask_max_lookahead"),
        *("kind_weights", "longest_sample"),
    )
    settings = {name: getattr(config, name) for name in names}
    keys = [file_cache_key(file) for file in files if Path(file).is_file()]
    parts = (_FORMAT, keys, encoder_config.to_json(), settings, n_tokens, passes)
    return hashlib.sha256(json.dumps(parts, default=dict).encode()).hexdigest()[:16]


def _by_source(config: TrainConfig, pieces: Sequence[Piece]) -> dict[str, list[Piece]]:
    weights = config.source_weights
    by_source: dict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        if not weights or weights.get(piece.source):
            by_source[piece.source if weights else ""].append(piece)
    if not by_source:
        found = sorted({piece.source for piece in pieces})
        raise ValueError(f"source_weights names none of the sources {found}")
    return by_source


def _sample_shards(work: _Work) -> Iterator[list[Sample]]:
    work.sampler()  # tells of wrong settings here, not in a child
    context = multiprocessing.get_context("spawn")  # forking a process with threads can lock up
    with context.Pool(
        work.config.num_workers or os.cpu_count(), initializer=_share, initargs=(work,)
    ) as pool:
        yield from pool.imap(_sample_shard, range(_SHARDS))


_shared: _Work


def _share(work: _Work) -> None:
    global _shared
    _shared = work


def _sample_shard(shard: int) -> list[Sample]:
    work, rng = _shared, Random(f"{_shared.config.seed}/{shard}")
    sampler, longest = work.sampler(), work.config.longest_sample

    def draw(piece: Piece) -> Sample | None:
        sample = sampler.draw(piece, rng)
        return sample if sample is not None and len(sample.ids) <= longest else None

    if work.n_tokens:
        return list(_enough(work, rng, draw))
    pieces = [piece for group in work.by_source.values() for piece in group][shard::_SHARDS]
    tries = ((draw(piece) for _ in range(_TRIES)) for _ in range(work.passes) for piece in pieces)
    found = (next((sample for sample in draws if sample is not None), None) for draws in tries)
    return [sample for sample in found if sample is not None]


def _enough(work: _Work, rng: Random, draw: Callable[[Piece], Sample | None]) -> Iterator[Sample]:
    """Samples of a shard until they have their share of the tokens wanted."""
    weights = {name: work.config.source_weights.get(name, 1.0) for name in work.by_source}
    total = misses = 0
    while total < -(-work.n_tokens // _SHARDS) and misses < _MISSES:
        source = rng.choices(list(weights), list(weights.values()))[0]
        sample = draw(rng.choice(work.by_source[source]))
        misses = misses + 1 if sample is None else 0
        if sample is not None:
            total += len(sample.ids)
            yield sample


def _write(folder: Path, shards: Iterator[list[Sample]], n_tokens: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    samples: list[Sample] = []  # without their ids
    lengths: list[int] = []
    progress = tqdm(total=n_tokens or None, desc="make samples", unit="token", unit_scale=True)
    with open(folder / "ids.bin", "wb") as file, progress:
        for shard in shards:
            for sample in shard:
                np.array(sample.ids, np.uint16).tofile(file)
                lengths.append(len(sample.ids))
                samples.append(replace(sample, ids=[]))
                progress.update(len(sample.ids))
    if not samples:
        raise ValueError("no sample can be made of the pieces: they are too short, or too long")
    spans = [(i, *span) for i, sample in enumerate(samples) for span in sample.hidden]
    partial = folder / "index.partial.npz"
    np.savez(
        partial,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        targets=np.array([sample.target for sample in samples], np.int32),
        kinds=np.array([KINDS.index(sample.kind) for sample in samples], np.uint8),
        sources=np.array([sample.source for sample in samples]),
        roles=np.array([sample.role for sample in samples]),
        spans=np.array(spans, np.int64).reshape(-1, 3),
    )
    partial.replace(folder / "index.npz")
