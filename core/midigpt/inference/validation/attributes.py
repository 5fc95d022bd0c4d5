"""Tests of the attribute levels a request asks for."""

from __future__ import annotations

import logging

from midigpt.attributes import AttributeAnalyzer
from midigpt.inference import checks
from midigpt.inference.config import GenerationRequest, TrackPrompt
from midigpt.score import Score

_log = logging.getLogger(__name__)


def check_attributes(request: GenerationRequest, score: Score, analyzer: AttributeAnalyzer) -> None:
    """Test the levels of whole tracks; warn of those that the bars kept make impossible."""
    for prompt in request.tracks:
        track_type = score.tracks[prompt.id].track_type
        for name, level in prompt.attributes.items():
            where = f"track {prompt.id}: attributes[{name!r}]"
            _check_level(where, name, level, "track", track_type, analyzer)
            _warn_if_out_of_reach(where, name, level, prompt, score, analyzer)


def check_bar_attributes(
    request: GenerationRequest, score: Score, analyzer: AttributeAnalyzer
) -> None:
    """Test the levels of single bars."""
    for prompt in request.tracks:
        track = score.tracks[prompt.id]
        for bar, levels in prompt.bar_attributes.items():
            check_target_bar(f"track {prompt.id}: bar_attributes", bar, prompt, len(track.bars))
            for name, level in levels.items():
                where = f"track {prompt.id}: bar_attributes[{bar}][{name!r}]"
                _check_level(where, name, level, "bar", track.track_type, analyzer)


def check_target_bar(name: str, bar: int, prompt: TrackPrompt, count: int) -> None:
    """Test that ``bar`` exists and is to be generated."""
    checks.integer(f"{name}: bar", bar, 0, count - 1)
    if bar not in prompt.bars:
        raise ValueError(f"{name}: bar {bar} is not generated; one of {prompt.bars} is wanted")


def _check_level(
    where: str, name: str, level: int, scope: str, track_type: str, analyzer: AttributeAnalyzer
) -> None:
    scopes = analyzer.attribute_levels()
    if name not in scopes:
        raise ValueError(f"{where}: this checkpoint knows only {', '.join(sorted(scopes))}")
    if scopes[name] != scope:
        raise ValueError(f"{where} is an attribute of a {scopes[name]}; one of a {scope} is wanted")
    checks.integer(where, level, 0, analyzer.attribute_sizes()[name] - 1)
    wanted = analyzer.attribute_track_types()[name]
    if wanted not in ("both", track_type):
        raise ValueError(f"{where} is for {wanted} tracks only; the track is {track_type}")


def _warn_if_out_of_reach(
    where: str,
    name: str,
    level: int,
    prompt: TrackPrompt,
    score: Score,
    analyzer: AttributeAnalyzer,
) -> None:
    attribute = analyzer.get(name)
    if attribute is None:
        return
    low, high = attribute.achievable_range(score, prompt.id, prompt.bars)
    if not low <= level <= high:
        _log.warning("%s is %d, but the bars that stay only allow %d..%d", where, level, low, high)
