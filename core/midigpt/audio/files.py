"""Sound files: WAV with the standard library, MP3, FLAC and OGG by libsndfile."""

from __future__ import annotations

import io
import wave
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from midigpt.audio.synthesis import SAMPLE_RATE, Samples

#: Endings of the files that can be written, and libsndfile's names for what is in them.
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
#: 0 is the largest file, 1 the smallest; about 190 kbit/s for MP3.
_COMPRESSION = {".mp3": 0.2, ".ogg": 0.4}


def write(path: str | PathLike[str], samples: Samples, sample_rate: int = SAMPLE_RATE) -> None:
    """Write samples of shape (frames, 2), -1..1, in the format that the ending of the path says.

    Raises:
        ValueError: there is no such format.
        ImportError: the extra audio is not installed, and the format is not WAV.
        OSError: the file cannot be written.
    """
    Path(path).write_bytes(encode(samples, check_format(path), sample_rate))


def encode(samples: Samples, ending: str, sample_rate: int = SAMPLE_RATE) -> bytes:
    """The bytes of a sound file of a format, named by its ending as in :data:`FORMATS`.

    Raises:
        ImportError: the extra audio is not installed, and the format is not WAV.
    """
    out = io.BytesIO()
    if ending == ".wav":
        _encode_wav(out, samples, sample_rate)
        return out.getvalue()
    soundfile = _soundfile()
    kind, subtype = FORMATS[ending]
    options: dict[str, Any] = {}
    if ending in _COMPRESSION:
        options["compression_level"] = _COMPRESSION[ending]
    if ending == ".mp3":
        options["bitrate_mode"] = "VARIABLE"
    with soundfile.SoundFile(
        out, "w", sample_rate, samples.shape[1], subtype, format=kind, **options
    ) as file:
        for start in range(0, len(samples), sample_rate):  # its encoders dislike long blocks
            file.write(samples[start : start + sample_rate])
    return out.getvalue()


def check_format(path: str | PathLike[str]) -> str:
    """The ending of a path, in lower case; ValueError if no format has it."""
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        known = ", ".join(name[1:] for name in FORMATS)
        raise ValueError(f"{path} has no ending of a sound file; one of {known} is wanted")
    return ending


def _encode_wav(out: io.BytesIO, samples: Samples, sample_rate: int) -> None:
    """16-bit PCM, with the standard library."""
    pcm = (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2")
    with wave.open(out, "wb") as file:
        file.setnchannels(pcm.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(pcm.tobytes())


def _soundfile() -> Any:
    try:
        import soundfile
    except ImportError:
        raise ImportError(
            'sound files other than WAV need the extra audio: pip install "midigpt-live[audio]"'
        ) from None
    return soundfile
