"""NOMML: the metric level of a track, the median metric depth of its onsets."""

from __future__ import annotations

from functools import lru_cache
from statistics import median

from midigpt.attributes.base import BaseAttribute, clamp, notes_of, register
from midigpt.score import Score

_NO_LEVEL = 12


@register("nomml")
class Nomml(BaseAttribute):
    """Median metric depth, 0 (quarter notes) to 12 (no level fits); 13 levels.

    ``track.attributes["_nomml_raw"]`` overrides it: on a grid of 12 ticks depths above 7 cannot be
    seen (tag Q12 of docs/compatibility.md), so the trainer measures before it normalises.
    """

    name = "nomml"
    token_type = "TrackLevelNomml"
    track_type = "both"
    size = 13

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> int:
        """The depth; 12 for an empty track."""
        raw = score.tracks[track_idx].attributes.get("_nomml_raw")
        return raw if raw is not None else _median_depth(score, track_idx)

    def dequantize(self, quantized: int) -> int:
        """Levels are the depths themselves."""
        return quantized


def nomml_per_track(score: Score) -> list[int]:
    """Median metric depth of every track, for ``track.attributes["_nomml_raw"]``."""
    return [_median_depth(score, t) for t in range(len(score.tracks))]


def _median_depth(score: Score, track_idx: int) -> int:
    depths = [metric_depth(n.onset_ticks, score.resolution) for n in notes_of(score, track_idx)]
    return clamp(int(median(depths)), 0, _NO_LEVEL) if depths else _NO_LEVEL


@lru_cache(maxsize=1 << 16)
def metric_depth(onset: int, resolution: int) -> int:
    """Depth of an onset (ticks from the start of its bar) at ``resolution`` ticks per quarter.

    2i for an onset on the grid of quarter notes halved i times, 2i + 1 for one on the grid of
    quarter-note triplets halved i times, i = 0..5, plain grids first; 12 for any other.
    """
    for i in range(6):
        if onset % (resolution / 2**i) == 0:
            return 2 * i
    for i in range(6):
        if onset % (2 * resolution / (3 * 2**i)) == 0:
            return 2 * i + 1
    return _NO_LEVEL
