"""Sound: a score through a SoundFont, as samples or a WAV file.

Rendering is offline and deterministic. The synthesizer is TinySoundFont, an optional package; see
docs/decisions/0001-tinysoundfont.md for why this one and how to install it.
"""

from __future__ import annotations

import itertools
import wave
from importlib.resources import as_file, files
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from midigpt.score import Score

BUNDLED_SOUNDFONT = "FluidR3Mono_GM.sf3"
SAMPLE_RATE = 44_100
#: Peak level of rendered audio, so that a mix of many tracks never clips.
PEAK = 0.9
#: Seconds rendered after the last note's end, for it to die away.
TAIL = 1.5

_HEADROOM_DB = -12.0


def render(
    score: Score, soundfont: str | PathLike[str] | None = None, sample_rate: int = SAMPLE_RATE
) -> npt.NDArray[np.float32]:
    """Play a score.

    Args:
        score: the piece; its one tempo applies throughout.
        soundfont: path of an .sf2 or .sf3 bank; the bundled General MIDI bank if None.
        sample_rate: in hertz.

    Returns:
        Stereo samples, shape (frames, 2), peak at most :data:`PEAK`.

    Raises:
        OSError: the SoundFont does not exist.
        ValueError: the file is not a SoundFont.
        RuntimeError: the synthesizer is not installed.
    """
    if soundfont is None:
        with as_file(files("midigpt") / "soundfonts" / BUNDLED_SOUNDFONT) as path:
            return render(score, path, sample_rate)
    synthesizer = _synthesizer(soundfont, sample_rate)
    bank = 0
    for channel, track in enumerate(score.tracks):
        synthesizer.program_select(
            channel,
            bank,
            0,
            track.instrument if track.track_type != "drum" else 0,
            track.track_type == "drum",
        )
    blocks = []
    now = 0
    for frame, events in itertools.groupby(_events(score, sample_rate), key=lambda e: e[0]):
        blocks.append(_generate(synthesizer, frame - now))
        now = frame
        for _, starts, channel, pitch, velocity in events:
            if starts:
                synthesizer.noteon(channel, pitch, velocity)
            else:
                synthesizer.noteoff(channel, pitch)
    blocks.append(_generate(synthesizer, int(TAIL * sample_rate)))
    stereo = np.concatenate(blocks)
    loudest = float(np.abs(stereo).max(initial=0.0))
    return stereo * np.float32(PEAK / loudest) if loudest > PEAK else stereo


def write_wav(
    path: str | PathLike[str], samples: npt.NDArray[np.float32], sample_rate: int = SAMPLE_RATE
) -> None:
    """Write samples of shape (frames, channels), -1..1, as 16-bit PCM."""
    pcm = (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(pcm.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(pcm.tobytes())


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


def _events(score: Score, sample_rate: int) -> list[tuple[int, bool, int, int, int]]:
    """(frame, starts, channel, pitch, velocity) in order of time, ends before starts."""
    frames_per_tick = score.tempo / 1e6 / score.resolution * sample_rate
    events = []
    for channel, track in enumerate(score.tracks):
        bar_start = 0.0
        for bar in track.bars:
            for note in bar.notes:
                start = bar_start + note.onset_ticks
                end = start + max(1, note.duration_ticks)
                events.append(
                    (round(start * frames_per_tick), True, channel, note.pitch, note.velocity)
                )
                events.append((round(end * frames_per_tick), False, channel, note.pitch, 0))
            bar_start += score.resolution * bar.beat_length
    return sorted(events)


def _generate(synthesizer: Any, frames: int) -> npt.NDArray[np.float32]:
    if frames <= 0:
        return np.zeros((0, 2), dtype=np.float32)
    samples: npt.NDArray[np.float32] = np.frombuffer(bytes(synthesizer.generate(frames)), "<f4")
    return samples.reshape(-1, 2)
