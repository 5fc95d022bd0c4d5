"""``evaluate``: all that is measured of a checkpoint, in one report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from midigpt.evaluation.control import control
from midigpt.evaluation.fit import fit
from midigpt.evaluation.liveness import liveness
from midigpt.evaluation.memorisation import memorisation
from midigpt.evaluation.rolls import write_rolls
from midigpt.evaluation.scenes import Scene, answer, draw_scenes
from midigpt.evaluation.statistics import statistics
from midigpt.inference import InferenceEngine
from midigpt.roles import ROLES
from midigpt.score import Bar
from midigpt.training.config import TrainConfig
from midigpt.training.corpus import bars_from_piece, load_corpus

PARTS = ("likelihood", "control", "fit", "statistics", "memorisation", "liveness")

_WINDOW = 8
_PASSAGE = 4  # bars written in a row for statistics and memorisation
_SESSION = 200  # bars
_KINDS = {"live": 0.65, "ar": 0.17, "infill": 0.18}


def evaluate(
    checkpoint: str | Path,
    data: str | Path,
    train: str | Path | None = None,
    config: TrainConfig | None = None,
    parts: Sequence[str] = PARTS,
    scenes: int = 40,
    sessions: int = 1,
    tokens: int = 150_000,
    seed: int = 1,
    quiet: bool = False,
    pictures: str | Path | None = None,
) -> dict[str, Any]:
    """Measure a checkpoint on pieces that it never saw.

    Args:
        checkpoint: the model (.safetensors).
        data: Parquet file of the pieces.
        train: Parquet file that it was trained on, for n-grams and memorisation; None = leave
            these out.
        config: the settings that it was trained with, for the mix of samples.
        parts: some of :data:`PARTS`.
        scenes: moments for each role.
        sessions: sessions for each role in "liveness".
        tokens: about how many ids of samples for "likelihood".
        seed: of all draws.
        quiet: no progress bars.
        pictures: folder for piano rolls of an answer of each role; None = no pictures.

    Returns:
        The figures by part; see the functions of the same names.

    Raises:
        ValueError: an unknown part, or data that cannot be used.
        OSError: a file cannot be read.
    """
    if unknown := sorted(set(parts) - set(PARTS)):
        raise ValueError(f"parts has {unknown}; some of {list(PARTS)} are wanted")
    checkpoint, data = Path(checkpoint), Path(data)
    train = None if train is None else Path(train)
    report: dict[str, Any] = {"checkpoint": checkpoint.name, "data": data.name, "seed": seed}
    if "likelihood" in parts:
        from midigpt.evaluation.likelihood import likelihood

        own = replace(config or _config(), encoder_config_path=str(checkpoint))
        report["likelihood"] = likelihood(checkpoint, own, data, train, tokens, quiet)
    if set(parts) != {"likelihood"} or pictures:
        report |= _played(checkpoint, data, train, parts, scenes, sessions, seed, quiet, pictures)
    return report


def _played(
    checkpoint: Path,
    data: Path,
    train: Path | None,
    parts: Sequence[str],
    count: int,
    sessions: int,
    seed: int,
    quiet: bool,
    pictures: str | Path | None,
) -> dict[str, Any]:
    """The parts for which the model plays."""
    engine = InferenceEngine.from_checkpoint(str(checkpoint))
    encoder = engine.tokenizer.config
    resolution = encoder.resolution
    pieces = load_corpus(data, resolution).pieces
    meters = frozenset((int(n), int(d)) for n, d in encoder.time_signatures)

    def scenes(number: int, answered: int) -> list[Scene]:
        rng = Random(f"{seed}/{answered}")
        found = draw_scenes(pieces, _WINDOW, number, rng, meters, resolution, ROLES, answered)
        if not found:
            raise ValueError(f"{data}: no piece has two tracks that play {_WINDOW} bars together")
        return found

    def bass_and_drums() -> list[Scene]:
        rng = Random(f"{seed}/drums")
        return draw_scenes(
            pieces, _WINDOW, 2 * count, rng, meters, resolution, ("bass",), with_drums=True
        )

    def played() -> tuple[list[list[Bar]], list[list[Bar]]]:
        bars, chosen = range(_WINDOW - _PASSAGE, _WINDOW), scenes(count, _PASSAGE)
        return (
            [
                answer(engine, scene.score, bars, seed + i, playhead=_WINDOW - _PASSAGE)
                for i, scene in enumerate(chosen)
            ],
            [scene.agent.bars[bars.start :] for scene in chosen],
        )

    def in_statistics() -> dict[str, Any]:
        generated, real = ([bar for bars in passages for bar in bars] for passages in passages_)
        return statistics(generated, real, resolution, seed)

    def in_memory() -> dict[str, Any]:
        assert train is not None
        training = load_corpus(train, resolution).pieces
        return memorisation(*passages_, training, resolution)

    def melodic_parts() -> list[list[Bar]]:
        return [
            bars_from_piece(piece, track, 0, piece.n_bars)
            for piece in pieces
            for track in piece.tracks
            if not track.is_drum
        ]

    if pictures:
        write_rolls(engine, scenes(1, _PASSAGE), _PASSAGE, seed, pictures)
    passages_ = played() if {"statistics", "memorisation"} & set(parts) else ([], [])
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "control": lambda: control(engine, scenes(count, _WINDOW - 1), seed, quiet),
        "fit": lambda: fit(engine, scenes(count, 1), bass_and_drums(), seed, quiet),
        "statistics": in_statistics,
        "memorisation": in_memory,
        "liveness": lambda: liveness(
            engine, scenes(sessions, _PASSAGE), _SESSION, _WINDOW, seed, melodic_parts(), quiet
        ),
    }
    if train is None:
        del makers["memorisation"]
    return {name: make() for name, make in makers.items() if name in parts}


def _config() -> TrainConfig:
    return TrainConfig(
        kinds=_KINDS,
        windows={4: 0.15, 8: 0.65, 12: 0.1, 16: 0.1},
        min_fill_ratio=0.0,
        mask_apply_probability=0.15,
        max_sample_tokens=1280,
        train_tokens=10_000_000,
    )
