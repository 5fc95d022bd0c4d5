"""One generation step: prompts of MIDI-GPT 0.4.2, masks, streaming, results."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from typing import Any

import golden
import numpy as np
import pytest

from midigpt import Bar, Note, Score, Track, _core
from midigpt._converters import from_cpp, to_cpp
from midigpt.tokenizer import Tokenizer

TOKENIZERS = {name: Tokenizer(golden.encoder_config(name)) for name in golden.ENCODER_NAMES}
Cells = set[tuple[int, int]]


def make_step(start: int, end: int, autoregressive: bool, bars: Cells) -> _core.GenerationStep:
    step = _core.GenerationStep()
    step.start_bar, step.end_bar = start, end
    step.is_autoregressive, step.bars_to_generate = autoregressive, bars
    return step


def grammar_graph(step: _core.GenerationStep, **options: bool) -> _core.ConstraintGraph:
    grammar = _core.GrammarConstraint()
    if step.is_autoregressive:
        grammar.set_exact_bars(step.end_bar - step.start_bar)
        grammar.set_autoregressive_mode(True)
    for name, value in options.items():
        getattr(grammar, f"set_{name}")(value)
    graph = _core.ConstraintGraph()
    graph.add_constraint(grammar)
    return graph


def make_state(
    name: str, piece: Score, step: _core.GenerationStep, **options: Any
) -> _core.SessionState:
    tokenizer = TOKENIZERS[name]
    graph = options.pop("graph", None) or grammar_graph(step)
    codec = (tokenizer._vocab, graph, tokenizer._encoder, tokenizer._decoder)
    return _core.SessionState(to_cpp(piece), step, *codec, **options)


def small_piece(bars: int = 6) -> Score:
    """A lead, drums and a bass on the model grid; each bar has other pitches."""

    def track(program: int, kind: str, pitch: int) -> Track:
        made = [
            Bar([Note(pitch + b, 80, 0, 6), Note(pitch + b, 90, 12, 3)], beat_length=4.0)
            for b in range(bars)
        ]
        return Track(made, program, kind)

    tracks = [track(0, "melodic", 72), track(0, "drum", 36), track(33, "melodic", 40)]
    return Score(tracks, resolution=12)


def prompted(name: str, step: _core.GenerationStep, **options: Any) -> list[str]:
    vocab = TOKENIZERS[name]._vocab
    state = make_state(name, small_piece(), step, **options)
    return [vocab.get_type(i).name for i in state.context_tokens()]


def ids(name: str, *tokens: str | tuple[str, int]) -> list[int]:
    """Ids of tokens given by type name, or (type name, value)."""
    vocab = TOKENIZERS[name]._vocab
    pairs = [t if isinstance(t, tuple) else (t, 0) for t in tokens]
    return [vocab.encode_val(getattr(_core.TokenType, kind), value) for kind, value in pairs]


def advance(state: _core.SessionState, tokens: list[int]) -> None:
    for token in tokens:
        assert state.logit_mask_view()[token] == 1
        state.advance(token)


def pitches(score: Score, track: int) -> list[list[int]]:
    return [[n.pitch for n in bar.notes] for bar in score.tracks[track].bars]


# --- prompts ----------------------------------------------------------------------------------


def analysed(score: Score, request: dict[str, Any], name: str) -> Score:
    """The piece as a session of the reference prepares it: attributes, hidden and ignored bars."""
    analyzer = TOKENIZERS[name]._analyzer
    prompts = [p for p in request["tracks"] if not p.get("ignore")]
    piece = replace(score, tracks=[copy.deepcopy(score.tracks[p["id"]]) for p in prompts])
    for t, (prompt, track) in enumerate(zip(prompts, piece.tracks, strict=True)):
        if not prompt.get("autoregressive") or prompt["bars"][0] > 0:
            track.attributes = analyzer.compute_track_tokens(piece, t)
            for b in range(len(track.bars)):
                levels = analyzer.compute_bar_tokens(piece, t, b)
                track.attributes |= {f"bar_{kind}_{b}": n for kind, n in levels.items()}
            track.attributes |= prompt.get("attributes", {})
        for b in prompt.get("mask_bars", []):
            track.bars[b].future = True
    return TOKENIZERS[name].normalize_input(piece)


@pytest.mark.parametrize("case", golden.cases("prompts"), ids=lambda c: c["encoder"])
def test_prompts_of_the_reference(case: dict[str, Any]) -> None:
    name, request = case["encoder"], case["request"]
    piece = analysed(golden.score(case["score"]), request, name)
    plan = case["plan"][0]
    targets = {(int(t), b) for t, bars in plan["generate"].items() for b in bars}
    step = make_step(*plan["window"], plan["autoregressive"], targets)
    removed = request["config"].get("mask_mode") == "remove"
    state = make_state(
        name,
        piece,
        step,
        use_span_masks=not removed,
        remove_future_bars=removed,
        reference_defects=True,
    )
    assert state.context_tokens() == case["step0_prompt"]
    assert [list(span) for span in state.hidden_spans()] == case["hidden_spans"]
    assert state.prompt_length == len(case["step0_prompt"])


def test_an_autoregressive_prompt_ends_before_its_first_target() -> None:
    names = prompted("yellow", make_step(1, 5, True, {(0, 3), (0, 4)}))
    assert names.count("Track") == 3
    assert names.count("TrackEnd") == 2
    assert names.count("Bar") == 4 + 4 + 2
    assert names[-1] == "BarEnd"


def test_an_infill_prompt_ends_with_the_first_fill() -> None:
    names = prompted("yellow", make_step(1, 5, False, {(0, 3), (2, 4)}))
    assert names.count("FillInPlaceholder") == 2
    assert names.count("FillInStart") == 1
    assert names[-1] == "FillInStart"


def test_bar_attributes_belong_to_bars_of_the_piece() -> None:
    piece = small_piece()
    piece.tracks[0].attributes = {f"bar_BarLevelOnsetDensity_{b}": b for b in range(6)}
    step = make_step(1, 5, False, {(2, 2)})

    def levels(**options: Any) -> list[int]:
        vocab = TOKENIZERS["expressive"]._vocab
        state = make_state("expressive", piece, step, **options)
        decoded = [vocab.decode(i) for i in state.context_tokens()]
        return [v for kind, v in decoded if kind == _core.TokenType.BarLevelOnsetDensity]

    assert levels() == [1, 2, 3, 4]
    assert levels(reference_defects=True) == [0, 1, 2, 3]


def test_read_back_bar_attributes_have_numbers_of_the_piece() -> None:
    piece = small_piece()
    piece.tracks[0].attributes = {f"bar_BarLevelOnsetDensity_{b}": b for b in range(6)}
    step = make_step(1, 5, False, {(2, 2)})
    result = from_cpp(make_state("expressive", piece, step).result())
    assert result.tracks[0].attributes == piece.tracks[0].attributes


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (make_step(1, 5, False, set()), "bars_to_generate is empty"),
        (make_step(3, 3, False, {(0, 3)}), r"window \[3, 3\)"),
        (make_step(-1, 3, False, {(0, 1)}), r"window \[-1, 3\)"),
        (make_step(4, 8, False, {(0, 5)}), "ends after a track of 6 bars"),
        (make_step(1, 5, False, {(0, 5)}), r"\(0, 5\), outside the window \[1, 5\)"),
        (make_step(1, 5, False, {(3, 2)}), r"\(3, 2\); there are 3 tracks"),
        (make_step(1, 5, True, {(0, 3), (1, 3)}), "several tracks"),
        (make_step(1, 4, False, {(0, 3)}), "window of 3 bars"),
    ],
)
def test_steps_that_do_not_fit(step: _core.GenerationStep, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_state("yellow", small_piece(), step)


def test_the_piece_must_be_on_the_model_grid() -> None:
    piece = replace(small_piece(), resolution=480)
    with pytest.raises(ValueError, match="480 ticks"):
        make_state("yellow", piece, make_step(1, 5, False, {(0, 2)}))


# --- steps ------------------------------------------------------------------------------------


def test_fills_go_to_their_targets_and_know_drums() -> None:
    state = make_state("yellow", small_piece(), make_step(1, 5, False, {(0, 3), (1, 2), (2, 4)}))
    advance(state, ids("yellow", ("NoteOnset", 99), ("NoteDuration", 3), "FillInEnd"))
    advance(state, ids("yellow", "FillInStart", ("NoteOnset", 38), "FillInEnd"))
    assert not state.complete()
    assert state.bars_done == 2
    advance(state, ids("yellow", "FillInStart", ("NoteOnset", 33), ("NoteDuration", 3)))
    partial = from_cpp(state.result())
    advance(state, ids("yellow", "FillInEnd"))
    assert state.complete()
    result = from_cpp(state.result())
    assert result == partial
    assert pitches(result, 0) == [[72, 72], [73, 73], [74, 74], [99], [76, 76], [77, 77]]
    assert pitches(result, 1) == [[36, 36], [37, 37], [38], [39, 39], [40, 40], [41, 41]]
    assert pitches(result, 2) == [[40, 40], [41, 41], [42, 42], [43, 43], [33], [45, 45]]
    assert result.resolution == 12


BAR = ("Bar", ("TimeSig", 13), ("NoteOnset", 50), ("NoteDuration", 3), "BarEnd")


def test_an_autoregressive_step_ends_with_its_track() -> None:
    state = make_state("yellow", small_piece(), make_step(1, 5, True, {(0, 3)}))
    advance(state, ids("yellow", *BAR, *BAR))
    assert state.bars_done == 1
    assert not state.complete()
    advance(state, ids("yellow", "TrackEnd"))
    assert state.complete()
    # The bar after the target is as it was.
    assert pitches(from_cpp(state.result()), 0)[2:5] == [[74, 74], [50], [76, 76]]
    assert [t.instrument for t in from_cpp(state.result()).tracks] == [0, 0, 33]


def test_stop_after_bars_ends_with_the_last_target() -> None:
    step = make_step(1, 5, True, {(0, 3)})
    state = make_state("yellow", small_piece(), step, stop_after_bars=True)
    advance(state, ids("yellow", *BAR))
    assert state.complete()
    assert pitches(from_cpp(state.result()), 0)[2:5] == [[74, 74], [50], [76, 76]]
    with pytest.raises(RuntimeError, match="complete"):
        state.advance(ids("yellow", "Bar")[0])


def test_target_bars_not_reached_are_empty() -> None:
    state = make_state("yellow", small_piece(), make_step(2, 6, True, {(0, 4), (0, 5)}))
    advance(state, ids("yellow", *BAR))
    assert pitches(from_cpp(state.result()), 0)[4:] == [[50], []]


def test_hidden_bars_come_back() -> None:
    piece = small_piece()
    piece.tracks[2].bars[2].future = True
    step = make_step(1, 5, False, {(0, 3)})
    state = make_state("yellow", piece, step, use_span_masks=True)
    ((start, end),) = state.hidden_spans()
    assert state.context_tokens()[start:end] == ids("yellow", "Bar", ("TimeSig", 13), "BarEnd")
    restored = from_cpp(state.result()).tracks[2].bars[2]
    assert restored == piece.tracks[2].bars[2]
    lost = make_state("yellow", piece, step, use_span_masks=True, reference_defects=True)
    assert from_cpp(lost.result()).tracks[2].bars[2].notes == []


def test_fill_blocks_can_have_the_length_of_their_target() -> None:
    piece = small_piece()
    for track in piece.tracks:
        track.bars[3].ts_numerator = 3
    step = make_step(1, 5, False, {(0, 3)})
    first = TOKENIZERS["yellow"]._vocab.range(_core.TokenType.TimeAbsolutePos)[0]
    for own_meter, positions in ((False, 48), (True, 36)):
        graph = grammar_graph(step, fill_in_target_meter=own_meter)
        mask = make_state("yellow", piece, step, graph=graph).logit_mask_view()
        assert mask[first : first + 192].sum() == positions


def test_masks_are_those_of_the_constraints() -> None:
    step = make_step(1, 5, True, {(0, 3)})
    graph = grammar_graph(step)
    state = make_state("yellow", small_piece(), step, graph=graph)
    vocab = TOKENIZERS["yellow"]._vocab
    for token in state.context_tokens():
        graph.step(token, vocab)
    view = state.logit_mask_view()
    assert (
        state.logit_mask() == [not f for f in graph.get_mask(vocab)] == view.astype(bool).tolist()
    )
    assert view.dtype == np.uint8
    assert not view.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1


def test_a_copy_goes_its_own_way() -> None:
    state = make_state("yellow", small_piece(), make_step(1, 5, False, {(0, 3)}))
    attempt = state.copy()
    advance(attempt, ids("yellow", ("NoteOnset", 99), ("NoteDuration", 3), "FillInEnd"))
    assert attempt.complete()
    assert not state.complete()
    assert len(state.context_tokens()) == state.prompt_length
    advance(state, ids("yellow", ("NoteOnset", 98)))


# --- streaming --------------------------------------------------------------------------------


def random_token(state: _core.SessionState, vocab: _core.Vocabulary, rng: random.Random) -> int:
    """A legal token: an end of something now and then, else of a random legal type."""
    by_type: dict[str, list[int]] = {}
    for token in np.flatnonzero(state.logit_mask_view()).tolist():
        by_type.setdefault(vocab.get_type(token).name, []).append(token)
    by_type.pop("MaskBar", None)
    ends = [kind for kind in by_type if kind.endswith("End")]
    kind = rng.choice(ends if ends and rng.random() < 0.2 else sorted(by_type))
    return rng.choice(by_type[kind])


@pytest.mark.parametrize("name", golden.ENCODER_NAMES)
@pytest.mark.parametrize("autoregressive", [False, True])
def test_streamed_notes_are_those_of_the_result(name: str, autoregressive: bool) -> None:
    rng = random.Random(3)
    vocab = TOKENIZERS[name]._vocab
    targets = {(2, 2), (2, 3)} if autoregressive else {(0, 2), (0, 3), (1, 2), (2, 4)}
    for _ in range(10):
        step = make_step(1, 5, autoregressive, targets)
        graph = grammar_graph(step, fill_end_is_final=True)
        state = make_state(name, small_piece(), step, graph=graph)
        streamed: dict[tuple[int, int], list[tuple[int, ...]]] = {cell: [] for cell in targets}
        seen = 0
        for _ in range(400):
            if state.complete():
                break
            state.advance(random_token(state, vocab, rng))
            for note in state.notes_since(seen):
                seen += 1
                fields = (note.pitch, note.velocity, note.onset, note.duration, note.delta)
                streamed[note.track, note.bar].append(fields)
        tracks = from_cpp(state.result()).tracks
        for (track, bar), notes in streamed.items():
            assert notes == [
                (n.pitch, n.velocity, n.onset_ticks, n.duration_ticks, n.delta)
                for n in tracks[track].bars[bar].notes
            ]
        assert seen > 0


def test_notes_since_counts_from_the_start_of_the_step() -> None:
    state = make_state("yellow", small_piece(), make_step(1, 5, False, {(0, 3)}))
    assert state.notes_since() == []
    advance(state, ids("yellow", ("NoteOnset", 99), ("NoteDuration", 3)))
    (note,) = state.notes_since(0)
    # No velocity token yet: the level is that of the bar before, 90.
    assert (note.track, note.bar, note.pitch, note.onset, note.duration) == (0, 3, 99, 0, 4)
    assert note.velocity == 88
    assert state.notes_since(1) == []
    for index in (-1, 2):
        with pytest.raises(IndexError, match=f"index is {index}"):
            state.notes_since(index)
