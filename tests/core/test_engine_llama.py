"""The native engine on Llama shapes, against Hugging Face."""

import json

import numpy as np
import pytest

from midigpt.inference.model.native import NativeModel
from midigpt.inference.model.native_llama import llama_shape, load_llama

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}


def write_model(folder, tied: bool, rope: dict, **options):
    config = transformers.LlamaConfig(
        vocab_size=203,
        hidden_size=64,
        intermediate_size=112,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
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
            parameter.normal_(0, 0.2)
    model.save_pretrained(folder, **options)
    return model


def reference_logits(model, ids: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(ids[None].astype(np.int64))).logits.numpy()


def close(ours, theirs, tolerance: float = 1e-4) -> None:
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < tolerance * np.abs(theirs).max()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("rope", [{"rope_type": "default", "rope_theta": 10000.0}, LLAMA3])
def test_logits_equal_hugging_face_up_to_the_full_context(tmp_path, tied, rope):
    reference = write_model(tmp_path, tied, rope)
    model = load_llama(tmp_path, 512, "float32", 2)
    ids = np.random.default_rng(0).integers(0, 203, 512)
    expected = reference_logits(reference, ids)
    cache = model.new_cache()
    close(model.score(ids[:300], cache), expected[:, :300])
    for i in range(300, 305):
        close(model.step(ids[i : i + 1], cache), expected[:, i])
    close(model.score(ids[305:], cache), expected[:, 305:])


def test_hidden_tokens_and_batches(tmp_path):
    reference = write_model(tmp_path, True, LLAMA3)
    model = load_llama(tmp_path, 512, "float32", 2)
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


def test_sharded_files(tmp_path):
    reference = write_model(tmp_path, False, LLAMA3, max_shard_size="100KB")
    assert (tmp_path / "model.safetensors.index.json").exists()
    model: NativeModel = load_llama(tmp_path, 64, "float32")
    ids = np.arange(10)
    close(model.score(ids, model.new_cache()), reference_logits(reference, ids))


def test_the_older_dialect_of_the_configuration(tmp_path):
    write_model(tmp_path, True, LLAMA3)
    config = json.loads((tmp_path / "config.json").read_text())
    old = {k: v for k, v in config.items() if k != "rope_parameters"}
    old["rope_theta"] = LLAMA3["rope_theta"]
    old["rope_scaling"] = {k: v for k, v in LLAMA3.items() if k != "rope_theta"}
    ids = np.random.default_rng(2).integers(0, 203, 200)
    first = load_llama(tmp_path, 512, "float32")
    logits = first.prefill(ids, first.new_cache())
    (tmp_path / "config.json").write_text(json.dumps(old))
    second = load_llama(tmp_path, 512, "float32")
    np.testing.assert_array_equal(second.prefill(ids, second.new_cache()), logits)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "mistral"},
        {"hidden_act": "gelu"},
        {"attention_bias": True},
        {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}},
        {"num_key_value_heads": 3},
    ],
)
def test_other_configurations_are_refused(change):
    config = {
        "model_type": "llama",
        "vocab_size": 8,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
    }
    llama_shape(config, 16)
    with pytest.raises(ValueError):
        llama_shape({**config, **change}, 16)
    with pytest.raises(ValueError, match="n_positions"):
        llama_shape(config, 4096)


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
