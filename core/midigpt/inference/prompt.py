"""The prompt of one step: what of the piece the model sees, and what it may answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from midigpt import _native
from midigpt.attributes import AttributeAnalyzer
from midigpt.inference.constraints import step_constraints
from midigpt.inference.ensemble import Ensemble
from midigpt.inference.planner import PlannedStep
from midigpt.score import Bar, Score
from midigpt.tokenizer.tokenizer import Tokenizer

#: Mask modes that hide bars from the attention only; see :mod:`midigpt.inference.prefill`.
SPAN_MODES = ("attention", "attention_approx", "attention_skip")


@dataclass(frozen=True)
class StepPrompt:
    """A step ready to be generated.

    Attributes:
        step: bars counted in the whole piece.
        window_step: the same, bars counted in the window.
        before: the window on the model grid, as it is shown to the model.
        tokens: the prompt.
        hidden_spans: half-open ranges of ``tokens`` that the model must not attend to.
        state: of the first attempt; a copy of it serves another.
    """

    step: PlannedStep
    window_step: PlannedStep
    before: Score
    tokens: list[int]
    hidden_spans: list[tuple[int, int]]
    state: _native.SessionState


class PromptWriter:
    """Writes the prompts of one ensemble.

    Args:
        ensemble: the tracks and what is wanted of them.
        tokenizer: of the checkpoint.
        parity: reproduce the defects of MIDI-GPT 0.4.2 that show in prompts or legal tokens.
    """

    def __init__(self, ensemble: Ensemble, tokenizer: Tokenizer, parity: bool) -> None:
        self._ensemble = ensemble
        self._tokenizer = tokenizer
        self._parity = parity
        self._newest: tuple[Score, PlannedStep, StepPrompt] | None = None

    def write_once(self, piece: Score, step: PlannedStep) -> StepPrompt:
        """As :meth:`write`; the same again if piece and step are those of the last call."""
        if self._newest is None or self._newest[0] is not piece or self._newest[1] != step:
            self._newest = piece, step, self.write(piece, step)
        return self._newest[2]

    def write(
        self, piece: Score, step: PlannedStep, analyse: bool = True, use_velocity: int = -1
    ) -> StepPrompt:
        """The prompt of a step.

        Args:
            piece: the ensemble's tracks with what has been generated so far.
            step: of a plan of the ensemble.
            analyse: show attribute levels computed from the notes.
            use_velocity: 0 or 1 takes the place of the request's velocity control.

        Raises:
            ValueError: a hidden bar in the mode "token" without such a token.
        """
        window = self._window(piece, step, analyse)
        window_step = PlannedStep(
            0,
            step.end_bar - step.start_bar,
            step.autoregressive,
            frozenset((track, bar - step.start_bar) for track, bar in step.bars),
        )
        tokenizer, mode = self._tokenizer, self._ensemble.config.mask_mode
        grid = tokenizer.to_grid(window)
        switches = encode_switches(self._ensemble.request.controls, tokenizer)
        if use_velocity >= 0:
            switches["use_velocity"] = use_velocity
        state = _native.SessionState(
            grid,
            window_step.to_native(),
            tokenizer.vocabulary,
            step_constraints(self._ensemble, step, tokenizer.analyzer, self._parity),
            tokenizer.encoder,
            tokenizer.decoder,
            use_span_masks=mode in SPAN_MODES,
            remove_future_bars=mode == "remove",
            stop_after_bars=not self._parity,
            reference_defects=self._parity,
            **switches,
        )
        return StepPrompt(
            step=step,
            window_step=window_step,
            before=_native.from_cpp(grid),
            tokens=state.context_tokens(),
            hidden_spans=state.hidden_spans(),
            state=state,
        )

    def _window(self, piece: Score, step: PlannedStep, analyse: bool) -> Score:
        """The bars of the step, hidden ones marked, with the attributes that the prompt shows."""
        tracks = []
        for index, (track, prompt) in enumerate(
            zip(piece.tracks, self._ensemble.prompts, strict=True)
        ):
            bars = [
                replace(bar, future=True) if step.start_bar + b in prompt.mask_bars else bar
                for b, bar in enumerate(track.bars[step.start_bar : step.end_bar])
            ]
            attributes = self._attributes(piece, index, step, analyse)
            tracks.append(replace(track, bars=bars, attributes=attributes))
        return replace(piece, tracks=tracks)

    def _attributes(
        self, piece: Score, index: int, step: PlannedStep, analyse: bool
    ) -> dict[str, int]:
        """Levels of a track and of its bars in the window, by the keys that the encoder reads.

        A track written from bar 0 on shows what the model itself chose in earlier steps. In
        MIDI-GPT 0.4.2 bar keys count from the start of the piece, although the encoder counts from
        the start of the window (defect tag D2).
        """
        prompt = self._ensemble.prompts[index]
        offset = 0 if self._parity else step.start_bar
        if prompt.writes_from_start:
            return shift_bar_keys(piece.tracks[index].attributes, -offset)
        analyzer = self._tokenizer.analyzer
        # What MIDI-GPT 0.4.2 read back from earlier steps stays, pitch-class sets above all.
        levels = dict(piece.tracks[index].attributes) if self._parity else {}
        if analyse:
            levels.update(analyzer.compute_track_tokens(piece, index))
            for bar in range(offset, offset + step.end_bar - step.start_bar):
                found = analyzer.compute_bar_tokens(piece, index, bar)
                levels.update({f"bar_{kind}_{bar - offset}": n for kind, n in found.items()})
        levels.update(prompt.attributes)
        for bar, wanted in prompt.bar_attributes.items():
            for name, level in wanted.items():
                levels[f"bar_{_stored_type(analyzer, name)}_{bar - offset}"] = level
        return levels


def encode_switches(controls: dict[str, Any], tokenizer: Tokenizer) -> dict[str, int]:
    """The controls of the piece as the encoder takes them; -1 = not set."""
    genre, grouping = controls.get("genre"), tokenizer.config.genre_grouping
    return {
        "use_velocity": int(controls.get("velocity", -1)),
        "use_microtiming": int(controls.get("microtiming", -1)),
        "genre": -1 if genre is None or grouping is None else grouping.encode(genre),
    }


def prompt_state(ensemble: Ensemble, step: PlannedStep, mask_mode: str) -> dict[str, Any]:
    """What the model sees, for display; bars are those of the window.

    Returns:
        ``{"start_bar", "end_bar", "tracks": [{"id", "is_agent", "states"}]}`` with the caller's
        track numbers and one letter per bar: T to be generated, C shown, A hidden by an attention
        mode, M hidden by another.
    """
    hidden = "A" if mask_mode in SPAN_MODES else "M"

    def letter(track: int, bar: int, content: Bar) -> str:
        if (track, bar) in step.bars:
            return "T"
        return hidden if content.future or bar in ensemble.prompts[track].mask_bars else "C"

    return {
        "start_bar": step.start_bar,
        "end_bar": step.end_bar,
        "tracks": [
            {
                "id": ensemble.numbers[index],
                "is_agent": ensemble.prompts[index].autoregressive,
                "states": [
                    letter(index, bar, track.bars[bar])
                    for bar in range(step.start_bar, step.end_bar)
                ],
            }
            for index, track in enumerate(ensemble.score.tracks)
        ],
    }


def shift_bar_keys(attributes: dict[str, int], by: int) -> dict[str, int]:
    """Attributes with the bar numbers in their keys moved; those that fall below 0 are left out."""
    shifted = {}
    for key, level in attributes.items():
        stem, _, number = key.rpartition("_")
        if not (key.startswith("bar_") and number.isdigit()):
            shifted[key] = level
        elif int(number) + by >= 0:
            shifted[f"{stem}_{int(number) + by}"] = level
    return shifted


def _stored_type(analyzer: AttributeAnalyzer, name: str) -> str:
    attribute = analyzer.get(name)
    return attribute.stored_type if attribute is not None else name
