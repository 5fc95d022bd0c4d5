"""Sound: a score or a MIDI file through a SoundFont, mastered, as a sound file.

Rendering is offline and deterministic. The synthesizer is TinySoundFont, see
docs/decisions/0001-tinysoundfont.md for why this one and how to install it; mastering and files
other than WAV need the extra ``audio``.
"""

from midigpt.audio.files import FORMATS, check_format, encode, write
from midigpt.audio.mastering import CEILING, LOUDNESS, loudness, master
from midigpt.audio.synthesis import (
    PEAK,
    SAMPLE_RATE,
    TAIL,
    Samples,
    render,
    render_midi,
    require_soundfont,
)

__all__ = [
    "CEILING",
    "FORMATS",
    "LOUDNESS",
    "PEAK",
    "SAMPLE_RATE",
    "TAIL",
    "Samples",
    "check_format",
    "encode",
    "loudness",
    "master",
    "render",
    "render_midi",
    "require_soundfont",
    "write",
]
