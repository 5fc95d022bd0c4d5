"""Rendered sound has the pitch, length and level that physics asks for."""

import io
import wave

import numpy as np
import pytest

from midigpt import Bar, Note, Score, Track, audio, midi
from midigpt.audio import mastering
from midigpt.cli import main

SECOND = 960  # ticks, at 120 BPM
FLUTE, PIANO, STRINGS = 73, 0, 48


def loudest_frequency(samples: np.ndarray, near: float) -> float:
    """Of the sound within a third of an octave, in hertz."""
    mono = samples.mean(axis=1)
    spectrum = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), n=1 << 18))
    frequencies = np.fft.rfftfreq(1 << 18, 1 / audio.SAMPLE_RATE)
    band = (frequencies > near * 0.7) & (frequencies < near * 1.4)
    return float(frequencies[band][spectrum[band].argmax()])


def cents(a: float, b: float) -> float:
    return abs(1200 * np.log2(a / b))


def part(samples: np.ndarray, start: float, seconds: float) -> np.ndarray:
    return samples[round(start * audio.SAMPLE_RATE) :][: round(seconds * audio.SAMPLE_RATE)]


def band(bars: int = 8) -> Score:
    """Piano, strings and drums, two seconds a bar."""
    chord = [Note(p, 90, k * 480, 460) for k in range(4) for p in (60, 64, 67)]
    beat = [Note(36 if k % 2 == 0 else 38, 110, k * 480, 100) for k in range(4)]
    return Score(
        [
            Track([Bar(list(chord)) for _ in range(bars)], instrument=PIANO),
            Track([Bar([Note(48, 70, 0, 1900)]) for _ in range(bars)], instrument=STRINGS),
            Track([Bar(list(beat)) for _ in range(bars)], track_type="drum"),
        ]
    )


def test_notes_sound_at_their_frequency_and_length() -> None:
    pitches = [57, 69, 81]
    bars = [Bar([Note(pitch, 100, 0, SECOND)]) for pitch in pitches]  # each bar lasts two seconds
    samples = audio.render(Score([Track(bars, instrument=FLUTE)]))
    for pitch, start in zip(pitches, (0, 2, 4), strict=True):
        sounding, silent = part(samples, start, 1), part(samples, start + 1.6, 0.1)
        assert np.abs(silent).max() < 0.05 * np.abs(sounding).max()
        fundamental = 440.0 * 2 ** ((pitch - 69) / 12)
        assert cents(loudest_frequency(sounding, fundamental), fundamental) < 20


def test_many_loud_tracks_do_not_clip() -> None:
    bar = Bar([Note(pitch, 127, 0, 1920) for pitch in range(36, 96, 3)])
    score = Score([Track([bar], instrument=program) for program in (0, 30, 56, 61, 81)])
    samples = audio.render(score)
    assert samples.shape[1] == 2
    assert 0.5 < np.abs(samples).max() <= audio.PEAK + 1e-6


def test_a_midi_file_is_played_with_its_tempos_bends_and_controllers() -> None:
    mido = pytest.importorskip("mido")
    track = mido.MidiTrack(
        [
            mido.Message("program_change", program=FLUTE),
            mido.Message("control_change", control=10, value=0),  # to the left
            mido.Message("note_on", note=69, velocity=100, time=0),
            mido.Message("note_off", note=69, time=480),
            mido.MetaMessage("set_tempo", tempo=1_000_000, time=0),  # 60 BPM: from 0.5 s on
            mido.Message("pitchwheel", pitch=8191, time=480),  # 1.5 s: two semitones up
            mido.Message("note_on", note=69, velocity=100, time=0),
            mido.Message("note_off", note=69, time=480),
            mido.Message("control_change", control=7, value=0, time=480),  # 3.5 s: silence
            mido.Message("note_on", note=69, velocity=100, time=0),
            mido.Message("note_off", note=69, time=480),
        ]
    )
    file, out = mido.MidiFile(ticks_per_beat=480), io.BytesIO()
    file.tracks.append(track)
    file.save(file=out)
    samples = audio.render_midi(out.getvalue())
    assert len(samples) / audio.SAMPLE_RATE == pytest.approx(4.5 + audio.TAIL, abs=0.01)
    left, right = np.abs(part(samples, 0, 0.5)).max(axis=0)
    assert left > 10 * right
    loud = left
    assert np.abs(part(samples, 1.3, 0.15)).max() < 0.1 * loud
    assert cents(loudest_frequency(part(samples, 0.05, 0.4), 440), 440) < 20
    assert cents(loudest_frequency(part(samples, 1.6, 0.8), 494), 493.88) < 25
    assert np.abs(part(samples, 3.6, 0.8)).max() < 0.01 * loud


