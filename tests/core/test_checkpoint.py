"""Checkpoint files: all formats, and files that are damaged or hostile."""

import json
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from midigpt.encoder_config import EncoderConfig  # noqa: E402
from midigpt.inference.model import (  # noqa: E402
    CheckpointError,
    GPT2Config,
    GPT2LMHeadModel,
    TorchScriptAdapter,
    TransformerLMBase,
    get_model_class,
    load_checkpoint,
    read_checkpoint_header,
    register,
    resolve_device,
)
from midigpt.inference.model.safetensors_header import read_safetensors_header  # noqa: E402

ENCODER = json.loads((Path(__file__).parents[2] / "models/encoders/ghost.json").read_text())
CONFIG = GPT2Config(vocab_size=30, n_positions=32, n_embd=16, n_layer=2, n_head=8)


@pytest.fixture
def model() -> GPT2LMHeadModel:
    torch.manual_seed(5)
    model = GPT2LMHeadModel(CONFIG).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    return model


@pytest.fixture
def file(model, tmp_path) -> Path:
    path = tmp_path / "tiny.safetensors"
    model.save_pretrained(path, encoder_config=ENCODER)
    return path


def same_logits(a, b) -> bool:
    ids = [3, 1, 4, 1, 5]
    ours, theirs = a.score(ids, a.new_cache()), b.score(ids, b.new_cache())
    return np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()


def sizes(**changed: int) -> str:
    return json.dumps({**CONFIG.__dict__, **changed})


def rewrite(file: Path, drop=(), add=None, **metadata) -> None:
    """Change tensors or metadata of a safetensors file; a None value removes a key."""
    with safe_open(file, "pt") as stream:
        entries = {**stream.metadata(), **metadata}
    state = {k: v for k, v in load_file(file).items() if k not in drop} | (add or {})
    save_file(state, file, {k: v for k, v in entries.items() if v is not None})


class TestSafetensors:
    def test_round_trip(self, model, file):
        bundle = load_checkpoint(file)
        assert same_logits(bundle.model, model)
        assert bundle.encoder_config.to_dict() == EncoderConfig.from_dict(ENCODER).to_dict()
        assert not bundle.model.training
        assert bundle.model_path is None

    @pytest.mark.parametrize("form", [json.dumps, EncoderConfig.from_dict, lambda d: d])
    def test_encoder_in_any_form(self, model, tmp_path, form):
        model.save_pretrained(tmp_path / "x.safetensors", form(ENCODER))
        encoder = load_checkpoint(tmp_path / "x.safetensors").encoder_config
        assert encoder.num_bars_map == ENCODER["num_bars_map"]

    def test_encoder_as_text_within_text(self, file):
        """MIDI-GPT 0.4.2 writes this when it is given JSON text."""
        rewrite(file, encoder_config=json.dumps(json.dumps(ENCODER)))
        assert load_checkpoint(file).encoder_config.num_bars_map == ENCODER["num_bars_map"]

    def test_names_and_layout_are_those_of_hugging_face(self, file):
        transformers = pytest.importorskip("transformers")
        config = transformers.GPT2Config(
            vocab_size=30, n_positions=32, n_embd=16, n_layer=2, n_head=8, tie_word_embeddings=False
        )
        twin = transformers.GPT2LMHeadModel(config)
        twin.load_state_dict(load_file(file))

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    def test_other_float_types_become_float32(self, model, tmp_path, dtype):
        model.to(dtype).save_pretrained(tmp_path / "x.safetensors", ENCODER)
        assert load_file(tmp_path / "x.safetensors")["lm_head.weight"].dtype == dtype
        assert load_checkpoint(tmp_path / "x.safetensors").model.dtype == torch.float32
        kept = TransformerLMBase.from_pretrained(tmp_path / "x.safetensors", dtype=dtype)
        assert kept.dtype == dtype

    def test_buffers_of_hugging_face_and_unknown_sizes_are_ignored(self, model, file):
        buffers = {
            "transformer.h.0.attn.bias": torch.ones(1, 1, 32, 32),
            "transformer.h.1.attn.masked_bias": torch.tensor(-1e4),
        }
        config = {**CONFIG.__dict__, "activation_function": "gelu_new"}
        rewrite(file, add=buffers, config=json.dumps(config))
        assert same_logits(load_checkpoint(file).model, model)

    def test_the_old_file_survives_a_failed_save(self, model, file, monkeypatch):
        before = file.read_bytes()
        monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
        with pytest.raises(OSError, match="disk"):
            model.save_pretrained(file, ENCODER)
        assert file.read_bytes() == before
        assert [p.name for p in file.parent.iterdir()] == [file.name]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"format_version": "1"}, "format_version '1'; '2' is wanted"),
            ({"format_version": None}, "format_version None"),
            ({"arch": "rnn"}, "arch is 'rnn'"),
            ({"config": None}, "has no config"),
            ({"config": "{"}, "config is not JSON"),
            ({"config": "[]"}, "config is not a JSON object"),
            ({"config": '{"n_head": 7}'}, "n_head is 7; it must divide n_embd"),
            ({"config": '{"n_layer": "2"}'}, "n_layer is '2'; a positive integer"),
            ({"config": sizes(n_layer=10**9)}, "its config needs 12000000005"),
            ({"config": sizes(vocab_size=10**12)}, r"\(30, 16\); .*\(1000000000000, 16\)"),
            ({"encoder_config": None}, "no encoder_config"),
            ({"encoder_config": "null"}, "no encoder_config"),
            ({"encoder_config": "{"}, "encoder_config is not JSON"),
            ({"encoder_config": "[1]"}, "encoder_config is not a JSON object"),
            ({"encoder_config": '{"pitch_range": 3}'}, "pitch_range"),
            ({"drop": ["lm_head.weight"]}, "lacks tensor 'lm_head.weight'"),
            ({"add": {"extra": torch.ones(2)}}, "has the unexpected tensor 'extra'"),
            ({"add": {"lm_head.weight": torch.ones(31, 16)}}, r"shape \(31, 16\); .*\(30, 16\)"),
        ],
    )
    def test_inconsistent_files(self, file, change, message):
        rewrite(file, **change)
        with pytest.raises(CheckpointError, match=message) as caught:
            load_checkpoint(file)
        assert "\n" not in str(caught.value)


