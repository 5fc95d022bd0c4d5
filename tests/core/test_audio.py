"""Rendered sound has the pitch, length and level that physics asks for."""

import wave

import numpy as np
import pytest

from midigpt import Bar, Note, Score, Track, audio

SECOND = 960  # ticks, at 120 BPM
FLUTE = 73


def test_notes_sound_at_their_frequency_and_length() -> None:
    pitches = [57, 69, 81]
    bars = [Bar([Note(pitch, 100, 0, SECOND)]) for pitch in pitches]  # each bar lasts two seconds
    samples = audio.render(Score([Track(bars, instrument=FLUTE)])).mean(axis=1)
    for pitch, start in zip(pitches, (0, 2, 4), strict=True):
        sounding = samples[start * audio.SAMPLE_RATE :][: audio.SAMPLE_RATE]
        silent = samples[start * audio.SAMPLE_RATE :][int(1.6 * audio.SAMPLE_RATE) :][:4410]
        assert np.abs(silent).max() < 0.05 * np.abs(sounding).max()
        spectrum = np.abs(np.fft.rfft(sounding * np.hanning(len(sounding)), n=1 << 18))
        frequencies = np.fft.rfftfreq(1 << 18, 1 / audio.SAMPLE_RATE)
        fundamental = 440.0 * 2 ** ((pitch - 69) / 12)
        band = (frequencies > fundamental * 0.7) & (frequencies < fundamental * 1.4)
        peak = frequencies[band][spectrum[band].argmax()]
        assert abs(1200 * np.log2(peak / fundamental)) < 20  # cents


def test_many_loud_tracks_do_not_clip() -> None:
    bar = Bar([Note(pitch, 127, 0, 1920) for pitch in range(36, 96, 3)])
    score = Score([Track([bar], instrument=program) for program in (0, 30, 56, 61, 81)])
    samples = audio.render(score)
    assert samples.shape[1] == 2
    assert 0.5 < np.abs(samples).max() <= audio.PEAK + 1e-6


def test_a_missing_soundfont_is_an_error(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        audio.render(Score(), tmp_path / "none.sf2")


def test_a_file_that_is_no_soundfont_is_an_error(tmp_path) -> None:
    (tmp_path / "bad.sf2").write_bytes(b"RIFFnothing")
    with pytest.raises(ValueError, match="not a SoundFont"):
        audio.render(Score(), tmp_path / "bad.sf2")


def test_a_wav_file_holds_the_samples(tmp_path) -> None:
    samples = np.array([[0.0, 1.0], [0.5, -1.0], [2.0, -2.0]], dtype=np.float32)
    audio.write_wav(tmp_path / "a.wav", samples)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 44_100, 3)
        pcm = np.frombuffer(file.readframes(3), "<i2").reshape(3, 2)
    assert pcm.tolist() == [[0, 32767], [16383, -32767], [32767, -32767]]
