"""Llama in PyTorch and in the native engine, against Hugging Face."""

import json
from pathlib import Path

import numpy as np
import pytest

from midigpt.inference.model.llama_folder import LlamaConfig, find_llama, open_llama
from midigpt.inference.model.native_llama import llama_shape, load_llama

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from midigpt.inference.model.llama import LlamaLMHeadModel, rope_frequencies  # noqa: E402

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "golden" / "events.json").read_text())

PLAIN = {"rope_type": "default", "rope_theta": 10000.0}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
SIZES = {
    "vocab_size": 203,
    "hidden_size": 64,
    "intermediate_size": 112,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
#: Llama 3.2 1B with the rows of MIDI-LLM.
BIG = {
    "vocab_size": 183286,
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131072,
}


def native(folder, n_positions=512):
    return load_llama(folder, n_positions, "float32", 2)


def in_torch(folder, n_positions=512):
    return LlamaLMHeadModel.from_folder(folder, n_positions)


@pytest.fixture(params=[native, in_torch])
def load(request):
    return request.param


def write_model(folder, tied: bool, rope: dict, sizes: dict | None = None, **options):
    config = transformers.LlamaConfig(
        **{**SIZES, **(sizes or {})},
        tie_word_embeddings=tied,
        rms_norm_eps=1e-5,
        rope_parameters=rope,
        bos_token_id=0,
        eos_token_id=0,
    )
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2 if not sizes else 0.02)
    model.save_pretrained(folder, **options)
    return model


def reference_logits(model, ids: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(ids[None].astype(np.int64))).logits.numpy()


def close(ours, theirs, tolerance: float = 1e-4) -> None:
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < tolerance * np.abs(theirs).max()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("rope", [PLAIN, LLAMA3], ids=["plain", "llama3"])
def test_logits_equal_hugging_face_up_to_the_full_context(tmp_path, tied, rope, load):
    reference = write_model(tmp_path, tied, rope)
    model = load(tmp_path)
    ids = np.random.default_rng(0).integers(0, 203, 512)
    expected = reference_logits(reference, ids)
    cache = model.new_cache()
    close(model.score(ids[:300], cache), expected[:, :300])
    for i in range(300, 305):
        close(model.step(ids[i : i + 1], cache), expected[:, i])
    close(model.score(ids[305:], cache), expected[:, 305:])


def test_greedy_tokens_equal_hugging_face(tmp_path, load):
    reference = write_model(tmp_path, True, LLAMA3)
    model = load(tmp_path)
    prompt = np.random.default_rng(3).integers(1, 203, 20)
    expected = reference.generate(
        torch.from_numpy(prompt[None]), max_new_tokens=60, min_new_tokens=60, do_sample=False
    )[0, 20:].tolist()
    cache = model.new_cache()
    logits, written = model.prefill(prompt, cache), []
    while len(written) < 60:
        logits[:, 0] = -np.inf  # min_new_tokens keeps the end token from being drawn
        written.append(int(logits.argmax()))
        logits = model.step(written[-1:], cache)
    assert written == expected


def test_a_cut_cache_is_as_if_the_tail_had_never_been_read(tmp_path, load):
    write_model(tmp_path, False, LLAMA3)
    model = load(tmp_path)
    ids = np.random.default_rng(4).integers(0, 203, 120)
    fresh = model.new_cache()
    model.prefill(ids[:90], fresh)
    expected = model.prefill(ids[90:], fresh)

    cache = model.new_cache()
    model.prefill(ids[:90], cache)
    model.prefill(ids[:30], cache)
    cache.truncate(90)
    np.testing.assert_array_equal(model.prefill(ids[90:], cache), expected)
    cache.truncate(90)
    for token in ids[90:119]:
        model.step([token], cache)
    close(model.step(ids[119:], cache), expected, 1e-5)
    whole = model.new_cache()
    close(model.prefill(ids, whole), expected, 1e-5)