class TestHeaderWithoutTorch:
    def test_tensors_can_be_mapped_by_their_offsets(self, model, file):
        header = read_checkpoint_header(file)
        entry = header.tensors["lm_head.weight"]
        raw = np.memmap(file, dtype="<f4", mode="r")[entry.begin // 4 : entry.end // 4]
        assert (raw.reshape(entry.shape) == model.lm_head.weight.detach().numpy()).all()
        assert header.config == CONFIG.__dict__
        assert header.encoder_config == ENCODER
        assert header.arch == "gpt2"

    def test_torch_is_not_imported(self, file):
        code = (
            "import sys; sys.modules['torch'] = None\n"
            "from midigpt.inference.model import read_checkpoint_header, load_checkpoint\n"
            f"print(read_checkpoint_header({str(file)!r}).config['n_embd'])\n"
            f"try: load_checkpoint({str(file)!r})\n"
            "except ImportError as error: print(error)\n"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        width, error = result.stdout.splitlines()
        assert width == "16"
        assert error.endswith('pip install "midigpt-live[torch]"')

    @pytest.mark.parametrize("size", [0, 7, 8, 9, 200, 3000, -1])
    def test_cut_short(self, file, size):
        file.write_bytes(file.read_bytes()[:size])
        with pytest.raises(CheckpointError):
            load_checkpoint(file)

    @settings(max_examples=100, deadline=None)
    @given(data=st.binary(max_size=200))
    def test_random_bytes(self, tmp_path_factory, data):
        file = tmp_path_factory.mktemp("fuzz") / "x.safetensors"
        file.write_bytes(data)
        with pytest.raises(CheckpointError):
            read_checkpoint_header(file)

    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=6,
    )
    entries = st.fixed_dictionaries(
        {},
        optional={
            "dtype": st.sampled_from(["F32", "BF16", "X"]) | json_values,
            "shape": st.lists(st.integers(-2, 9), max_size=3) | json_values,
            "data_offsets": st.lists(st.integers(-9, 99), max_size=3) | json_values,
        },
    )

    @settings(max_examples=100, deadline=None)
    @given(
        header=st.dictionaries(st.sampled_from(["a", "b", "__metadata__"]), entries | json_values)
        | json_values,
        tail=st.integers(0, 64),
    )
    def test_fuzzed_headers(self, tmp_path_factory, header, tail):
        """A header is either refused in one line, or every tensor it names lies in the file."""
        text = json.dumps(header).encode()
        file = tmp_path_factory.mktemp("fuzz") / "x.safetensors"
        file.write_bytes(struct.pack("<Q", len(text)) + text + bytes(tail))
        try:
            parsed = read_safetensors_header(file)
        except CheckpointError as error:
            assert len(str(error).splitlines()) == 1
            return
        for entry in parsed.tensors.values():
            assert 8 + len(text) <= entry.begin <= entry.end <= file.stat().st_size

    def test_deeply_nested_header(self, tmp_path):
        text = b"[" * 100_000
        (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
        with pytest.raises(CheckpointError, match="not JSON"):
            read_checkpoint_header(tmp_path / "x.safetensors")


class TestPickle:
    def bundle(self, model) -> dict:
        return {
            "format_version": 1,
            "arch": "gpt2",
            "config": dict(CONFIG.__dict__),
            "encoder_config": ENCODER,
            "state_dict": model.state_dict(),
        }

    @pytest.mark.parametrize("form", [json.dumps, lambda d: d])
    def test_loads(self, model, tmp_path, form):
        data = self.bundle(model)
        data["encoder_config"] = form(ENCODER)
        del data["arch"]
        torch.save(data, tmp_path / "x.pt")
        bundle = load_checkpoint(tmp_path / "x.pt")
        assert same_logits(bundle.model, model)
        assert bundle.encoder_config.num_bars_map == ENCODER["num_bars_map"]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"format_version": 2}, "format_version 2; 1 is wanted"),
            ({"state_dict": [1]}, "state_dict is not"),
            ({"state_dict": {}}, "has 0 tensors"),
            ({"config": None}, "config is not"),
            ({"arch": "rnn"}, "arch is 'rnn'"),
            ({"encoder_config": "{"}, "encoder_config is not JSON"),
        ],
    )
    def test_inconsistent(self, model, tmp_path, change, message):
        torch.save(self.bundle(model) | change, tmp_path / "x.pt")
        with pytest.raises(CheckpointError, match=message):
            load_checkpoint(tmp_path / "x.pt")

    def test_code_is_not_run(self, model, tmp_path):
        class Attack:
            def __reduce__(self):
                return Path.touch, (tmp_path / "owned",)

        torch.save(self.bundle(model) | {"extra": Attack()}, tmp_path / "x.pt")
        (tmp_path / "y.pt").write_bytes(pickle.dumps(Attack()))
        for name in ("x.pt", "y.pt"):
            with pytest.raises(CheckpointError, match="more than tensors"):
                load_checkpoint(tmp_path / name)
        assert not (tmp_path / "owned").exists()

    @pytest.mark.parametrize("size", [0, 1, 100, 5000])
    def test_cut_short(self, model, tmp_path, size):
        torch.save(self.bundle(model), tmp_path / "x.pt")
        (tmp_path / "x.pt").write_bytes((tmp_path / "x.pt").read_bytes()[:size])
        with pytest.raises(CheckpointError):
            load_checkpoint(tmp_path / "x.pt")


