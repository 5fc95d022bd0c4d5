"""Record plans of random requests from MIDI-GPT 0.4.2.

Run where the reference is installed (pip install "midigpt[inference]==0.4.2"), from the root:

    python tests/data/make/plans.py

Writes tests/data/golden/plans.json. Selections are strings of 0 and 1, one per track; a step is
[start bar, end bar, autoregressive, [[track, bar], ...]].
"""

import json
import random
from pathlib import Path

from midigpt.inference.planner import plan

ROOT = Path(__file__).parents[3]
CASES = 200


def main() -> None:
    rng = random.Random(11)
    cases = [record(random_request(rng)) for _ in range(CASES)]
    path = ROOT / "tests/data/golden/plans.json"
    path.write_text(
        '{"cases": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n"
    )


def random_request(rng: random.Random) -> dict:
    tracks, bars = rng.randint(1, 5), rng.randint(1, 24)
    window = rng.randint(1, min(bars, 12))
    density = rng.choice((0.1, 0.5, 0.9, 1.0))
    selected = [[rng.random() < density for _ in range(bars)] for _ in range(tracks)]
    return {
        "selected": ["".join("01"[bar] for bar in track) for track in selected],
        "autoregressive": [rng.random() < 0.5 for _ in range(tracks)],
        "ignore": [rng.random() < 0.1 for _ in range(tracks)],
        "D": window,
        "bars_per_step": rng.randint(0, window),
        "tracks_per_step": rng.randint(0, tracks),
        "ar_overlap": rng.choice((0.0, 0.25, 0.3, 0.5, 0.75, 0.9)),
        "min_overlap_bars": rng.randint(0, 4),
    }


def record(request: dict) -> dict:
    selected = [[c == "1" for c in track] for track in request["selected"]]
    steps = plan(**{**request, "selected": selected})
    return {
        "request": request,
        "steps": [[s.start_bar, s.end_bar, s.autoregressive, sorted(s.bars)] for s in steps],
    }


if __name__ == "__main__":
    main()