def test_hidden_tokens_and_batches(tmp_path, load):
    reference = write_model(tmp_path, True, LLAMA3)
    model = load(tmp_path)
    ids = np.random.default_rng(1).integers(0, 203, (3, 40))
    shown = np.ones(40, dtype=bool)
    shown[5:12] = False
    kept = np.flatnonzero(shown)
    with torch.no_grad():
        expected = reference(
            torch.from_numpy(ids[:, kept]), position_ids=torch.from_numpy(kept[None])
        ).logits[:, -1]
    hidden, skipped = model.new_cache(3), model.new_cache(3)
    close(model.prefill(ids, hidden, key_mask=shown), expected.numpy())
    close(model.prefill(ids[:, kept], skipped, positions=kept), expected.numpy())
    close(model.step([1, 2, 3], hidden), model.step([1, 2, 3], skipped))


def test_the_rows_of_a_text_to_music_model_and_slices_of_its_head(tmp_path, load):
    sizes = {"vocab_size": 183286, "hidden_size": 32, "num_hidden_layers": 1, "head_dim": 64}
    reference = write_model(tmp_path, False, LLAMA3, sizes)
    model = load(tmp_path)
    ids = np.array([128000, 2675, 183282, 128256, 138356, 155767, 183285])
    expected = reference_logits(reference, ids)[:, -1]
    cache = model.new_cache()
    close(model.prefill(ids, cache), expected)
    with pytest.raises(ValueError, match="183286"):
        model.step([183286], cache)
    if load is native:
        cache = model.new_cache()
        time, note = (128256, 138256), (139256, 155769)
        sliced = model.transformer.forward(cache.sequences, [ids], slices=[time, note])
        for first, last in (time, note):
            close(sliced[:, first:last], expected[:, first:last], 1e-5)


@pytest.mark.nightly
def test_the_shape_of_llama_1b(tmp_path, load):
    """One layer of 16, all 183286 rows; positions 0, 1 and 2047."""
    rope = {**LLAMA3, "original_max_position_embeddings": 8192}
    reference = write_model(tmp_path, True, rope, {**BIG, "num_hidden_layers": 1})
    model = load(tmp_path, 2048)
    ids = np.random.default_rng(5).integers(0, 183286, 2048)
    with torch.no_grad():
        hidden = reference.model(torch.from_numpy(ids[None])).last_hidden_state[0, [0, 1, 2047]]
        expected = reference.lm_head(hidden).numpy()
    cache = model.new_cache()
    for index, part in enumerate((ids[:1], ids[1:2], ids[2:])):
        ours = model.prefill(part, cache)
        close(ours, expected[index : index + 1])
        assert ours.argmax() == expected[index].argmax()


def test_rotary_frequencies_of_llama_1b():
    config = LlamaConfig.from_hugging_face(
        {
            **BIG,
            "model_type": "llama",
            "num_hidden_layers": 16,
            "rope_parameters": {**LLAMA3, "original_max_position_embeddings": 8192},
        }
    )
    frequencies = rope_frequencies(config)
    for index, value in VECTORS["rope_inv_freq_check"].items():
        assert float(frequencies[int(index)]) == pytest.approx(value, rel=1e-6)
    shapes = config.tensor_shapes(tied=True)
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 1_348_515_840
    assert (len(shapes), len(config.tensor_shapes(tied=False))) == (146, 147)


def test_sharded_files(tmp_path, load):
    reference = write_model(tmp_path, False, LLAMA3, max_shard_size="100KB")
    assert (tmp_path / "model.safetensors.index.json").exists()
    model = load(tmp_path, 64)
    ids = np.arange(10)
    close(model.score(ids, model.new_cache()), reference_logits(reference, ids))


