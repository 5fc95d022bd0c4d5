"""The values of a session's parameters that are in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from midigpt_server.protocol.fields import BadValueError, Field
from midigpt_server.protocol.parameters import PARAMETERS


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
        self.defaults = {name: field.default for name, field in PARAMETERS.items()}
        for name, value in defaults.items():
            self.defaults[name] = self._parse(name, value)
        self.defaults["mask_mode"] = self._parse("mask_mode", self.defaults["mask_mode"])
        if window_lengths and self.defaults["model_dim"] not in window_lengths:
            self.defaults["model_dim"] = max(window_lengths)
        self.persistent: dict[str, Any] = dict(self.defaults)
        self.once: dict[str, Any] = {}
        self._bound: dict[str, Any] = {}

    def current(self) -> dict[str, Any]:
        """Every value as the next generation would take it."""
        return {**self.persistent, **self.once}

    def set(self, name: str, value: Any) -> None:
        """Set until changed; raises :class:`BadValueError` and changes nothing if refused."""
        changed = {**self.persistent, name: self._parse(name, value)}
        check_together(changed)
        check_together({**changed, **self.once})
        self.persistent = changed

    def set_once(self, name: str, value: Any) -> None:
        """Set for the next generation that starts; raises as :meth:`set`."""
        changed = {**self.once, name: self._parse(name, value)}
        check_together({**self.persistent, **changed})
        self.once = changed

    def reset(self, name: str) -> None:
        """Back to the default, and drop the one-shot value; raises as :meth:`set`."""
        _field(name)
        once = {key: value for key, value in self.once.items() if key != name}
        changed = {**self.persistent, name: self.defaults[name]}
        check_together(changed)
        check_together({**changed, **once})
        self.persistent, self.once = changed, once
        self._bound.pop(name, None)

    def reset_all(self) -> None:
        """All back to their defaults, no one-shot values."""
        self.persistent = dict(self.defaults)
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


def check_together(values: Mapping[str, Any]) -> None:
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
