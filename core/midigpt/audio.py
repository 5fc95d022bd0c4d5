"""Sound: a score through a SoundFont, as samples or a WAV file.

Rendering is offline and deterministic; symusic's synthesizer (Prestosynth) plays .sf2 and .sf3 banks.
"""

from __future__ import annotations

import wave
from importlib.resources import as_file, files
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import symusic

from midigpt import midi
from midigpt.score import Score

BUNDLED_SOUNDFONT = "FluidR3Mono_GM.sf3"
SAMPLE_RATE = 44_100
#: Peak level of rendered audio, so that a mix of many tracks never clips.
PEAK = 0.9


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
    """
    if soundfont is None:
        with as_file(files("midigpt") / "soundfonts" / BUNDLED_SOUNDFONT) as path:
            return render(score, path, sample_rate)
    with open(soundfont, "rb"):  # symusic aborts on a missing file; this raises instead
        synthesizer: Any = symusic.Synthesizer(str(soundfont), sample_rate)
    samples = synthesizer.render(symusic.Score.from_midi(midi.write_bytes(score)), True)
    stereo = np.ascontiguousarray(np.asarray(samples, dtype=np.float32).T)
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
