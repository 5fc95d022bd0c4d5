"""The native engine against PyTorch, Hugging Face and recorded logits."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from midigpt import _native
from midigpt.inference import InferenceEngine
from midigpt.inference.model import AttentionProbe, Cache, LanguageModel
from midigpt.inference.model.native import NativeModel, gpt2_shape
from midigpt.score import Score

GOLDEN = json.loads((Path(__file__).parents[1] / "data/golden/gpt2.json").read_text())
#: Width 48 and heads of 12 are no multiples of the kernels' 16 lanes.
GPT2_SIZES = {"vocab_size": 97, "n_positions": 320, "n_embd": 48, "n_layer": 3, "n_head": 4}
VARIANTS = _native.kernel_variants()


def close(ours, theirs, tolerance: float = 1e-4) -> None:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < tolerance * np.abs(theirs).max()


def tokens(count: int, seed: int = 1, vocab: int = 97) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, vocab, count).astype(np.int32)


def exact(
    shape: _native.ModelShape, file: Path, kernels: str = "", threads: int = 2
) -> NativeModel:
    """A model in float32 throughout, on the given kernels."""
    return NativeModel(
        _native.Transformer(
            shape,
            [str(file)],
            weights=_native.WeightType.FLOAT32,
            cache=_native.CacheType.FLOAT32,
            threads=threads,
            kernels=kernels,
        )
    )


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    """A random GPT-2 in PyTorch with far-from-uniform attention, and its checkpoint."""
    torch = pytest.importorskip("torch")
    from midigpt.inference.model import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(**GPT2_SIZES)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3, generator=generator)
    path = tmp_path_factory.mktemp("gpt2") / "model.safetensors"
    model.save_pretrained(path)
    return model, path


@pytest.fixture(scope="module")
def native(gpt2) -> NativeModel:
    return exact(gpt2_shape(GPT2_SIZES), gpt2[1])


def golden_model(folder: Path) -> NativeModel:
    tensors = {}
    for index, (name, shape) in enumerate(GOLDEN["tensors"]):
        values = 0.4 * np.sin(0.7 * np.arange(np.prod(shape)) + 1.3 * index)
        tensors[name] = values.reshape(shape).astype(np.float32)
    file = folder / "golden.safetensors"
    save_file(tensors, file)
    return exact(gpt2_shape(GOLDEN["config"]), file)


def test_recorded_logits_of_the_formula_model(tmp_path):
    model = golden_model(tmp_path)
    close(model.score(GOLDEN["ids"], model.new_cache())[0], GOLDEN["logits"])
    mask = np.ones(len(GOLDEN["ids"]), dtype=bool)
    mask[[2, 3]] = False
    close(
        model.score(GOLDEN["ids"], model.new_cache(), key_mask=mask)[0], GOLDEN["logits_key_mask"]
    )


def test_it_is_a_language_model(native):
    assert isinstance(native, LanguageModel)
    assert isinstance(native, AttentionProbe)
    assert isinstance(native.new_cache(), Cache)


@pytest.mark.parametrize("kernels", VARIANTS)
def test_logits_equal_pytorch_up_to_the_full_context(gpt2, kernels):
    reference, path = gpt2
    model = exact(gpt2_shape(GPT2_SIZES), path, kernels)
    ids = tokens(model.n_positions)
    close(model.score(ids, model.new_cache()), reference.score(ids, reference.new_cache()))


def test_logits_equal_hugging_face(gpt2, native):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    reference, _ = gpt2
    config = transformers.GPT2Config(
        **GPT2_SIZES, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0
    )
    twin = transformers.GPT2LMHeadModel(config).eval()
    twin.load_state_dict(reference.state_dict())
    ids = tokens(native.n_positions)
    with torch.no_grad():
        logits = twin(torch.from_numpy(ids[None].astype(np.int64))).logits
    close(native.score(ids, native.new_cache()), logits)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_steps_blocks_and_cut_back_equal_one_reading(gpt2, threads):
    model = exact(gpt2_shape(GPT2_SIZES), gpt2[1], threads=threads)
    ids = tokens(60)
    whole = model.score(ids, model.new_cache())[0]

    cache = model.new_cache()
    close(model.prefill(ids[:20], cache)[0], whole[19])
    model.prefill(tokens(25, seed=7), cache)  # to be forgotten
    cache.truncate(20)
    for i in range(20, 40):
        close(model.step([ids[i]], cache)[0], whole[i])
    close(model.score(ids[40:], cache)[0], whole[40:])


def test_hidden_and_skipped_tokens_equal_pytorch(gpt2, native):
    reference, _ = gpt2
    ids = tokens(50)
    shown = np.ones(50, dtype=bool)
    shown[[0, *range(8, 18), 49]] = False
    ours, theirs = native.new_cache(), reference.new_cache()
    close(
        native.score(ids, ours, key_mask=shown),
        reference.score(ids, theirs, key_mask=shown),
    )
    close(native.step([5], ours), reference.step([5], theirs))


def test_skipping_is_the_same_mathematics_as_hiding(native):
    ids = tokens(50)
    shown = np.ones(50, dtype=bool)
    shown[8:18] = False
    kept = np.flatnonzero(shown)
    hidden, skipped = native.new_cache(), native.new_cache()
    close(
        native.prefill(ids, hidden, key_mask=shown),
        native.prefill(ids[kept], skipped, positions=kept),
    )
    close(native.step([5], hidden), native.step([5], skipped))


def test_a_batch_equals_its_rows(native):
    rows = [tokens(30, seed) for seed in range(5)]
    batch = native.new_cache(5)
    together = native.prefill(np.stack(rows), batch)
    last = np.arange(5)
    for row, ids in enumerate(rows):
        alone = native.new_cache()
        close(together[row], native.prefill(ids, alone)[0])
    stepped = native.step(last, batch)
    picked = batch.select([3, 1])
    close(native.step([7, 8], picked)[0], native.score([*rows[3], 3, 7], native.new_cache())[0, -1])
    close(stepped[1], native.score([*rows[1], 1], native.new_cache())[0, -1])


def test_sequences_of_unequal_length_advance_together(native):
    transformer = native.transformer
    long, short = transformer.new_sequence(), transformer.new_sequence()
    ids = tokens(40)
    transformer.forward([long], [ids[:30]])
    both = transformer.forward([long, short], [ids[30:31], ids[:9]])
    close(both[0], native.prefill(ids[:31], native.new_cache())[0])
    close(both[1], native.prefill(ids[:9], native.new_cache())[0])


def test_last_attention_equals_pytorch(gpt2, native):
    ids = tokens(23)
    close(native.last_attention(ids), gpt2[0].last_attention(ids))
    close(native.last_attention(ids[:1]), np.ones((3, 1)))


def test_vocabulary_slices_give_the_same_logits(native):
    sequence, ids = native.transformer.new_sequence(), tokens(9)
    logits = native.transformer.forward([sequence], [ids], slices=[(3, 20), (33, 97)])[0]
    whole = native.prefill(ids, native.new_cache())[0]
    for first, last in ((3, 20), (33, 97)):
        np.testing.assert_array_equal(logits[first:last], whole[first:last])


def test_shared_prefix_looks_at_ids_positions_and_hidden_tokens(native):
    sequence, ids = native.transformer.new_sequence(), tokens(10)
    shown = np.ones(10, dtype=bool)
    shown[4] = False
    native.transformer.forward([sequence], [ids], key_masks=[shown])
    assert sequence.shared_prefix(ids, None, shown) == 10
    assert sequence.shared_prefix(ids[:7], None, shown[:7]) == 7
    assert sequence.shared_prefix(ids) == 4
    changed = ids.copy()
    changed[2] += 1
    assert sequence.shared_prefix(changed, None, shown) == 2
    assert sequence.shared_prefix(ids, np.arange(10, dtype=np.int32) + 1, shown) == 0


@pytest.mark.parametrize(("weights", "tolerance"), [("bfloat16", 0.02), ("int8", 0.1)])
def test_smaller_weights_stay_near_float32(gpt2, native, tmp_path, weights, tolerance):
    ids = tokens(100)
    exact_logits = native.score(ids, native.new_cache())
    for _ in range(2):  # packed, then read back from the cache directory
        model = NativeModel.from_checkpoint(gpt2[1], weights, 2, tmp_path)
        close(model.score(ids, model.new_cache()), exact_logits, tolerance)
        assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:100] + b"\xff" + b[101:]])
def test_a_damaged_cache_file_is_replaced(gpt2, tmp_path, damage):
    ids = tokens(20)
    model = NativeModel.from_checkpoint(gpt2[1], cache_directory=tmp_path)
    logits = model.prefill(ids, model.new_cache())
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    file.write_bytes(damage(good))
    model = NativeModel.from_checkpoint(gpt2[1], cache_directory=tmp_path)
    np.testing.assert_array_equal(model.prefill(ids, model.new_cache()), logits)
    assert file.read_bytes() == good


def test_bad_input_changes_nothing(native):
    cache = native.new_cache()
    native.prefill(tokens(10), cache)
    for call in (
        lambda: native.prefill([], cache),
        lambda: native.prefill([97], cache),
        lambda: native.prefill([-1], cache),
        lambda: native.prefill([1], cache, positions=[320]),
        lambda: native.prefill([1, 2], cache, positions=[3]),
        lambda: native.prefill([1, 2], cache, key_mask=[True]),
        lambda: native.prefill(tokens(311), cache),
        lambda: native.step([1, 2], cache),
        lambda: cache.truncate(11),
        lambda: cache.select([1]),
        lambda: native.new_cache(0),
    ):
        with pytest.raises(ValueError):
            call()
    assert cache.length == 10


def test_a_cache_of_another_model_is_refused(native, tmp_path):
    other = golden_model(tmp_path)
    with pytest.raises(TypeError):
        native.prefill([1], other.new_cache())
    with pytest.raises(ValueError):
        native.transformer.forward([other.transformer.new_sequence()], [tokens(1)])


def test_a_missing_or_misshapen_tensor_is_named(gpt2):
    sizes = {**GPT2_SIZES, "n_layer": 4}
    with pytest.raises(RuntimeError, match=r"transformer\.h\.3"):
        exact(gpt2_shape(sizes), gpt2[1])
    with pytest.raises(RuntimeError, match=r"lm_head|wte"):
        exact(gpt2_shape({**GPT2_SIZES, "vocab_size": 96}), gpt2[1])


def test_a_set_flag_cancels_and_leaves_the_sequence(native):
    sequence, flag = native.transformer.new_sequence(), _native.CancelFlag()
    native.transformer.forward([sequence], [tokens(5)])
    flag.set()
    assert native.transformer.forward([sequence], [tokens(5)], cancel=flag) is None
    assert sequence.length == 5


@pytest.mark.parametrize("kernels", VARIANTS)
@pytest.mark.parametrize("kind", ["INT8", "BFLOAT16", "FLOAT32"])
def test_company_and_portions_change_no_bit(gpt2, kernels, kind):
    """What lets a cache be cut back and read on anywhere: results do not depend on who is along."""
    transformer = _native.Transformer(
        gpt2_shape(GPT2_SIZES),
        [str(gpt2[1])],
        weights=getattr(_native.WeightType, kind),
        cache=getattr(_native.CacheType, "FLOAT16" if kind == "BFLOAT16" else kind),
        threads=2,
        kernels=kernels,
    )
    ids, shown = tokens(97), np.ones(97, dtype=bool)
    shown[[3, *range(20, 31)]] = False
    whole, parts = transformer.new_sequence(), transformer.new_sequence()
    expected = transformer.forward([whole], [ids], key_masks=[shown], every=True)
    begin, others = 0, [transformer.new_sequence() for _ in range(9)]
    for count, company in [(1, 0), (2, 3), (7, 1), (40, 9), (3, 0), (5, 2), (39, 4)]:
        part = slice(begin, begin + count)
        rows = transformer.forward(
            [*others[:company], parts],
            [*[tokens(4, seed) for seed in range(company)], ids[part]],
            key_masks=[*[np.ones(4, dtype=bool)] * company, shown[part]],
            every=True,
        )
        np.testing.assert_array_equal(rows[4 * company :], expected[part])
        begin += count
    parts.cut(50)
    again = transformer.forward([parts], [ids[50:]], key_masks=[shown[50:]], every=True)
    np.testing.assert_array_equal(again, expected[50:])


@pytest.mark.parametrize("kernels", VARIANTS)
def test_an_int8_cache_is_close_to_an_exact_one(gpt2, kernels):
    """Weights in float32, so that the roundings of keys and values are all that differs."""
    ids, shown = tokens(200), np.ones(200, dtype=bool)
    shown[50:70] = False
    rows = []
    for cache in (_native.CacheType.FLOAT32, _native.CacheType.INT8):
        transformer = _native.Transformer(
            gpt2_shape(GPT2_SIZES),
            [str(gpt2[1])],
            weights=_native.WeightType.FLOAT32,
            cache=cache,
            kernels=kernels,
        )
        sequence = transformer.new_sequence()
        transformer.forward([sequence], [ids[:150]], key_masks=[shown[:150]])
        sequence.nullify(80, 90)
        twin = sequence.copy()  # reads on with the scales of the original
        rows.append(transformer.forward([twin], [ids[150:]], every=True))
        again = transformer.forward([sequence], [ids[150:]], every=True)
        np.testing.assert_array_equal(again, rows[-1])
    assert not np.array_equal(*rows)
    close(rows[1], rows[0], 0.05)


def test_int8_hardly_changes_what_the_bundled_model_thinks_of_music():
    exact, rounded = (InferenceEngine.from_pretrained(weights=w) for w in ("float32", "int8"))
    losses, agree = [[], []], []
    for path in sorted((Path(__file__).parents[1] / "data" / "midi").glob("*.mid")):
        score = Score.from_midi(path)
        for start in range(0, len(score.tracks[0].bars) - 7, 8):
            window = replace(
                score,
                tracks=[replace(t, bars=t.bars[start : start + 8]) for t in score.tracks[:4]],
            )
            ids = np.asarray(exact.tokenizer.encode(window))[: exact.model.n_positions]
            rows = [e.model.score(ids, e.model.new_cache())[0, :-1] for e in (exact, rounded)]
            agree.append(rows[0].argmax(axis=1) == rows[1].argmax(axis=1))
            for loss, logits in zip(losses, rows, strict=True):
                logits = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
                chosen = logits[np.arange(len(logits)), ids[1:]]
                loss.append(np.log(np.exp(logits).sum(axis=1)) - chosen)
    agreement = np.concatenate(agree)
    means = [np.concatenate(loss).mean() for loss in losses]
    assert len(agreement) > 2000
    assert agreement.mean() >= 0.98
    assert means[1] <= 1.005 * means[0]
