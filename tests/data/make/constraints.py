"""Record masks of every constraint along random walks through MIDI-GPT 0.4.2.

Run where the reference is installed (pip install "midigpt[inference]==0.4.2"), from the root:

    python tests/data/make/constraints.py

Writes tests/data/golden/constraints.json. A constraint is [class name, arguments...]; masks are
lists of allowed id ranges [start, end), one before each token of the walk.
"""

import json
import random
from pathlib import Path

import midigpt
import midigpt._core as core
from midigpt.tokenizer.tokenizer import Tokenizer

ROOT = Path(__file__).parents[3]
CASES_PER_ENCODER = 6
LENGTH = 60
TYPES = (
    "TimeSig",
    "NoteDensity",
    "MinPolyphony",
    "KeySignature",
    "BarLevelOnsetDensity",
    "NoteDuration",
)


def main() -> None:
    midigpt.set_verbosity(0)
    rng = random.Random(7)
    cases = [
        record(name, rng)
        for name in ("yellow", "prism", "expressive", "ghost")
        for _ in range(CASES_PER_ENCODER)
    ]
    path = ROOT / "tests/data/golden/constraints.json"
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path.write_text('{"cases": [\n' + lines + "\n]}\n")


def record(name: str, rng: random.Random) -> dict:
    text = (ROOT / "models/encoders" / f"{name}.json").read_text()
    vocab = Tokenizer(core.EncoderConfig.from_json(text))._vocab
    chosen = random_constraints(vocab, rng)
    graph = core.ConstraintGraph()
    grammar = core.GrammarConstraint()
    grammar.set_max_tracks(2)
    graph.add_constraint(grammar)
    for kind, *arguments in chosen:
        if kind.endswith("ValueConstraint"):
            arguments[0] = getattr(core.TokenType, arguments[0])
        graph.add_constraint(getattr(core, kind)(*arguments))
    ids, masks = [], []
    for _ in range(LENGTH):
        allowed = [i for i, forbidden in enumerate(graph.get_mask(vocab)) if not forbidden]
        masks.append(runs(allowed))
        if not allowed:
            break
        ids.append(choose(allowed, vocab, rng))
        graph.step(ids[-1], vocab)
    return {"encoder": name, "constraints": chosen, "ids": ids, "allowed_before_each": masks}


def random_constraints(vocab: core.Vocabulary, rng: random.Random) -> list[list]:
    chosen: list[list] = []
    if rng.random() < 0.6:
        chosen.append(["PolyphonyConstraint", rng.randint(1, 2)])
    if rng.random() < 0.6:
        chosen.append(["DensityConstraint", rng.randint(1, 4)])
    present = [t for t in TYPES if vocab.has(getattr(core.TokenType, t))]
    for kind in rng.sample(present, 2):
        size = vocab.domain_size(getattr(core.TokenType, kind))
        if rng.random() < 0.5:
            chosen.append(["AttributeValueConstraint", kind, rng.randrange(size)])
        else:
            place = [rng.randrange(2), rng.randrange(3)]
            chosen.append(["BarAttributeValueConstraint", kind, *place, rng.randrange(size)])
    return chosen


def choose(allowed: list[int], vocab: core.Vocabulary, rng: random.Random) -> int:
    """A token of a random legal type: types are few, ids of some of them many."""
    kind = rng.choice(sorted({vocab.get_type(i).value for i in allowed}))
    return rng.choice([i for i in allowed if vocab.get_type(i).value == kind])


def runs(ids: list[int]) -> list[list[int]]:
    out: list[list[int]] = []
    for i in ids:
        if out and out[-1][1] == i:
            out[-1][1] = i + 1
        else:
            out.append([i, i + 1])
    return out


if __name__ == "__main__":
    main()
