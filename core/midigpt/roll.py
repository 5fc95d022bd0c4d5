"""A piano roll as an SVG picture: one lane a track, bar lines, note colour by velocity."""

from __future__ import annotations

from collections.abc import Collection
from html import escape

from midigpt.general_midi import program_name
from midigpt.score import Bar, Score, Track

_BAR_WIDTH = 64.0
_LANE_HEIGHT = 96.0
_LANE_GAP = 12.0
_NUMBER_HEIGHT = 12.0  # strip below the notes for the bar numbers
_LABEL_WIDTH = 168.0
_MARGIN = 12.0

_INK = "#22262e"
_GRID = "#d5d9e0"
_LANE = "#f6f7f9"
_PLAYED = "#3d6fb4"
_ANSWERED = "#d2541b"


def svg(score: Score, answered: Collection[int] = ()) -> str:
    """Draw a score.

    Args:
        score: the piece; bars are drawn equally wide.
        answered: indices of the tracks that the model wrote, drawn in a colour of their own.

    Returns:
        An SVG document, with a title for each note (pitch, velocity) that browsers show on hover.
    """
    bars = max((len(track.bars) for track in score.tracks), default=0)
    width = _LABEL_WIDTH + bars * _BAR_WIDTH + 2 * _MARGIN
    height = len(score.tracks) * (_LANE_HEIGHT + _LANE_GAP) - _LANE_GAP + 2 * _MARGIN
    lanes = [
        _lane(track, score.resolution, _MARGIN + i * (_LANE_HEIGHT + _LANE_GAP), i in answered)
        for i, track in enumerate(score.tracks)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="sans-serif" font-size="13">\n'
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>\n'
        + "".join(lanes)
        + "</svg>\n"
    )


def _lane(track: Track, resolution: int, top: float, answered: bool) -> str:
    left = _MARGIN + _LABEL_WIDTH
    colour = _ANSWERED if answered else _PLAYED
    name = "Drums" if track.track_type == "drum" else program_name(track.instrument)
    role = "the agent" if answered else "played"
    parts = [
        f'<rect x="{left:g}" y="{top:g}" width="{len(track.bars) * _BAR_WIDTH:g}" '
        f'height="{_LANE_HEIGHT:g}" fill="{_LANE}"/>\n',
        f'<text x="{_MARGIN:g}" y="{top + 18:g}" fill="{_INK}">{escape(name)}</text>\n',
        f'<text x="{_MARGIN:g}" y="{top + 36:g}" fill="{colour}" font-weight="bold">'
        f"{role}</text>\n",
    ]
    pitches = [note.pitch for bar in track.bars for note in bar.notes]
    low, high = min(pitches, default=60) - 1, max(pitches, default=60) + 1
    step = (_LANE_HEIGHT - _NUMBER_HEIGHT) / (high - low + 1)
    for index, bar in enumerate(track.bars):
        x = left + index * _BAR_WIDTH
        parts.append(
            f'<path d="M{x:g} {top:g}v{_LANE_HEIGHT:g}" stroke="{_GRID}"/>'
            f'<text x="{x + 3:g}" y="{top + _LANE_HEIGHT - 3:g}" fill="#9aa1ad" '
            f'font-size="9">{index + 1}</text>\n'
        )
        parts += _notes(bar, resolution, x, top, high, step, colour)
    return "".join(parts)


def _notes(
    bar: Bar, resolution: int, x: float, top: float, high: int, step: float, colour: str
) -> list[str]:
    length = resolution * 4 * bar.ts_numerator / bar.ts_denominator
    return [
        f'<rect x="{x + note.onset_ticks / length * _BAR_WIDTH:.2f}" '
        f'y="{top + (high - note.pitch) * step:.2f}" '
        f'width="{max(1.5, note.duration_ticks / length * _BAR_WIDTH - 0.5):.2f}" '
        f'height="{max(1.5, step):.2f}" fill="{colour}" '
        f'opacity="{0.4 + 0.6 * note.velocity / 127:.2f}">'
        f"<title>pitch {note.pitch}, velocity {note.velocity}</title></rect>\n"
        for note in bar.notes
    ]
