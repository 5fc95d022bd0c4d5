"""Which bar is generated after which bar end: pure arithmetic.

``p`` = playhead, the number of completed bars; ``k`` = lookahead_bars; ``j`` =
num_anticipated_bars; ``B`` = buffer_bars; ``D`` = model_dim. Source: the scheduling rules of
MIDI-GPT 0.4.2's OSC server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: the parameters on which :func:`human_bars_visible` depends
VISIBILITY_PARAMETERS = ("lookahead_bars", "num_anticipated_bars", "model_dim")


def bars_missing(playhead: int, values: Mapping[str, Any]) -> int:
    """How many more bars must end before the first generation; 0 = ready."""
    credit = int(values["lookahead_bars"]) if values["adapt_buffer"] else 0
    return max(0, int(values["buffer_bars"]) - playhead - credit)


def target_bar(playhead: int, values: Mapping[str, Any]) -> int:
    """The first bar to deliver: p + k."""
    return playhead + int(values["lookahead_bars"])


def score_end(target: int, values: Mapping[str, Any]) -> int:
    """End of the model's window: max(t + j, D); its first bar is this minus D."""
    return max(target + int(values["num_anticipated_bars"]), int(values["model_dim"]))


def human_bars_visible(values: Mapping[str, Any]) -> int:
    """Bars of human music that the model sees once warm-up is over: D - k - j, at least 0."""
    hidden = values["lookahead_bars"] + values["num_anticipated_bars"]
    return max(0, int(values["model_dim"]) - int(hidden))
