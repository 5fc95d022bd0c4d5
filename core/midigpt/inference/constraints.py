"""The constraint graph of one step: grammar, hard limits, and the levels asked for."""

from __future__ import annotations

from collections.abc import Iterator

from midigpt import _native
from midigpt._native import Constraint, TokenType
from midigpt.attributes import AttributeAnalyzer
from midigpt.inference.config import TrackPrompt
from midigpt.inference.ensemble import Ensemble
from midigpt.inference.planner import PlannedStep

#: Attributes that MIDI-GPT 0.4.2 constrains, and their token types (defect tag D8).
_PARITY_TYPES = {
    "note_density": "NoteDensity",
    "onset_polyphony": "OnsetPolyphony",
    "pitch_range": "PitchRange",
    "key_signature": "KeySignature",
    "note_duration_dist": "NoteDurationDist",
    "silence_proportion": "SilenceProportion",
    "pitch_class_set": "PitchClassSet",
    "min_note_duration": "MinNoteDuration",
    "max_note_duration": "MaxNoteDuration",
    "min_polyphony": "MinPolyphony",
    "max_polyphony": "MaxPolyphony",
}
#: Bar number of what stands between Track and the first Bar.
_HEADER = -1


def step_constraints(
    ensemble: Ensemble, step: PlannedStep, analyzer: AttributeAnalyzer, parity: bool
) -> _native.ConstraintGraph:
    """Everything that makes tokens of this step illegal, apart from the controls.

    Levels are pinned for the track that the step writes from bar 0 on; those of all other tracks
    stand in the prompt. With ``parity`` every such track of the request is pinned in every step,
    as in MIDI-GPT 0.4.2 (defect tags D7, D8, D28).
    """
    graph = _native.ConstraintGraph()
    graph.add_constraint(_grammar(ensemble, step, analyzer, parity))
    config = ensemble.config
    if config.polyphony_hard_limit > 0:
        graph.add_constraint(_native.PolyphonyConstraint(config.polyphony_hard_limit))
    if config.density_hard_limit > 0:
        graph.add_constraint(_native.DensityConstraint(config.density_hard_limit))
    if parity:
        for prompt in ensemble.prompts:
            if prompt.writes_from_start:
                _add(graph, _parity_values(prompt))
                _add(graph, _bar_values(prompt, step, prompt.id, analyzer))
    elif step.autoregressive:
        prompt = ensemble.prompts[min(step.bars)[0]]
        if prompt.writes_from_start:
            last = len(ensemble.prompts) - 1
            _add(graph, _header_values(prompt, last, analyzer))
            _add(graph, _bar_values(prompt, step, last, analyzer))
    if config.hold_density:
        _add(graph, _note_budget(ensemble, step, analyzer))
    return graph


def _grammar(
    ensemble: Ensemble, step: PlannedStep, analyzer: AttributeAnalyzer, parity: bool
) -> Constraint:
    grammar = _native.GrammarConstraint()
    grammar.set_max_tracks(len(ensemble.prompts))
    grammar.set_require_notes(True)
    if step.autoregressive:
        grammar.set_exact_bars(step.end_bar - step.start_bar)
        grammar.set_autoregressive_mode(True)
    if not parity:
        # The type of this bar attribute is also that of onset_polyphony, an attribute of tracks.
        grammar.set_header_without_bar_types(analyzer.get("onset_polyphony") is None)
        grammar.set_fill_in_target_meter(True)
        grammar.set_fill_end_is_final(True)
    return grammar


def _header_values(
    prompt: TrackPrompt, ordinal: int, analyzer: AttributeAnalyzer
) -> Iterator[Constraint]:
    """The track's own levels, in its header only, as note tokens share some of the types."""
    for name, level in prompt.attributes.items():
        attribute = analyzer.get(name)
        if attribute is not None:
            kind = _native.token_type_from_name(attribute.token_type)
            yield _native.BarAttributeValueConstraint(kind, ordinal, _HEADER, level)
    yield from _time_signature(prompt)


def _parity_values(prompt: TrackPrompt) -> Iterator[Constraint]:
    for name, level in prompt.attributes.items():
        if name in _PARITY_TYPES:
            kind = _native.token_type_from_name(_PARITY_TYPES[name])
            yield _native.AttributeValueConstraint(kind, level)
    yield from _time_signature(prompt)


def _time_signature(prompt: TrackPrompt) -> Iterator[Constraint]:
    if "time_signature" in prompt.controls:
        yield _native.AttributeValueConstraint(TokenType.TimeSig, prompt.controls["time_signature"])


def _bar_values(
    prompt: TrackPrompt, step: PlannedStep, ordinal: int, analyzer: AttributeAnalyzer
) -> Iterator[Constraint]:
    for bar, levels in prompt.bar_attributes.items():
        for name, level in levels.items():
            attribute = analyzer.get(name)
            if attribute is not None and bar >= step.start_bar:
                kind = _native.token_type_from_name(attribute.token_type)
                yield _native.BarAttributeValueConstraint(
                    kind, ordinal, bar - step.start_bar, level
                )
    for bar, controls in prompt.bar_controls.items():
        if "time_signature" in controls and bar >= step.start_bar:
            yield _native.BarAttributeValueConstraint(
                TokenType.TimeSig, ordinal, bar - step.start_bar, controls["time_signature"]
            )


def _note_budget(
    ensemble: Ensemble, step: PlannedStep, analyzer: AttributeAnalyzer
) -> Iterator[Constraint]:
    """What the level of density means for each bar, if all bars of the step agree on it.

    A rhythm or a remix says itself how many notes there are.
    """
    budgets = set()
    for number, bar in step.bars:
        prompt, track = ensemble.prompts[number], ensemble.score.tracks[number]
        levels = prompt.attributes | prompt.bar_attributes.get(bar, {})
        if not {"remix", "rhythm_mask"}.isdisjoint(prompt.controls):
            return
        counting = [
            attribute.notes_in_bar(track, level)
            for name, level in levels.items()
            if (attribute := analyzer.get(name)) and attribute.applies_to(track.track_type)
        ]
        budgets.add(next((budget for budget in counting if budget is not None), None))
    if len(budgets) == 1 and (budget := budgets.pop()) is not None:
        yield _native.NoteBudget(*budget)


def _add(graph: _native.ConstraintGraph, constraints: Iterator[Constraint]) -> None:
    for constraint in constraints:
        graph.add_constraint(constraint)
