"""Notes to samples, through a SoundFont."""

from __future__ import annotations

import itertools
from importlib.resources import as_file, files
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from symusic.core import ScoreSecond

from midigpt import midi
from midigpt.score import Score
from midigpt.smf import MidiError, checked

BUNDLED_SOUNDFONT = "FluidR3Mono_GM.sf3"
SAMPLE_RATE = 44_100
#: Peak level of rendered audio, so that a mix of many tracks never clips.
PEAK = 0.9
#: Seconds rendered after the last note's end, for it to die away.
TAIL = 1.5

_HEADROOM_DB = -12.0
#: The parser may look a few bytes beyond a short meta event.
_PADDING = bytes(8)
#: A synthesizer runs through everything before it: longer files are refused.
_LONGEST_SECONDS = 4 * 3600.0
_BEND_CENTRE = 8192

Samples = npt.NDArray[np.float32]


def render(
    score: Score, soundfont: str | PathLike[str] | None = None, sample_rate: int = SAMPLE_RATE
) -> Samples:
    """Play a score; its one tempo applies throughout. See :func:`render_midi`."""
    return render_midi(midi.write_bytes(score), soundfont, sample_rate)


def render_midi(
    data: bytes, soundfont: str | PathLike[str] | None = None, sample_rate: int = SAMPLE_RATE
) -> Samples:
    """Play a Standard MIDI File: notes, controllers, pitch bends, all its tempos.

    Args:
        data: the bytes of the file.
        soundfont: path of an .sf2 or .sf3 bank; the bundled General MIDI bank if None.
        sample_rate: in hertz.

    Returns:
        Stereo samples, shape (frames, 2), peak at most :data:`PEAK`.

    Raises:
        OSError: the SoundFont does not exist.
        ValueError: the file is not a SoundFont; or, as MidiError, not a MIDI file.
        RuntimeError: the synthesizer is not installed.
    """
    if soundfont is None:
        with as_file(files("midigpt") / "soundfonts" / BUNDLED_SOUNDFONT) as path:
            return render_midi(data, path, sample_rate)
    try:
        piece = ScoreSecond.from_midi(checked(bytes(data)) + _PADDING)
    except RuntimeError as error:
        raise MidiError(f"unreadable MIDI file: {error}") from None
    if piece.end() > _LONGEST_SECONDS:
        raise MidiError(f"the MIDI file lasts {piece.end():.0f} s; {_LONGEST_SECONDS:.0f} is most")
    synthesizer = _synthesizer(soundfont, sample_rate)
    for channel, track in enumerate(piece.tracks):
        program = 0 if track.is_drum else track.program
        synthesizer.program_select(channel, 0, 0, program, track.is_drum)
    blocks = []
    now = 0
    for frame, actions in itertools.groupby(_actions(piece, sample_rate), key=lambda a: a.frame):
        blocks.append(_generate(synthesizer, frame - now))
        now = frame
        for action in actions:
            getattr(synthesizer, action.method)(action.channel, *action.arguments)
    blocks.append(_generate(synthesizer, int(TAIL * sample_rate)))
    stereo = np.concatenate(blocks)
    loudest = float(np.abs(stereo).max(initial=0.0))
    return stereo * np.float32(PEAK / loudest) if loudest > PEAK else stereo


def require_soundfont(path: str | PathLike[str]) -> Path:
    """The path, if it is a SoundFont by its first bytes.

    Raises:
        OSError: it cannot be read.
        ValueError: it is something else.
    """
    with open(path, "rb") as file:
        head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise ValueError(f"{path} is not a SoundFont")
    return Path(path)


class _Action(NamedTuple):
    """A call of the synthesizer; at one frame releases come first, then controllers, then notes."""

    frame: int
    rank: int
    channel: int
    method: str
    arguments: tuple[int, ...]


def _actions(piece: ScoreSecond, sample_rate: int) -> list[_Action]:
    actions = []
    for channel, track in enumerate(piece.tracks):
        for note in track.notes:
            start = round(note.time * sample_rate)
            end = max(round((note.time + note.duration) * sample_rate), start + 1)
            actions.append(_Action(start, 2, channel, "noteon", (note.pitch, note.velocity)))
            actions.append(_Action(end, 0, channel, "noteoff", (note.pitch,)))
        for control in track.controls:
            frame = round(control.time * sample_rate)
            what = (control.number, control.value)
            actions.append(_Action(frame, 1, channel, "control_change", what))
        for bend in track.pitch_bends:
            frame = round(bend.time * sample_rate)
            value = (bend.value + _BEND_CENTRE,)
            actions.append(_Action(frame, 1, channel, "pitchbend", value))
    return sorted(actions, key=lambda action: (action.frame, action.rank))


def _synthesizer(soundfont: str | PathLike[str], sample_rate: int) -> Any:
    try:
        import tinysoundfont
    except ImportError:
        raise RuntimeError(
            "rendering sound needs tinysoundfont: pip install --no-deps tinysoundfont"
        ) from None
    with open(soundfont, "rb") as file:
        data = file.read()
    synthesizer = tinysoundfont.Synth(gain=_HEADROOM_DB, samplerate=sample_rate)
    try:
        synthesizer.sfload(data)
    except Exception as error:
        raise ValueError(f"{soundfont} is not a SoundFont: {error}") from None
    return synthesizer


def _generate(synthesizer: Any, frames: int) -> Samples:
    if frames <= 0:
        return np.zeros((0, 2), dtype=np.float32)
    samples: Samples = np.frombuffer(bytes(synthesizer.generate(frames)), "<f4")
    return samples.reshape(-1, 2)
