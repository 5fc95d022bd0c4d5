"""Learning curves as an SVG picture: ``python -m midigpt.evaluation.curve RUN/metrics.jsonl …``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

_WIDTH, _HEIGHT, _MARGIN = 640.0, 320.0, 48.0
_INK, _GRID = "#22262e", "#d5d9e0"
_COLOURS = ("#3d6fb4", "#d2541b", "#4c9a5b", "#8a5bb4")

Curve = Sequence[tuple[float, float]]


def read_curve(path: str | Path, name: str = "train_loss") -> list[tuple[float, float]]:
    """Step and value of one metric of a ``metrics.jsonl``."""
    lines = (json.loads(line) for line in Path(path).read_text().splitlines())
    return [(line["step"], line[name]) for line in lines if name in line]


def curve_svg(curves: Mapping[str, Curve]) -> str:
    """Draw losses over steps.

    Args:
        curves: (step, loss) by name; at least one point in all.

    Raises:
        ValueError: nothing to draw.
    """
    points = [point for curve in curves.values() for point in curve]
    if not points:
        raise ValueError("there is no loss to draw")
    last = max(step for step, _ in points) or 1.0
    low, high = min(loss for _, loss in points), max(loss for _, loss in points)
    span = (high - low) or 1.0

    def place(step: float, loss: float) -> tuple[float, float]:
        x = _MARGIN + step / last * (_WIDTH - 2 * _MARGIN)
        return x, _MARGIN + (high - loss) / span * (_HEIGHT - 2 * _MARGIN)

    parts = []
    for tick in range(5):
        loss, step = low + tick / 4 * span, tick / 4 * last
        x, y = place(step, loss)
        parts.append(f'<path d="M{_MARGIN} {y:.1f}H{_WIDTH - _MARGIN}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{_MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{loss:.2f}</text>')
        parts.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - _MARGIN + 16}" text-anchor="middle">{step:.0f}</text>'
        )
    for number, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in curve))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = _WIDTH - _MARGIN, _MARGIN + 14 * number
        label = f'<text x="{x}" y="{y}" text-anchor="end" fill="{colour}">{escape(name)}</text>'
        parts.append(label)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" '
        f'font-family="sans-serif" font-size="11" fill="{_INK}">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )


if __name__ == "__main__":
    print(curve_svg({Path(name).parent.name: read_curve(name) for name in sys.argv[1:]}))
