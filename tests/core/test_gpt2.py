"""GPT-2: against recorded logits, against Hugging Face's implementation, and its cache."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from midigpt.inference.model import (  # noqa: E402
    AttentionProbe,
    Cache,
    GPT2Config,
    GPT2LMHeadModel,
    LanguageModel,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "data/golden/gpt2.json").read_text())
CONFIG = GPT2Config(vocab_size=97, n_positions=128, n_embd=48, n_layer=3, n_head=4)


def random_model(config: GPT2Config = CONFIG, seed: int = 0, scale: float = 0.3) -> GPT2LMHeadModel:
    """All parameters N(0, scale): logits of scale 3 and attention that is far from uniform."""
    generator = torch.Generator().manual_seed(seed)
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, scale, generator=generator)
    return model


def hugging_face(model: GPT2LMHeadModel):
    """Hugging Face's GPT-2 with the same weights and an untied head."""
    transformers = pytest.importorskip("transformers")
    cfg = model.cfg
    config = transformers.GPT2Config(
        vocab_size=cfg.vocab_size,
        n_positions=cfg.n_positions,
        n_embd=cfg.n_embd,
        n_layer=cfg.n_layer,
        n_head=cfg.n_head,
        tie_word_embeddings=False,
        attn_implementation="eager",
    )
    twin = transformers.GPT2LMHeadModel(config).eval()
    twin.load_state_dict(model.state_dict())
    return twin


def tokens(count: int, seed: int = 1, rows: int | None = None) -> np.ndarray:
    size = count if rows is None else (rows, count)
    return np.random.default_rng(seed).integers(0, CONFIG.vocab_size, size)


def close(ours, theirs, tolerance: float = 1e-4) -> None:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < tolerance * np.abs(theirs).max()


class TestGolden:
    """Weights given by a formula; logits recorded from MIDI-GPT 0.4.2."""

    @pytest.fixture
    def model(self) -> GPT2LMHeadModel:
        model = GPT2LMHeadModel(GPT2Config(**GOLDEN["config"])).eval()
        state = {}
        for t, (name, shape) in enumerate(GOLDEN["tensors"]):
            values = [0.4 * math.sin(0.7 * i + 1.3 * t) for i in range(math.prod(shape))]
            state[name] = torch.tensor(values).reshape(shape)
        model.load_state_dict(state)
        return model

    def test_logits(self, model):
        logits = model.score(GOLDEN["ids"], model.new_cache())[0]
        assert np.abs(logits - np.array(GOLDEN["logits"])).max() < 1e-5

    def test_logits_with_hidden_keys(self, model):
        visible = [i not in (2, 3) for i in range(len(GOLDEN["ids"]))]
        logits = model.score(GOLDEN["ids"], model.new_cache(), key_mask=visible)[0]
        assert np.abs(logits - np.array(GOLDEN["logits_key_mask"])).max() < 1e-5


class TestAgainstHuggingFace:
    @pytest.mark.parametrize("count", [1, 2, 40, 128])
    def test_logits(self, count):
        model = random_model()
        ids = torch.from_numpy(tokens(count))[None]
        with torch.no_grad():
            close(model(ids)[0], hugging_face(model)(ids).logits)

    def test_hidden_keys(self):
        model, ids, visible = random_model(), tokens(60), np.ones(60, dtype=bool)
        visible[[5, 6, 7, 30, 31, 58]] = False
        mask = torch.from_numpy(visible)[None]
        with torch.no_grad():
            theirs = hugging_face(model)(
                torch.from_numpy(ids)[None],
                attention_mask=mask.long(),
                position_ids=torch.arange(60)[None],
            ).logits
            close(model(torch.from_numpy(ids)[None], key_mask=mask)[0], theirs)
        close(model.score(ids, model.new_cache(), key_mask=visible), theirs)

    def test_positions(self):
        model, ids = random_model(), tokens(20)
        positions = np.array([0, 1, 2, 9, 10, 11, 12, 40, 41, *range(60, 71)])
        with torch.no_grad():
            theirs = hugging_face(model)(
                torch.from_numpy(ids)[None], position_ids=torch.from_numpy(positions)[None]
            ).logits
        close(model.score(ids, model.new_cache(), positions=positions), theirs)

    def test_gradients(self):
        model, ids = random_model(scale=0.1), torch.from_numpy(tokens(30, rows=2))
        twin = hugging_face(model)
        for logits in (model(ids)[0], twin(ids).logits):
            predicted, following = logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()
            torch.nn.functional.cross_entropy(predicted, following).backward()
        theirs = dict(twin.named_parameters())
        for name, parameter in model.named_parameters():
            close(parameter.grad, theirs[name].grad, 1e-3)


