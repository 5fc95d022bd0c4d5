"""``midigpt generate``: write bars of a MIDI file anew, or continue it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from midigpt.cli.arguments import bar_range, bars_within, track_list
from midigpt.inference import GenerationRequest, InferenceConfig, InferenceEngine, TrackPrompt
from midigpt.score import Bar, Score

_EXAMPLES = """examples:
  rewrite bars 4 to 7 of track 1, seeing everything around them:
    midigpt generate song.mid --tracks 1 --bars 4:8 -o out.mid
  add 8 bars to tracks 0 and 2:
    midigpt generate song.mid --tracks 0,2 --continue 8 -o out.mid
  write a whole new track 3, from left to right, with another model:
    midigpt generate song.mid --tracks 3 --bars 0: --left-to-right --model my.safetensors -o out.mid

Tracks and bars count from 0. The result is on the model's grid (12 ticks per quarter note).
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "generate",
        help="write bars of a MIDI file anew, or continue it",
        description="Write bars of a MIDI file anew, or continue it.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE.mid", help="a Standard MIDI File")
    parser.add_argument(
        "--tracks",
        type=track_list,
        required=True,
        metavar="LIST",
        help='tracks to write, as in 0,2, or "all"',
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--bars",
        type=bar_range,
        metavar="FIRST:END",
        help="bars to write: from FIRST up to END, which is left out",
    )
    what.add_argument(
        "--continue",
        dest="added",
        type=int,
        metavar="N",
        help="add N bars to the piece and write them from left to right",
    )
    parser.add_argument("-o", "--output", required=True, metavar="OUT.mid", help="file to write")
    parser.add_argument(
        "--left-to-right",
        action="store_true",
        help="do not look at what follows; the bars must reach to the end of the piece",
    )
    parser.add_argument(
        "--model", metavar="NAME", help="name or file of a model (default: the bundled one)"
    )
    defaults = InferenceConfig()
    numbers = (
        ("--seed", int, defaults.seed, "of the random draws; negative = another one each time"),
        ("--temperature", float, defaults.temperature, "above 1 is wilder, below 1 is tamer"),
        ("--top-p", float, defaults.top_p, "only the likeliest tokens that make up this share"),
        ("--top-k", int, defaults.top_k, "only so many of the likeliest tokens; 0 = all"),
        ("--window", int, 0, "bars the model sees at once; 0 = as many as it can"),
        ("--bars-per-step", int, 0, "bars written at once; 0 = a good number"),
        ("--attempts", int, defaults.max_attempts, "tries until a result is new and not silent"),
    )
    for name, kind, value, text in numbers:
        parser.add_argument(
            name, type=kind, default=value, metavar="N", help=f"{text} (default: %(default)s)"
        )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Generate and write the file."""
    output = Path(options.output)
    if not output.parent.is_dir():
        raise ValueError(f"--output is {options.output!r}; the folder {output.parent} is not there")
    score = Score.from_midi(options.file)
    if not score.tracks:
        raise ValueError(f"{options.file} has no tracks with notes")
    score, request = requested(score, options)
    session = load_engine(options.model).session(score, request)
    total = sum(len(bars) for bars in session.generated_bars.values())
    with tqdm(total=total, unit="bar", disable=options.quiet, leave=False) as progress:
        session.bar_sink = lambda track, bar: progress.update(progress.n < total)
        result = session.run()
    result.to_midi(options.output)
    seed, tokens = session.resolved_seed, session.gen_count
    print(f"{options.output}: {total} bars, {tokens} tokens, seed {seed}")
    return 0


def load_engine(model: str | None) -> InferenceEngine:
    """The engine of a checkpoint file, of a model by name, or of the bundled one."""
    if model is not None and (Path(model).exists() or Path(model).suffix):
        return InferenceEngine.from_checkpoint(model)
    return InferenceEngine.from_pretrained(model)


def requested(score: Score, options: argparse.Namespace) -> tuple[Score, GenerationRequest]:
    """The score, with room for bars to be added, and the request that the options make."""
    count = max(len(track.bars) for track in score.tracks)
    added = options.added or 0
    if options.added is not None and options.added < 1:
        raise ValueError(f"--continue is {options.added}; at least 1 is wanted")
    score = _with_bars(score, count + added)
    bars = range(count, count + added) if added else bars_within(options.bars, count)
    chosen = range(len(score.tracks)) if options.tracks is None else options.tracks
    last = len(score.tracks) - 1
    if max(chosen) > last:
        raise ValueError(f"--tracks holds {max(chosen)}; the piece has tracks 0..{last}")
    prompts = [
        TrackPrompt(
            track,
            list(bars) if track in chosen else [],
            autoregressive=track in chosen and bool(added or options.left_to_right),
            mask_bars=list(bars) if added and track not in chosen else [],
        )
        for track in range(len(score.tracks))
    ]
    config = InferenceConfig(
        seed=options.seed,
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        model_dim=options.window,
        bars_per_step=options.bars_per_step,
        max_attempts=options.attempts,
    )
    return score, GenerationRequest(prompts, config)


def _with_bars(score: Score, count: int) -> Score:
    """The score with empty bars added to every track, in the meter of its last bar."""
    longest = max(score.tracks, key=lambda track: len(track.bars)).bars
    meters = longest + [longest[-1]] * (count - len(longest))
    tracks = [
        replace(
            track,
            bars=track.bars
            + [
                Bar([], bar.ts_numerator, bar.ts_denominator, bar.beat_length)
                for bar in meters[len(track.bars) :]
            ],
        )
        for track in score.tracks
    ]
    return replace(score, tracks=tracks)
