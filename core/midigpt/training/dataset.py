"""Samples on disk: made once by all cores, then read through a memory map while training."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from midigpt.encoder_config import EncoderConfig
from midigpt.training.config import TrainConfig
from midigpt.training.corpus import Piece, load_corpus
from midigpt.training.samples import KINDS, Sample, Sampler

_SHARDS = 64  # independent of the number of cores, so that a seed always gives the same samples


@dataclass(frozen=True)
class Dataset:
    """Token ids of all samples end to end.

    Attributes:
        ids: uint16, a memory map.
        starts: (samples + 1,) where each sample starts.
        targets: (samples,) index, in its sample, of the first token that a model has to write.
        kinds: (samples,) index in :data:`midigpt.training.samples.KINDS`.
    """

    ids: npt.NDArray[np.uint16]
    starts: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each sample."""
        return np.diff(self.starts)

    def sample(self, index: int) -> Sample:
        """One sample."""
        ids = self.ids[self.starts[index] : self.starts[index + 1]].tolist()
        return Sample(ids, int(self.targets[index]), KINDS[self.kinds[index]])


def make_dataset(
    config: TrainConfig, parquet: str | Path, n_tokens: int, cache_dir: str | Path
) -> Dataset:
    """Draw samples of about ``n_tokens`` tokens from a Parquet file; keep them for the next run."""
    recipe = _recipe(config, parquet, n_tokens)
    folder = Path(cache_dir) / f"samples-{Path(parquet).stem}-{recipe}"
    if not (folder / "index.npz").exists():
        with open(config.encoder_config_path) as file:
            resolution = EncoderConfig.from_json(file.read()).resolution
        pieces = load_corpus(parquet, resolution, cache_dir, config.licences or None)
        _write(folder, _sample_shards(config, pieces, n_tokens), n_tokens)
    with np.load(folder / "index.npz") as index:
        ids = np.memmap(folder / "ids.bin", np.uint16, mode="r")
        return Dataset(ids, index["starts"], index["targets"], index["kinds"])


def _recipe(config: TrainConfig, parquet: str | Path, n_tokens: int) -> str:
    """Name of what the samples depend on."""
    parts = (
        Path(parquet).read_bytes(),
        Path(config.encoder_config_path).read_bytes(),
        json.dumps(
            (
                dict(config.kinds),
                dict(config.windows),
                dict(config.source_weights),
                config.licences,
                config.max_sample_tokens,
                config.seed,
                n_tokens,
            )
        ).encode(),
    )
    return hashlib.sha256(b"".join(hashlib.sha256(p).digest() for p in parts)).hexdigest()[:16]


def _sample_shards(
    config: TrainConfig, pieces: Sequence[Piece], n_tokens: int
) -> Iterator[list[Sample]]:
    by_source: dict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        by_source[piece.source if config.source_weights else ""].append(piece)
    weights = {
        source: config.source_weights.get(source, 0.0) if config.source_weights else 1.0
        for source in by_source
    }
    if not any(weights.values()):
        raise ValueError(f"source_weights names none of the sources {sorted(by_source)}")
    shared = (config, by_source, weights, -(-n_tokens // _SHARDS))
    context = multiprocessing.get_context("fork")  # the pieces are shared, not copied
    with context.Pool(initializer=_share, initargs=shared) as pool:
        yield from pool.imap(_sample_shard, range(_SHARDS))


_shared: tuple[TrainConfig, Mapping[str, Sequence[Piece]], Mapping[str, float], int]


def _share(*shared: object) -> None:
    global _shared
    _shared = shared  # type: ignore[assignment]


def _sample_shard(shard: int) -> list[Sample]:
    config, by_source, weights, n_tokens = _shared
    with open(config.encoder_config_path) as file:
        encoder_config = EncoderConfig.from_json(file.read())
    sampler = Sampler(encoder_config, config.kinds, config.windows)
    rng = Random(f"{config.seed}/{shard}")
    samples: list[Sample] = []
    total = 0
    while total < n_tokens:
        source = rng.choices(list(weights), list(weights.values()))[0]
        sample = sampler.draw(rng.choice(by_source[source]), rng)
        if sample is not None and len(sample.ids) <= config.max_sample_tokens:
            samples.append(sample)
            total += len(sample.ids)
    return samples


def _write(folder: Path, shards: Iterator[list[Sample]], n_tokens: int) -> None:
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    lengths: list[int] = []
    targets: list[int] = []
    kinds: list[int] = []
    with (
        open(folder / "ids.bin", "wb") as file,
        tqdm(
            total=n_tokens, desc=f"write {folder.name}", unit="token", unit_scale=True
        ) as progress,
    ):
        for samples in shards:
            for sample in samples:
                np.array(sample.ids, np.uint16).tofile(file)
                lengths.append(len(sample.ids))
                targets.append(sample.target)
                kinds.append(KINDS.index(sample.kind))
                progress.update(len(sample.ids))
    partial = folder / "index.partial.npz"
    np.savez(
        partial,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        targets=np.array(targets, np.int32),
        kinds=np.array(kinds, np.uint8),
    )
    partial.replace(folder / "index.npz")