class TestCache:
    """Reading tokens in any portions gives what reading them at once gives."""

    @pytest.fixture
    def model(self) -> GPT2LMHeadModel:
        return random_model()

    def test_is_what_the_interface_says(self, model):
        assert isinstance(model, LanguageModel)
        assert isinstance(model, AttentionProbe)
        assert isinstance(model.new_cache(), Cache)
        assert (model.vocab_size, model.n_positions) == (97, 128)

    def test_portions(self, model):
        ids = tokens(128)
        whole = model.score(ids, model.new_cache())[0]
        cache = model.new_cache()
        close(model.prefill(ids[:50], cache)[0], whole[49])
        close(model.score(ids[50:90], cache)[0], whole[50:90])
        for i in range(90, 128):
            close(model.step([ids[i]], cache)[0], whole[i])
        assert cache.length == 128

    def test_hidden_tokens_stay_hidden(self, model):
        ids, visible = tokens(40), np.ones(40, dtype=bool)
        visible[10:20] = False
        whole = model.score(ids, model.new_cache(), key_mask=visible)[0]
        cache = model.new_cache()
        model.prefill(ids[:30], cache, key_mask=visible[:30])
        for i in range(30, 40):
            close(model.step([ids[i]], cache)[0], whole[i])

    def test_hiding_equals_skipping(self, model):
        ids, kept = tokens(40), np.r_[0:10, 20:30]
        visible = np.isin(np.arange(30), kept)
        hiding, skipping = model.new_cache(), model.new_cache()
        close(
            model.prefill(ids[:30], hiding, key_mask=visible),
            model.prefill(ids[kept], skipping, positions=kept),
        )
        for i in range(30, 40):
            close(model.step([ids[i]], hiding), model.step([ids[i]], skipping))

    def test_explicit_position_of_a_step(self, model):
        ids = tokens(12)
        cache = model.new_cache()
        whole = model.score(ids, model.new_cache(), positions=[*range(10), 20, 21])[0]
        model.prefill(ids[:10], cache)
        close(model.step([ids[10]], cache, position=20)[0], whole[10])
        close(model.step([ids[11]], cache)[0], whole[11])

    def test_cutting_back_leaves_no_trace(self, model):
        ids, other = tokens(30), tokens(30, seed=2)
        cache = model.new_cache()
        hidden = np.arange(30) % 3 > 0
        model.prefill(ids[:12], cache)
        model.prefill(other, cache, positions=np.arange(50, 80), key_mask=hidden)
        cache.truncate(12)
        fresh = model.new_cache()
        close(model.prefill(ids[12:], cache), model.prefill(ids, fresh))

    def test_rows_do_not_mix(self, model):
        ids = tokens(25, rows=3)
        together = model.score(ids, model.new_cache(3))
        for row in range(3):
            close(together[row], model.score(ids[row], model.new_cache())[0])

    def test_fork_and_drop(self, model):
        prompt, ends = tokens(20), tokens(5, seed=3, rows=3)
        cache = model.new_cache()
        model.prefill(prompt, cache, key_mask=np.arange(20) != 4)
        fork = cache.select([0, 0, 0])
        assert (fork.rows, fork.length, cache.rows) == (3, 20, 1)
        model.prefill(ends, fork)
        two = fork.select([2, 0])
        logits = model.step([7, 8], two)
        for row, end, last in ((0, 2, 7), (1, 0, 8)):
            ids = [*prompt, *ends[end], last]
            alone = model.prefill(ids, model.new_cache(), key_mask=np.arange(26) != 4)
            close(logits[row], alone[0])

    def test_rows_of_different_lengths_padded_on_the_left(self, model):
        short, long = tokens(6), tokens(10, seed=4)
        ids = np.array([[0] * 4 + [*short], [*long]])
        positions = [[0] * 4 + [*range(6)], [*range(10)]]
        visible = np.array([[False] * 4 + [True] * 6, [True] * 10])
        cache = model.new_cache(2)
        logits = model.prefill(ids, cache, positions=positions, key_mask=visible)
        close(logits[0], model.prefill(short, model.new_cache())[0])
        close(logits[1], model.prefill(long, model.new_cache())[0])
        logits = model.step([1, 1], cache)
        close(logits[0], model.prefill([*short, 1], model.new_cache())[0])

    def test_a_token_that_sees_nothing_gets_no_nan(self, model):
        logits = model.score([3, 4, 5], model.new_cache(), key_mask=np.array([False, True, True]))
        assert np.isfinite(logits).all()

    def test_last_attention(self, model):
        twin, ids = hugging_face(model), tokens(33)
        with torch.no_grad():
            theirs = twin(torch.from_numpy(ids)[None], output_attentions=True).attentions
        expected = np.stack([layer[0, :, -1].mean(dim=0) for layer in theirs])
        assert np.abs(model.last_attention(ids) - expected).max() < 1e-5
        assert model.last_attention([5]).tolist() == [[1.0]] * 3

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda m, c: m.prefill([], c), "ids has shape"),
            (lambda m, c: m.prefill([0.5], c), "integers"),
            (lambda m, c: m.prefill([97], c), "ids contains 97; 0..96"),
            (lambda m, c: m.prefill([-1], c), "ids contains -1"),
            (lambda m, c: m.prefill([1] * 126, c), "126 tokens after 3"),
            (lambda m, c: m.prefill([[1], [1]], c), "ids has 2 rows"),
            (lambda m, c: m.prefill([1, 2], c, positions=[4]), "positions has 1 entries"),
            (lambda m, c: m.prefill([1], c, positions=[128]), "positions contains 128; 0..127"),
            (lambda m, c: m.prefill([1], c, key_mask=[True, True]), "key_mask has shape"),
            (lambda m, c: m.prefill([1], c, key_mask=np.array([1])), "key_mask"),
            (lambda m, c: m.step([1, 2], c), "ids has 2 tokens"),
            (lambda m, c: m.step([1], c, position=-1), "positions contains -1"),
            (lambda m, c: c.truncate(4), "length is 4; the cache holds 0..3"),
            (lambda m, c: c.select([1]), "rows is"),
            (lambda m, c: c.select([]), "rows is"),
            (lambda m, c: m.new_cache(0), "batch is 0"),
        ],
    )
    def test_bad_input_changes_nothing(self, model, call, message):
        cache = model.new_cache()
        model.prefill([1, 2, 3], cache)
        with pytest.raises(ValueError, match=message):
            call(model, cache)
        assert cache.length == 3
        close(model.step([4], cache), model.prefill([1, 2, 3, 4], model.new_cache()))

    def test_cache_of_another_model_is_refused(self, model):
        other = random_model(GPT2Config(97, 64, 48, 3, 4))
        with pytest.raises(TypeError, match="new_cache"):
            model.prefill([1], other.new_cache())


