"""``midigpt tokens``: how an encoder writes a MIDI file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from midigpt.cli.arguments import bar_range, bars_within
from midigpt.encoder_config import EncoderConfig
from midigpt.inference.pretrained import models_folder
from midigpt.score import Score
from midigpt.tokenizer.tokenizer import Tokenizer
from midigpt.tokenizer.vocabulary import Vocabulary

_EXAMPLES = """examples:
  midigpt tokens song.mid --encoder yellow
  midigpt tokens song.mid --encoder ghost --bars 8:16
  midigpt tokens song.mid --encoder my_encoder.json --json > song.json
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "tokens",
        help="show the token ids of a MIDI file",
        description="Show how an encoder writes a MIDI file: one line for each bar.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE.mid", help="a Standard MIDI File")
    parser.add_argument(
        "--encoder",
        default="yellow",
        metavar="NAME",
        help="yellow, prism, expressive, ghost, or a JSON file (default: %(default)s)",
    )
    parser.add_argument(
        "--bars",
        type=bar_range,
        metavar="FIRST:END",
        help="bars from FIRST up to END, which is left out; their number must be one that the "
        "encoder knows (default: as many as it knows, from the start)",
    )
    parser.add_argument("--json", action="store_true", help="ids and names as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the tokens."""
    tokenizer = Tokenizer(load_encoder(options.encoder))
    score = Score.from_midi(options.file)
    count = max((len(track.bars) for track in score.tracks), default=0)
    bars = bars_within(options.bars or (0, _longest(tokenizer.config, count)), count)
    for track in score.tracks:
        track.bars = track.bars[bars.start : bars.stop]
    ids = tokenizer.encode(score)
    if options.json:
        names = [token_name(token, tokenizer.vocabulary) for token in ids]
        window = [bars.start, bars.stop]
        print(json.dumps({"encoder": options.encoder, "bars": window, "ids": ids, "names": names}))
        return 0
    for label, line in lines(ids, bars.start, tokenizer.vocabulary):
        named = (f"{token} {token_name(token, tokenizer.vocabulary)}" for token in line)
        print(f"{label:<8}{'  '.join(named)}")
    print(f"{len(ids)} tokens")
    return 0


def load_encoder(name: str) -> EncoderConfig:
    """An encoder configuration by its name or file; ValueError if there is none."""
    folder = models_folder() / "encoders"
    file = Path(name) if name.endswith(".json") else folder / f"{name}.json"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.json")))
        raise ValueError(f"--encoder is {name!r}; one of {known}, or a JSON file, is wanted")
    return EncoderConfig.from_json(file.read_text(encoding="utf-8"))


def token_name(token: int, vocabulary: Vocabulary) -> str:
    """Type and value of a token, as in ``NoteOnset=60``."""
    kind, value = vocabulary.decode(token)
    return f"{kind.name}={value}"


def lines(
    ids: Sequence[int], first_bar: int, vocabulary: Vocabulary
) -> Iterator[tuple[str, list[int]]]:
    """The tokens in lines: the piece's header, then for each track its header and its bars."""
    label, line, track, bar = "piece", list[int](), 0, first_bar
    for token in ids:
        kind = vocabulary.get_type(token).name
        if kind in ("Track", "Bar"):
            if line:
                yield label, line
            line = []
            if kind == "Track":
                label, track, bar = f"track {track}", track + 1, first_bar
            else:
                label, bar = f"bar {bar}", bar + 1
        line.append(token)
    yield label, line


def _longest(config: EncoderConfig, count: int) -> int:
    fitting = [length for length in config.num_bars_map if length <= count]
    return max(fitting, default=count)
