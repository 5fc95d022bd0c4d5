"""The parameters of a session: one table, and the values that are in force.

Source: the parameter table of MIDI-GPT 0.4.2's OSC server; names, defaults and ranges are equal
except where a value could never work (docs/compatibility.md, D01, D26).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from midigpt_server.fields import BadValueError, Field

MASK_MODES = ("token", "attention", "attention_approx", "attention_skip", "remove")

PARAMETERS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("lookahead_bars", "int", "k: the target is bar playhead + k", 1, 8, default=1),
        Field(
            "buffer_bars",
            "int",
            "B: bars that must exist before the first generation; at most model_dim at start",
            2,
            64,
            default=4,
        ),
        Field("num_anticipated_bars", "int", "j: bars delivered per generation", 1, 8, default=1),
        Field(
            "model_dim",
            "int",
            "D: window of the model in bars; one of the lengths that the checkpoint knows",
            1,
            16,
            default=8,
        ),
        Field("adapt_buffer", "bool", "the lookahead counts towards the buffer", default=True),
        Field(
            "warmup_policy",
            "string",
            "what the agent's bars before its first target are: silent context (a_empty), hidden "
            "(a_masked), generated too (b, b_collapse)",
            choices=("a_empty", "a_masked", "b", "b_collapse"),
            default="a_empty",
        ),
        Field(
            "mask_mode",
            "string",
            "how bars not yet played are hidden from the model; the default is token where the "
            "checkpoint has that token, else attention_skip",
            choices=MASK_MODES,
            default="token",
        ),
        Field("temperature", "float", "sampling temperature", 0.1, 5.0, default=1.0),
        Field(
            "temperature_escalation", "float", "temperature factor per retry", 1.0, 3.0, default=1.0
        ),
        Field("top_p", "float", "nucleus sampling mass", 0.0, 1.0, open_low=True, default=1.0),
        Field("top_k", "int", "sample among the k likeliest; 0 = off", 0, 10000, default=0),
        Field(
            "mask_p",
            "float",
            "drop the likeliest mass; below top_p",
            0.0,
            1.0,
            open_high=True,
            default=0.0,
        ),
        Field("mask_k", "int", "drop the k likeliest; below top_k; 0 = off", 0, 10000, default=0),
        Field(
            "sampling_seed",
            "int",
            "negative: random; else each bar's seed derives from this one and the bar index",
            default=-1,
        ),
        Field("max_attempts", "int", "attempts per generation", 1, 10, default=3),
        Field("novelty_check", "bool", "refuse a result equal to what was there", default=True),
        Field("silence_check", "bool", "refuse a result without notes", default=True),
        Field("polyphony_hard_limit", "int", "notes per onset; 0 = off", 0, 128, default=0),
        Field("density_hard_limit", "int", "onsets per bar; 0 = off", 0, 1000, default=0),
        Field("gen_timeout", "float", "seconds; 0 = none", 0.0, default=0.0),
        Field(
            "long_notes",
            "bool",
            "generated durations may exceed one bar; off for clients of MIDI-GPT 0.4.2, which "
            "expect at most 1.0",
            default=False,
        ),
    )
}

TRACK_PARAMETERS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("temperature", "float", "of this agent, instead of the global one", 0.1, 5.0),
        Field("min_pitch", "int", "lowest pitch this agent may play", 0, 127, default=0),
        Field("max_pitch", "int", "highest pitch this agent may play", 0, 127, default=127),
    )
}

CONDITIONING_PARAMETERS: dict[str, Field] = {
    "ignore": Field("ignore", "bool", "leave the track out of the prompt", default=False)
}


class ParameterValues:
    """The values of one session: defaults, what was set, and what was set for one generation.

    ``defaults`` overrides the table's defaults (command line, checkpoint); ``window_lengths`` are
    the values that ``model_dim`` may take (empty: any in range).
    """

    def __init__(
        self,
        defaults: Mapping[str, Any],
        window_lengths: tuple[int, ...] = (),
        has_mask_token: bool = True,
    ) -> None:
        self._window_lengths = window_lengths
        self._has_mask_token = has_mask_token
        self._defaults = {name: field.default for name, field in PARAMETERS.items()}
        for name, value in defaults.items():
            self._defaults[name] = self._parse(name, value)
        self._defaults["mask_mode"] = self._parse("mask_mode", self._defaults["mask_mode"])
        if window_lengths and self._defaults["model_dim"] not in window_lengths:
            self._defaults["model_dim"] = max(window_lengths)
        self.persistent: dict[str, Any] = dict(self._defaults)
        self.once: dict[str, Any] = {}
        self._bound: dict[str, Any] = {}

    def current(self) -> dict[str, Any]:
        """Every value as the next generation would take it."""
        return {**self.persistent, **self.once}

    def set(self, name: str, value: Any) -> None:
        """Set until changed; raises :class:`BadValueError` and changes nothing if refused."""
        changed = {**self.persistent, name: self._parse(name, value)}
        _check_together(changed)
        _check_together({**changed, **self.once})
        self.persistent = changed

    def set_once(self, name: str, value: Any) -> None:
        """Set for the next generation that starts; raises as :meth:`set`."""
        changed = {**self.once, name: self._parse(name, value)}
        _check_together({**self.persistent, **changed})
        self.once = changed

    def reset(self, name: str) -> None:
        """Back to the default, and drop the one-shot value; raises as :meth:`set`."""
        _field(name)
        once = {key: value for key, value in self.once.items() if key != name}
        changed = {**self.persistent, name: self._defaults[name]}
        _check_together(changed)
        _check_together({**changed, **once})
        self.persistent, self.once = changed, once
        self._bound.pop(name, None)

    def reset_all(self) -> None:
        """All back to their defaults, no one-shot values."""
        self.persistent = dict(self._defaults)
        self.once, self._bound = {}, {}

    def bind_once(self) -> dict[str, Any]:
        """The one-shot values, now bound to the generation that starts (D24)."""
        self._bound, self.once = self.once, {}
        return self._bound

    def release_once(self, used: bool) -> None:
        """The generation has ended: forget its one-shot values if it used them, else keep them for
        the next one, except those set anew meanwhile."""
        if not used:
            self.once = {**self._bound, **self.once}
        self._bound = {}

    def _parse(self, name: str, value: Any) -> Any:
        value = _field(name).parse(value)
        if name == "model_dim" and self._window_lengths and value not in self._window_lengths:
            lengths = ", ".join(map(str, self._window_lengths))
            raise BadValueError(f"model_dim = {value}: its windows have {lengths} bars")
        if name == "mask_mode" and value == "token" and not self._has_mask_token:
            return "attention_skip"
        return value


def _field(name: str) -> Field:
    try:
        return PARAMETERS[name]
    except KeyError:
        raise BadValueError(f"unknown parameter {name!r}") from None


def _check_together(values: Mapping[str, Any]) -> None:
    """The rules between parameters that the engine has; raises :class:`BadValueError`."""
    if values["num_anticipated_bars"] > values["model_dim"]:
        raise BadValueError(
            f"num_anticipated_bars = {values['num_anticipated_bars']} must not exceed "
            f"model_dim = {values['model_dim']}"
        )
    if 0 < values["top_k"] <= values["mask_k"]:
        raise BadValueError(
            f"mask_k = {values['mask_k']} must stay below top_k = {values['top_k']}"
        )
    if values["top_p"] < 1 and values["mask_p"] > 0 and values["mask_p"] >= values["top_p"]:
        raise BadValueError(
            f"mask_p = {values['mask_p']:g} must stay below top_p = {values['top_p']:g}"
        )