def test_the_older_dialect_of_the_configuration(tmp_path, load):
    write_model(tmp_path, True, LLAMA3)
    config = json.loads((tmp_path / "config.json").read_text())
    old = {k: v for k, v in config.items() if k != "rope_parameters"}
    old["rope_theta"] = LLAMA3["rope_theta"]
    old["rope_scaling"] = {k: v for k, v in LLAMA3.items() if k != "rope_theta"}
    ids = np.random.default_rng(2).integers(0, 203, 200)
    first = load(tmp_path)
    logits = first.prefill(ids, first.new_cache())
    (tmp_path / "config.json").write_text(json.dumps(old))
    second = load(tmp_path)
    np.testing.assert_array_equal(second.prefill(ids, second.new_cache()), logits)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "mistral"},
        {"hidden_act": "gelu"},
        {"attention_bias": True},
        {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}},
        {"num_key_value_heads": 3},
        {"hidden_size": "wide"},
    ],
)
def test_other_configurations_are_refused(change):
    config = {"model_type": "llama", **SIZES}
    sizes = LlamaConfig.from_hugging_face(config)
    llama_shape(sizes, 16)
    with pytest.raises(ValueError):
        LlamaConfig.from_hugging_face({**config, **change})
    with pytest.raises(ValueError, match="n_positions"):
        llama_shape(sizes, 4096)


def test_folders_that_do_not_fit_their_configuration_are_refused(tmp_path, load):
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        load(tmp_path)
    write_model(tmp_path, True, PLAIN)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "vocab_size": 204}))
    with pytest.raises(ValueError, match=r"embed_tokens.weight has shape \(203, 64\)"):
        load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 4}))
    with pytest.raises(ValueError, match=r"lacks tensor 'model\.layers\.3"):
        load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        load(tmp_path)


def test_a_head_that_is_announced_but_missing_is_the_embedding(tmp_path, load):
    reference = write_model(tmp_path, True, PLAIN)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    assert open_llama(tmp_path).tied
    model, ids = load(tmp_path), np.arange(10)
    close(model.score(ids, model.new_cache()), reference_logits(reference, ids))


def test_names_that_are_neither_folder_nor_repository():
    for name in ("no-such-folder", "./a/b", "/nowhere/at/all"):
        with pytest.raises(ValueError, match="OWNER/NAME"):
            find_llama(name)


def test_what_the_hub_says_is_one_line(monkeypatch, tmp_path):
    hub = pytest.importorskip("huggingface_hub")

    def of(kind):  # their constructors want a reply of the server
        plain = {"__init__": lambda self: Exception.__init__(self, "line one\nline two")}
        return type(kind.__name__, (kind,), plain)()

    for raised, kind, message in (
        (of(hub.errors.GatedRepoError), PermissionError, "accept its terms"),
        (of(hub.errors.RepositoryNotFoundError), ValueError, "no such folder or"),
        (OSError("Name or service not known\nmore"), ConnectionError, "needs no network"),
    ):

        def refuse(*_, raised=raised, **__):
            raise raised

        monkeypatch.setattr(hub, "snapshot_download", refuse)
        with pytest.raises(kind, match=message) as caught:
            find_llama("owner/name", str(tmp_path))
        assert "\n" not in str(caught.value)


def test_a_hub_name_is_downloaded_without_pickles_and_code(monkeypatch, tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    asked = {}

    def download(name, **options):
        asked.update(options, name=name)
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert find_llama("owner/name", "cache") == tmp_path
    assert (asked["name"], asked["cache_dir"]) == ("owner/name", "cache")
    assert asked["allow_patterns"] == ["*.json", "*.safetensors"]


@pytest.mark.parametrize("weights", ["float32", "int8"])
def test_cut_back_and_read_again_changes_no_bit(tmp_path, weights):
    write_model(tmp_path, True, LLAMA3)
    model = load_llama(tmp_path, 512, weights=weights, threads=2, cache_directory=tmp_path)
    ids = np.random.default_rng(3).integers(0, 203, 140)
    expected = model.score(ids, model.new_cache())[0]
    cache = model.new_cache()
    model.prefill(ids[:90], cache)
    model.prefill(ids[5:25], cache)  # to be forgotten
    cache.truncate(60)
    np.testing.assert_array_equal(model.step(ids[60:61], cache)[0], expected[60])
    np.testing.assert_array_equal(model.score(ids[61:], cache)[0], expected[61:])
