"""The grammar and the other constraints against masks recorded from MIDI-GPT 0.4.2."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import golden
import numpy as np
import pytest

from midigpt import _core

VOCABULARIES = {
    name: _core.Vocabulary(golden.complete_config(name)) for name in golden.ENCODER_NAMES
}


def grammar(**flags: Any) -> _core.GrammarConstraint:
    constraint = _core.GrammarConstraint()
    for name, value in flags.items():
        setter = "autoregressive_mode" if name == "autoregressive" else name
        getattr(constraint, f"set_{setter}")(value)
    return constraint


def graph(*constraints: _core.Constraint) -> _core.ConstraintGraph:
    out = _core.ConstraintGraph()
    for constraint in constraints:
        out.add_constraint(constraint)
    return out


def ranges(allowed: np.ndarray) -> list[list[int]]:
    """Maximal runs [start, end) of allowed ids."""
    edges = np.flatnonzero(np.diff(np.r_[0, allowed, 0].astype(np.int8)))
    return [[int(a), int(b)] for a, b in zip(edges[::2], edges[1::2], strict=True)]


def allowed_types(g: _core.ConstraintGraph, vocab: _core.Vocabulary) -> set[str]:
    return {vocab.get_type(int(i)).name for i in np.flatnonzero(g.allowed(vocab))}


def walk(g: _core.ConstraintGraph, vocab: _core.Vocabulary, *tokens: str | tuple[str, int]) -> None:
    """Step through tokens given by type name, or (type name, value)."""
    for token in tokens:
        name, value = token if isinstance(token, tuple) else (token, 0)
        g.step(vocab.encode_val(getattr(_core.TokenType, name), value), vocab)


def cases(name: str) -> list[Any]:
    return [
        pytest.param(case, id=f"{case['encoder']}-{i}") for i, case in enumerate(golden.cases(name))
    ]


def check_walk(g: _core.ConstraintGraph, case: dict[str, Any]) -> None:
    vocab = VOCABULARIES[case["encoder"]]
    for expected, token in zip_longest(case["allowed_before_each"], case["ids"]):
        assert ranges(g.allowed(vocab)) == expected
        if token is not None:
            g.step(token, vocab)


@pytest.mark.parametrize("case", cases("grammar"))
def test_grammar_masks_along_recorded_walks(case: dict[str, Any]) -> None:
    check_walk(graph(grammar(**case["flags"])), case)


@pytest.mark.parametrize("case", cases("constraints"))
def test_masks_of_other_constraints_along_recorded_walks(case: dict[str, Any]) -> None:
    others = []
    for kind, *arguments in case["constraints"]:
        if kind.endswith("ValueConstraint"):
            arguments[0] = getattr(_core.TokenType, arguments[0])
        others.append(getattr(_core, kind)(*arguments))
    check_walk(graph(grammar(max_tracks=2), *others), case)


def test_get_mask_is_true_where_forbidden() -> None:
    vocab = VOCABULARIES["yellow"]
    g = graph(grammar())
    mask = g.get_mask(vocab)
    assert mask == [not a for a in g.allowed(vocab)]
    assert allowed_types(g, vocab) == {"NumBars", "Track"}


def test_a_graph_without_constraints_allows_everything() -> None:
    vocab = VOCABULARIES["yellow"]
    assert graph().allowed(vocab).all()


def test_a_copied_graph_goes_its_own_way() -> None:
    vocab = VOCABULARIES["yellow"]
    g = graph(grammar())
    walk(g, vocab, "PieceStart", "NumBars")
    copy = g.copy()
    walk(copy, vocab, "Track")
    assert allowed_types(g, vocab) == {"Track"}
    assert allowed_types(copy, vocab) == {"Instrument", "Bar", "TrackEnd"}


def test_settings_may_change_after_the_constraint_was_added() -> None:
    vocab = VOCABULARIES["yellow"]
    rules = grammar()
    g = graph(rules)
    walk(g, vocab, "PieceStart", "NumBars", "Track", "Instrument", "Bar", ("TimeSig", 13))
    assert "BarEnd" not in allowed_types(g, vocab)
    rules.set_require_notes(False)
    assert "BarEnd" in allowed_types(g, vocab)


def test_onset_polyphony_can_be_kept_out_of_track_headers() -> None:
    vocab = VOCABULARIES["prism"]
    onset_polyphony = "BarLevelOnsetPolyphonyMax"
    for without in (False, True):
        g = graph(grammar(header_without_bar_types=without))
        walk(g, vocab, ("PieceStart", 0), "NumBars", "Track", "Instrument")
        assert (onset_polyphony in allowed_types(g, vocab)) is not without
        walk(g, vocab, "Bar")
        assert onset_polyphony in allowed_types(g, vocab)


def test_a_fill_block_can_be_made_final() -> None:
    vocab = VOCABULARIES["yellow"]
    fill = ("FillInStart", ("NoteOnset", 60), ("NoteDuration", 3), "FillInEnd")
    for final, legal in ((False, {"BarEnd", "FillInStart"}), (True, {"FillInStart"})):
        g = graph(grammar(fill_end_is_final=final))
        walk(g, vocab, *fill)
        assert allowed_types(g, vocab) == legal


def test_a_value_outside_its_domain_forbids_the_type() -> None:
    vocab = VOCABULARIES["yellow"]
    density = _core.TokenType.NoteDensity
    for value in (-1, 10):
        g = graph(_core.AttributeValueConstraint(density, value))
        assert "NoteDensity" not in allowed_types(g, vocab)


def test_a_limit_of_zero_forbids_notes_from_the_start() -> None:
    vocab = VOCABULARIES["yellow"]
    positions = {"TimeAbsolutePos"}
    notes = {"NoteOnset", "VelocityLevel"}
    assert not notes & allowed_types(graph(_core.PolyphonyConstraint(0)), vocab)
    assert positions <= allowed_types(graph(_core.PolyphonyConstraint(0)), vocab)
    assert not (notes | positions) & allowed_types(graph(_core.DensityConstraint(0)), vocab)


def test_bad_ids_are_errors() -> None:
    vocab = VOCABULARIES["yellow"]
    for token in (-1, vocab.size()):
        with pytest.raises(IndexError, match=f"token id {token} outside"):
            graph(grammar()).step(token, vocab)
