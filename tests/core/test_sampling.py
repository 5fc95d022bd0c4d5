"""Sampling: against recorded distributions of MIDI-GPT 0.4.2, PyTorch's draws, and the rules."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from midigpt.inference.sampling import Draw, Filters, next_token_probabilities, reweight

GOLDEN = json.loads((Path(__file__).parents[1] / "data/golden/sampling.json").read_text())

probabilities = (
    arrays.arrays(np.float32, st.integers(1, 40), elements=st.floats(0, 1, width=32))
    .filter(lambda p: p.sum() > 1e-3)
    .map(lambda p: (p / p.sum()).astype(np.float32))
)
filters = st.builds(
    Filters,
    top_k=st.integers(0, 12),
    top_p=st.floats(0.05, 1),
    mask_k=st.integers(0, 12),
    mask_p=st.floats(0, 0.95),
)


@pytest.mark.parametrize("state", range(len(GOLDEN["states"])))
@pytest.mark.parametrize("number", range(len(GOLDEN["settings"])))
def test_recorded_distributions(state, number):
    """Logits of one state in; the probabilities that the reference drew from out."""
    state, setting = GOLDEN["states"][state], dict(GOLDEN["settings"][number])
    logits, allowed, content = (
        np.zeros(GOLDEN["vocab_size"], dtype) for dtype in (np.float32, np.bool_, np.bool_)
    )
    legal = state["legal"]
    logits[legal], allowed[legal], content[legal] = state["logits"], True, state["content"]
    temperature = setting.pop("temperature", 1.0)
    probs = next_token_probabilities(logits, allowed, temperature)
    probs = Filters(**setting).apply(probs, content)
    expected = {int(i): p for i, p in state["probs"][number].items()}
    assert np.flatnonzero(probs).tolist() == sorted(expected)
    for i, p in expected.items():
        assert probs[i] == pytest.approx(p, rel=1e-5)


class TestProbabilities:
    def test_softmax_by_hand(self):
        logits = np.log(np.array([1, 2, 5, 100], dtype=np.float32))
        allowed = np.array([True, True, True, False])
        probs = next_token_probabilities(logits, allowed)
        assert probs == pytest.approx([1 / 8, 2 / 8, 5 / 8, 0])
        probs = next_token_probabilities(logits, allowed, temperature=0.5)
        assert probs == pytest.approx([1 / 30, 4 / 30, 25 / 30, 0])

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_unusable_logits_make_all_legal_tokens_equally_likely(self, bad):
        logits = np.full(4, bad, dtype=np.float32)
        probs = next_token_probabilities(logits, np.array([True, False, True, False]))
        assert probs.tolist() == [0.5, 0, 0.5, 0]

    def test_large_logits(self):
        probs = next_token_probabilities(
            np.array([3e38, -3e38, 3e38], np.float32), np.ones(3, bool)
        )
        assert probs.tolist() == [0.5, 0, 0.5]

    def test_nothing_legal(self):
        with pytest.raises(ValueError, match="no legal token"):
            next_token_probabilities(np.zeros(3, np.float32), np.zeros(3, bool))

    @pytest.mark.parametrize("temperature", [0, -1, float("nan")])
    def test_temperature_range(self, temperature):
        with pytest.raises(ValueError, match="temperature is"):
            next_token_probabilities(np.zeros(3, np.float32), np.ones(3, bool), temperature)

    def test_reweight(self):
        probs = np.array([0.5, 0.25, 0.25], dtype=np.float32)
        assert reweight(probs, np.array([0, 1, 3], np.float32)).tolist() == [0, 0.25, 0.75]
        assert reweight(probs, np.zeros(3, np.float32)).tolist() == probs.tolist()


class TestFilters:
    PROBS = np.array([0.05, 0.4, 0.2, 0.0, 0.25, 0.1], dtype=np.float32)

    def test_off(self):
        assert Filters().off
        assert Filters().apply(self.PROBS, np.ones(6, bool)) is self.PROBS

    @pytest.mark.parametrize(
        ("values", "content", "expected"),
        [
            ({"top_k": 1}, 6, {1: 1}),
            ({"top_k": 2}, 6, {1: 0.4 / 0.65, 4: 0.25 / 0.65}),
            ({"top_k": 5}, 6, {0: 0.05, 1: 0.4, 2: 0.2, 4: 0.25, 5: 0.1}),
            ({"top_p": 0.3}, 6, {1: 1}),
            ({"top_p": 0.5}, 6, {1: 0.4 / 0.65, 4: 0.25 / 0.65}),
            # top_p is measured on all probabilities: 0.4 + 0.25 < 0.7, so three pass; top_k keeps 2
            ({"top_k": 2, "top_p": 0.7}, 6, {1: 0.4 / 0.65, 4: 0.25 / 0.65}),
            ({"mask_k": 1}, 6, {0: 0.05 / 0.6, 2: 0.2 / 0.6, 4: 0.25 / 0.6, 5: 0.1 / 0.6}),
            ({"mask_k": 4}, 6, {0: 1}),
            ({"mask_k": 5}, 6, {0: 0.05, 1: 0.4, 2: 0.2, 4: 0.25, 5: 0.1}),  # not below 5 of them
            ({"mask_p": 0.5}, 6, {0: 0.05 / 0.35, 2: 0.2 / 0.35, 5: 0.1 / 0.35}),
            ({"mask_p": 0.99}, 6, {0: 1}),  # the last survivor stays
            # ids 4 and 5 are structural: 4 counts among the first two, but stays
            ({"mask_k": 2}, 4, {0: 0.05 / 0.6, 2: 0.2 / 0.6, 4: 0.25 / 0.6, 5: 0.1 / 0.6}),
            # mask_p is measured on the survivors: 0.4 / 0.65 >= 0.6
            ({"top_k": 2, "mask_p": 0.6}, 6, {4: 1}),
        ],
    )
    def test_by_hand(self, values, content, expected):
        result = Filters(**values).apply(self.PROBS, np.arange(6) < content)
        assert {int(i): float(result[i]) for i in np.flatnonzero(result)} == pytest.approx(expected)

    @settings(deadline=None)
    @given(probs=probabilities, filters=filters, data=st.data())
    def test_follow_the_rules(self, probs, filters, data):
        content = data.draw(arrays.arrays(np.bool_, probs.shape))
        result = filters.apply(probs, content)
        assert set(np.flatnonzero(result)) == set(survivors_by_the_rules(probs, filters, content))
        assert result.sum() == pytest.approx(1, abs=1e-5)
        left = np.flatnonzero(result)
        assert result[left] / result[left].sum() == pytest.approx(
            probs[left] / probs[left].sum(), rel=1e-4, abs=1e-7
        )

    @settings(deadline=None)
    @given(probs=probabilities, k=st.integers(1, 5), p=st.floats(0, 0.9), data=st.data())
    def test_masking_never_drops_structure(self, probs, k, p, data):
        content = data.draw(arrays.arrays(np.bool_, probs.shape))
        result = Filters(mask_k=k, mask_p=p).apply(probs, content)
        assert ((result > 0) >= ((probs > 0) & ~content)).all()

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"top_k": -1}, "top_k is -1"),
            ({"mask_k": -1}, "mask_k is -1"),
            ({"top_p": 0}, "top_p is 0"),
            ({"top_p": 1.1}, "top_p is 1.1"),
            ({"top_p": float("nan")}, "top_p is nan"),
            ({"mask_p": 1}, "mask_p is 1"),
            ({"mask_p": -0.1}, "mask_p is -0.1"),
        ],
    )
    def test_ranges(self, values, message):
        with pytest.raises(ValueError, match=message):
            Filters(**values)


def survivors_by_the_rules(probs, filters, content) -> list[int]:
    """The rules read aloud, one id after the other; sums as the reference rounds them."""
    order = sorted(range(len(probs)), key=lambda i: -probs[i])
    possible = [i for i in order if probs[i] > 0]
    keep = set(possible)
    if 0 < filters.top_k < len(possible):
        keep &= set(order[: filters.top_k])
    if filters.top_p < 1:
        total, nucleus = 0.0, []
        for i in order:
            nucleus.append(i)
            total += float(probs[i])
            if np.float32(total) >= np.float32(filters.top_p):
                break
        keep &= set(nucleus)
    kept = [i for i in order if i in keep]
    share = sum(float(probs[i]) for i in kept)
    drop = set()
    if 0 < filters.mask_k < len(kept):
        drop |= set(kept[: filters.mask_k])
    if filters.mask_p > 0:
        total, first = 0.0, []
        for i in kept:
            first.append(i)
            total += float(np.float32(probs[i] / np.float32(share)))
            if np.float32(total) >= np.float32(filters.mask_p):
                break
        drop |= set(first[: len(kept) - 1])
    left = [i for i in kept if not (i in drop and content[i])]
    return left or possible


class TestDraw:
    @settings(deadline=None)
    @given(seed=st.integers(0, 2**33), probs=probabilities)
    def test_draws_what_pytorch_draws(self, seed, probs):
        torch = pytest.importorskip("torch")
        generator = torch.Generator().manual_seed(seed)
        draw, tensor = Draw(seed), torch.from_numpy(probs)
        theirs = [int(torch.multinomial(tensor, 1, generator=generator)) for _ in range(5)]
        assert [draw.token(probs) for _ in range(5)] == theirs

    def test_equals_the_global_generator_over_a_long_run(self):
        torch = pytest.importorskip("torch")
        probs = np.random.default_rng(0).dirichlet(np.full(647, 0.1)).astype(np.float32)
        draw, tensor = Draw(7), torch.from_numpy(probs)
        with torch.random.fork_rng():
            torch.manual_seed(7)
            theirs = [int(torch.multinomial(tensor, 1)) for _ in range(500)]
        assert [draw.token(probs) for _ in range(500)] == theirs

    def test_frequencies(self):
        probs = np.array([0.5, 0.3, 0.0, 0.2], dtype=np.float32)
        draw = Draw(1)
        counts = np.bincount([draw.token(probs) for _ in range(10_000)], minlength=4)
        assert counts[2] == 0
        assert counts / 10_000 == pytest.approx(probs, abs=0.02)  # 4 standard deviations

    def test_runs_do_not_disturb_each_other(self):
        """Other threads, and users of numpy's and PyTorch's global generators, change nothing."""
        probs = np.full(50, 0.02, dtype=np.float32)
        draw = Draw(3)
        alone = [draw.token(probs) for _ in range(300)]
        results: dict[int, list[int]] = {}

        def run(number: int) -> None:
            own = Draw(3)
            results[number] = []
            for _ in range(300):
                np.random.rand()
                results[number].append(own.token(probs))

        threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(results.values()) == [alone] * 4

    def test_negative_seed(self):
        with pytest.raises(ValueError, match="seed is -1"):
            Draw(-1)