def test_a_missing_soundfont_is_an_error(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        audio.render(Score(), tmp_path / "none.sf2")
    with pytest.raises(FileNotFoundError):
        audio.require_soundfont(tmp_path / "none.sf2")


def test_a_file_that_is_no_soundfont_is_an_error(tmp_path) -> None:
    (tmp_path / "bad.sf2").write_bytes(b"RIFFnothing")
    with pytest.raises(ValueError, match="not a SoundFont"):
        audio.render(Score(), tmp_path / "bad.sf2")
    with pytest.raises(ValueError, match="not a SoundFont"):
        audio.require_soundfont(tmp_path / "bad.sf2")


def test_a_wav_file_holds_the_samples(tmp_path) -> None:
    samples = np.array([[0.0, 1.0], [0.5, -1.0], [2.0, -2.0]], dtype=np.float32)
    audio.write(tmp_path / "a.wav", samples)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 44_100, 3)
        pcm = np.frombuffer(file.readframes(3), "<i2").reshape(3, 2)
    assert pcm.tolist() == [[0, 32767], [16383, -32767], [32767, -32767]]


class TestMastering:
    pyloudnorm = pytest.importorskip("pyloudnorm")
    SECONDS = 6

    def tone(self, amplitude: float) -> np.ndarray:
        t = np.arange(self.SECONDS * audio.SAMPLE_RATE) / audio.SAMPLE_RATE
        wave_ = (amplitude * np.sin(2 * np.pi * 997 * t)).astype(np.float32)
        return np.stack([wave_, wave_], axis=1)

    def measured(self, samples: np.ndarray) -> float:
        return self.pyloudnorm.Meter(audio.SAMPLE_RATE).integrated_loudness(samples)

    @pytest.mark.parametrize("amplitude", [0.001, 0.1, 0.9])
    def test_loudness_is_18_below_full_scale(self, amplitude):
        # A full-scale sine of 997 Hz in both channels measures 0 LUFS (BS.1770, -3.01 + 3.01).
        mastered = audio.master(self.tone(amplitude))
        assert self.measured(mastered) == pytest.approx(audio.LOUDNESS, abs=0.2)
        assert np.abs(mastered).max() == pytest.approx(10 ** (-18 / 20), rel=0.03)

    def test_single_peaks_are_turned_down_not_clipped(self):
        samples = self.tone(0.02)
        samples[:: audio.SAMPLE_RATE // 2] = 0.9  # clicks, 33 dB above
        mastered = audio.master(samples)
        assert np.abs(mastered).max() <= audio.CEILING + 1e-6
        assert self.measured(mastered) == pytest.approx(audio.LOUDNESS, abs=0.5)
        assert np.count_nonzero(np.abs(mastered) > audio.CEILING - 1e-4) < 50

    def test_silence_goes_at_the_ends_and_stays_inside(self):
        gap = np.zeros((audio.SAMPLE_RATE, 2), dtype=np.float32)
        samples = np.concatenate([gap, self.tone(0.2), gap, self.tone(0.2), gap, gap])
        seconds = len(mastering.trim(samples)) / audio.SAMPLE_RATE
        assert seconds == pytest.approx(2 * self.SECONDS + 1, abs=0.01)
        assert len(audio.master(gap)) == 0
        short = self.tone(0.5)[:8000]
        assert np.array_equal(audio.master(short), mastering.trim(short))


class TestRender:
    soundfile = pytest.importorskip("soundfile")

    @pytest.mark.parametrize("ending", ["mp3", "flac", "ogg", "wav"])
    def test_the_file_has_the_length_level_and_channels_it_should(self, tmp_path, ending, capsys):
        pyloudnorm = pytest.importorskip("pyloudnorm")
        score = band()
        (tmp_path / "song.mid").write_bytes(midi.write_bytes(score))
        output = tmp_path / f"song.{ending}"
        assert main(["render", str(tmp_path / "song.mid"), "-o", str(output)]) == 0
        samples, rate = self.soundfile.read(output)
        assert (rate, samples.shape[1]) == (44_100, 2)
        music = 8 * 2.0
        assert music - 0.1 < len(samples) / rate < music + audio.TAIL + 0.1
        level = pyloudnorm.Meter(rate).integrated_loudness(samples)
        assert level == pytest.approx(-18.0, abs=0.5)
        assert np.abs(samples).max() < 1.0
        assert "-18" in capsys.readouterr().out

    def test_errors_are_one_line(self, tmp_path, capsys):
        (tmp_path / "bad.mid").write_bytes(b"MThd")
        (tmp_path / "none.mid").write_bytes(midi.write_bytes(Score([Track([Bar([])])])))
        (tmp_path / "some.mid").write_bytes(midi.write_bytes(band(1)))
        for name, output, message in (
            ("bad.mid", "a.mp3", "bad.mid"),
            ("none.mid", "a.mp3", "silent"),
            ("absent.mid", "a.mp3", "absent.mid"),
            ("some.mid", "a.txt", "mp3"),
            ("some.mid", "no/folder/a.mp3", "is not there"),
        ):
            assert main(["render", str(tmp_path / name), "-o", str(tmp_path / output)]) == 2
            errors = capsys.readouterr().err
            assert message in errors and errors.count("\n") == 1
            assert not (tmp_path / output).exists()