class TestInterfaceOfMidiGpt:
    """The methods scripts written for MIDI-GPT 0.4.2 call."""

    def test_cached_equals_uncached(self):
        model, ids = random_model(), torch.from_numpy(tokens(20))[None]
        with torch.no_grad():
            whole, _ = model(ids)
            first, past = model(ids[:, :15], model.make_empty_kv())
            second, past = model(ids[:, 15:], past)
        close(torch.cat((first, second), dim=1), whole)
        assert model.kv_length(past) == 20
        assert past[0][0].shape == (1, 4, 20, 12)
        assert model.max_context() == 128

    def test_key_mask_spans_past_and_new_tokens(self):
        model, ids = random_model(), torch.from_numpy(tokens(20))[None]
        visible = torch.ones(20, dtype=torch.bool)
        visible[4:9] = False
        with torch.no_grad():
            whole, _ = model(ids, key_mask=visible)
            _, past = model(ids[:, :15], key_mask=visible[:15])
            end, _ = model(ids[:, 15:], past, key_mask=visible[None])
        close(end, whole[:, 15:])

    def test_null_positions_in_place(self):
        model = random_model()
        with torch.no_grad():
            _, past = model(torch.from_numpy(tokens(6))[None])
        before = past[1][0][:, :, 3].clone()
        model.kv_null_positions(past, [(1, 3)])
        assert (past[1][0][:, :, 1:3] == -10000).all()
        assert (past[1][1][:, :, 1:3] == 0).all()
        assert (past[1][0][:, :, 3] == before).all()

    def test_hooks_see_weights_outputs_and_logits(self):
        model, ids = random_model(), torch.from_numpy(tokens(9))[None]
        calls = []
        hooks = {name: lambda *args: calls.append(args) for name in ("attn", "hidden", "logits")}
        with torch.no_grad():
            logits, _, captured = model.forward_with_hooks(ids, None, hooks)
            close(logits, model(ids)[0])
            twin = hugging_face(model)(ids, output_attentions=True, output_hidden_states=True)
        for ours, theirs in zip(captured["attn"], twin.attentions, strict=True):
            close(ours, theirs)
        close(captured["hidden"][0], twin.hidden_states[1])
        assert [len(args) for args in calls] == [2, 2] * 3 + [1]
