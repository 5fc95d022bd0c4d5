"""``controls["rhythm_mask"]``: where in each bar a track puts its notes. One of

* ``positions``: ``[{"pos": 0, "polyphony": 1}, ...]``: each generated bar gets exactly these
  onsets, in ticks of the model grid, with that many notes each. The first is at 0.
* ``grid``: ``{"unit": "eighth", "strength": 1}``: onsets prefer the multiples of a note value; all
  others are left a share of ``1 - strength`` of their probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from midigpt.inference import checks

#: Length of each grid unit in quarter notes.
GRID_UNIT_FRACTIONS: dict[str, float] = {
    "whole": 4.0,
    "half": 2.0,
    "quarter": 1.0,
    "eighth": 1 / 2,
    "sixteenth": 1 / 4,
    "quarter_triplet": 1 / 3,
    "eighth_triplet": 1 / 6,
    "sixteenth_triplet": 1 / 12,
}


def resolve_rhythm_schedule(rhythm_mask: Mapping[str, Any]) -> list[tuple[int, int]]:
    """The (position, note count) pairs of ``positions``, ascending.

    Raises:
        ValueError: no positions, a position twice or below 0, none at 0, a count below 1.
    """
    name = "rhythm_mask.positions"
    entries = rhythm_mask.get("positions")
    if not isinstance(entries, list | tuple) or not entries:
        raise ValueError(f"{name} is {entries!r}; a list with at least one entry is wanted")
    schedule: dict[int, int] = {}
    for entry in entries:
        if not isinstance(entry, Mapping) or "pos" not in entry:
            raise ValueError(f'{name} holds {entry!r}; a dictionary with the key "pos" is wanted')
        position = checks.integer(f"{name}: pos", entry["pos"], 0)
        if position in schedule:
            raise ValueError(f"{name}: pos {position} occurs twice; unique positions are wanted")
        schedule[position] = checks.integer(f"{name}: polyphony", entry.get("polyphony", 1), 1)
    if 0 not in schedule:
        raise ValueError(
            f"{name}: the first pos is {min(schedule)}; 0 is wanted, as bars start with a note"
        )
    return sorted(schedule.items())


def rhythm_grid_step_ticks(grid: Mapping[str, Any], resolution: int) -> int:
    """Distance of the grid's lines in ticks, at ``resolution`` ticks per quarter note."""
    return max(1, round(resolution * GRID_UNIT_FRACTIONS[grid["unit"]]))


def rhythm_grid_weight(grid: Mapping[str, Any], resolution: int, tick: int) -> float:
    """The factor on the probability of an onset at ``tick``: 1 on the grid, else 1 - strength."""
    if tick % rhythm_grid_step_ticks(grid, resolution) == 0:
        return 1.0
    return 1.0 - float(grid.get("strength", 1))


def validate_rhythm_mask(rhythm_mask: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the key, if ``rhythm_mask`` is malformed."""
    checks.mapping("rhythm_mask", rhythm_mask, ("positions", "grid"))
    if len(rhythm_mask) != 1:
        raise ValueError(
            f"rhythm_mask has {' and '.join(sorted(rhythm_mask)) or 'no keys'}; "
            "one of positions and grid is wanted"
        )
    if "positions" in rhythm_mask:
        resolve_rhythm_schedule(rhythm_mask)
        return
    grid = rhythm_mask["grid"]
    if not isinstance(grid, Mapping) or "unit" not in grid:
        raise ValueError(f'rhythm_mask.grid is {grid!r}; a dictionary with "unit" is wanted')
    checks.choice("rhythm_mask.grid.unit", grid["unit"], GRID_UNIT_FRACTIONS)
    checks.number("rhythm_mask.grid.strength", grid.get("strength", 1), 0, 1)
