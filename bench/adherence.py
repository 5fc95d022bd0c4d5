"""``python -m bench.adherence``: does a text-to-music model play what its prompts say?

Prompts are descriptions of held-out pieces. Each output is scored against its own prompt, and
against the next one's: the baseline of a model that does not read. The pieces themselves, scored
against their own descriptions, show what the measurement can reach.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from midigpt import events
from midigpt.captions import Features, caption, measure
from midigpt.captions.adherence import Adherence, adherence
from midigpt.compose import Sampling, Writer
from midigpt.compose.opening import open_backend
from midigpt.training.text.sources import from_parquet

_FIELDS = ("instruments", "tempo", "tempo_or_double", "key", "density")


def main() -> None:
    """Parse the command line, generate, print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.adherence", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of a Llama")
    parser.add_argument("--music", type=Path, required=True, help="Parquet file of held-out MIDI")
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--max-tokens", type=int, default=600)
    parser.add_argument("--temperature", type=float, default=Sampling.temperature)
    parser.add_argument("--top-p", type=float, default=Sampling.top_p)
    parser.add_argument("--hold-key", type=float, default=Sampling.hold_key)
    parser.add_argument("--hold-tempo", type=float, default=Sampling.hold_tempo)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    texts, wanted, originals = prompts(options)
    outputs = generate(options, texts)
    others = wanted[1:] + wanted[:1]
    print(f"{len(outputs)} prompts, {options.max_tokens // 3} events each\n")
    print(f"| | {' | '.join(_FIELDS)} |\n|---|{'--:|' * len(_FIELDS)}")
    row("own prompt", [adherence(w, o) for w, o in zip(wanted, outputs, strict=True)])
    row("another's prompt", [adherence(w, o) for w, o in zip(others, outputs, strict=True)])
    row("the pieces described", [adherence(w, o) for w, o in zip(wanted, originals, strict=True)])


def prompts(
    options: argparse.Namespace,
) -> tuple[list[str], list[Features], list[events.Events]]:
    """Descriptions of the beginnings of pieces, the facts they mention, and those beginnings."""
    texts, wanted, originals = [], [], []
    words = random.Random(options.seed)
    for piece in from_parquet(options.music, options.prompts, options.seed):
        first = int(piece.notes[0, 0])
        window = events.window(piece.notes[: options.max_tokens // 3], first)
        facts = measure(window, piece.tempo, piece.meter, piece.genre)
        texts.append(caption(facts, words))
        if "BPM" not in texts[-1]:  # said in a word, which is no number to be met
            facts = replace(facts, tempo=None)
        wanted.append(facts)
        originals.append(window)
    return texts, wanted, originals


def generate(options: argparse.Namespace, texts: list[str]) -> list[events.Events]:
    """The notes of one output for each description."""
    backend = open_backend("native", options.model, options.max_tokens)
    writer = Writer(options.model, backend)
    sampling = Sampling(
        options.temperature,
        options.top_p,
        options.max_tokens,
        hold_key=options.hold_key,
        hold_tempo=options.hold_tempo,
    )
    outputs = []
    for index, text in enumerate(tqdm(texts, leave=False)):
        batch = writer.write(text, [options.seed + index], sampling, lambda *_: None)
        outputs.append(events.from_ids(batch.pieces[0]).notes)
    return outputs


def row(name: str, results: list[Adherence]) -> None:
    """Means of what is known, as a line of the table."""
    cells = []
    for field in _FIELDS:
        known = [float(v) for r in results if (v := getattr(r, field)) is not None]
        cells.append(f"{100 * np.mean(known):.0f} %" if known else "")
    print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
