"""Rendered sound has the pitch, length and level that physics asks for."""

import wave

import numpy as np
import pytest

from midigpt import Bar, Note, Score, Track, audio


def one_note(pitch: int, program: int = 19, seconds: float = 1.0) -> Score:
    """A church organ note (steady pitch) at 120 BPM: 960 ticks a second."""
    return Score([Track([Bar([Note(pitch, 100, 0, int(960 * seconds))])], instrument=program)])


@pytest.mark.parametrize("pitch", [57, 69, 81])
def test_a_note_sounds_at_its_frequency(pitch: int) -> None:
    samples = audio.render(one_note(pitch, program=73))[:44_100].mean(axis=1)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), n=1 << 18))
    frequencies = np.fft.rfftfreq(1 << 18, 1 / audio.SAMPLE_RATE)
    fundamental = 440.0 * 2 ** ((pitch - 69) / 12)
    band = (frequencies > fundamental * 0.7) & (frequencies < fundamental * 1.4)
    peak = frequencies[band][spectrum[band].argmax()]
    assert abs(1200 * np.log2(peak / fundamental)) < 20  # cents


def test_a_note_lasts_as_long_as_written() -> None:
    samples = np.abs(audio.render(one_note(60, seconds=1.0))).max(axis=1)
    sounding = np.flatnonzero(samples > 0.05 * samples.max())
    assert 0.9 < sounding[-1] / audio.SAMPLE_RATE < 2.0


def test_many_loud_tracks_do_not_clip() -> None:
    bar = Bar([Note(pitch, 127, 0, 1920) for pitch in range(36, 96, 3)])
    score = Score([Track([bar], instrument=program) for program in (0, 30, 56, 61, 81)])
    samples = audio.render(score)
    assert samples.shape[1] == 2
    assert 0.5 < np.abs(samples).max() <= audio.PEAK + 1e-6


def test_a_missing_soundfont_is_an_error(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        audio.render(one_note(60), tmp_path / "none.sf2")


def test_a_wav_file_holds_the_samples(tmp_path) -> None:
    samples = np.array([[0.0, 1.0], [0.5, -1.0], [2.0, -2.0]], dtype=np.float32)
    audio.write_wav(tmp_path / "a.wav", samples)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 44_100, 3)
        pcm = np.frombuffer(file.readframes(3), "<i2").reshape(3, 2)
    assert pcm.tolist() == [[0, 32767], [16383, -32767], [32767, -32767]]