class ScriptableGPT2(torch.nn.Module):
    """One layer of attention without LayerNorm: enough to script, with children as expected."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = torch.nn.Module()
        self.transformer.wte = torch.nn.Embedding(30, 16)
        self.transformer.wpe = torch.nn.Embedding(32, 16)
        self.transformer.h = torch.nn.ModuleList([torch.nn.Linear(16, 48)])
        self.layer = self.transformer.h[0]
        self.wte, self.wpe = self.transformer.wte, self.transformer.wpe

    def forward(self, ids, past: tuple[tuple[torch.Tensor, torch.Tensor]]):
        old_k, old_v = past[0]
        length = old_k.size(2)
        where = torch.arange(length, length + ids.size(1))
        x = self.wte(ids) + self.wpe(where)
        q, k, v = [
            t.view(ids.size(0), -1, 4, 4).transpose(1, 2) for t in self.layer(x).split(16, 2)
        ]
        k, v = torch.cat([old_k, k], 2), torch.cat([old_v, v], 2)
        scores = (q @ k.transpose(2, 3)) / 2.0
        visible = torch.ones(scores.size(2), scores.size(3)).tril(length) > 0
        weights = scores.masked_fill(~visible, -float("inf")).softmax(3)
        out = x + (weights @ v).transpose(1, 2).reshape(x.shape)
        return out @ self.wte.weight.t(), ((k, v),)


class TestLegacyDirectory:
    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        torch.manual_seed(1)
        torch.jit.script(ScriptableGPT2()).save(str(tmp_path / "model.pt"))
        (tmp_path / "config.json").write_text(json.dumps(ENCODER))
        return tmp_path

    def test_loads(self, folder):
        bundle = load_checkpoint(folder)
        model = bundle.model
        assert isinstance(model, TorchScriptAdapter)
        assert (model.vocab_size, model.n_positions) == (30, 32)
        assert (model.cache_shape.layers, model.cache_shape.heads) == (1, 4)
        assert bundle.model_path == str(folder / "model.pt")
        assert bundle.encoder_config.num_bars_map == ENCODER["num_bars_map"]

    def test_cached_equals_uncached(self, folder):
        model = load_checkpoint(folder).model
        ids = np.arange(20)
        whole = model.score(ids, model.new_cache())[0]
        cache = model.new_cache()
        model.prefill(ids[:9], cache)
        model.prefill([1, 2, 3], cache)
        cache.truncate(9)
        for i in range(9, 20):
            assert np.allclose(model.step([i], cache)[0], whole[i], atol=1e-5)
        assert np.allclose(
            model.step([5, 5], cache.select([0, 0])), model.step([5], cache), atol=1e-5
        )

    def test_cannot_hide_or_skip(self, folder):
        model = load_checkpoint(folder).model
        with pytest.raises(ValueError, match="cannot hide"):
            model.prefill([1, 2], model.new_cache(), key_mask=[True, False])
        with pytest.raises(ValueError, match="cannot skip"):
            model.prefill([1, 2], model.new_cache(), positions=[0, 2])

    @pytest.mark.parametrize("name", ["config.json", "model.pt"])
    def test_missing_file(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(FileNotFoundError, match=name):
            load_checkpoint(folder)

    def test_damaged_files(self, folder):
        (folder / "model.pt").write_bytes(b"PK\x03\x04 nothing")
        with pytest.raises(CheckpointError, match="not a TorchScript"):
            load_checkpoint(folder)
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(folder / "model.pt"))
        with pytest.raises(CheckpointError, match="not a GPT-2"):
            load_checkpoint(folder)
        (folder / "config.json").write_text("{")
        with pytest.raises(CheckpointError, match="not JSON"):
            load_checkpoint(folder)


class TestPathsDevicesNames:
    @pytest.mark.parametrize("name", ["missing.safetensors", "missing", "model.bin"])
    def test_unknown_path(self, tmp_path, name):
        (tmp_path / "model.bin").write_bytes(b"x")
        with pytest.raises(ValueError, match="path is"):
            load_checkpoint(tmp_path / name)

    def test_devices(self, file):
        assert resolve_device(None) == resolve_device("cpu") == torch.device("cpu")
        assert resolve_device("auto").type in ("cpu", "cuda", "mps")
        with pytest.raises(RuntimeError, match="'tpu9000'"):
            load_checkpoint(file, device="tpu9000")
        if not torch.cuda.is_available():
            with pytest.raises(RuntimeError, match="not available"):
                load_checkpoint(file, device="cuda")

    def test_threads(self, file):
        before = torch.get_num_threads()
        try:
            load_checkpoint(file, threads=1)
            assert torch.get_num_threads() == 1
        finally:
            torch.set_num_threads(before)
        with pytest.raises(ValueError, match="threads is 0"):
            load_checkpoint(file, threads=0)

    def test_registry(self):
        assert get_model_class("gpt2") is GPT2LMHeadModel
        with pytest.raises(ValueError, match="arch is 'rnn'; one of"):
            get_model_class("rnn")
        with pytest.raises(ValueError, match="already names"):
            register("gpt2")(TorchScriptAdapter)
