"""The planning classes of ``midigpt._core``, for scripts written for MIDI-GPT 0.4.2.

They plan like :mod:`midigpt.inference.planner`; 0.4.2 kept an older planner under these names,
which its own sessions no longer used.
"""

from __future__ import annotations

from midigpt import _native


class GenerationStep(_native.GenerationStep):
    """A step with the derived fields that 0.4.2 stores; none of them is needed to run it.

    Attributes:
        track_indices: tracks of the piece that the step looks at.
        context: for each track, one flag per bar of the piece: shown to the model.
        bar_mapping: (track, bar of the window, track, bar of the piece) of each target.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_autoregressive = True
        self.track_indices: list[int] = []
        self.context: list[list[bool]] = []
        self.bar_mapping: list[tuple[int, int, int, int]] = []


class SelectionMask:
    """What to generate: flags per track and bar, autoregressive and ignored flags per track."""

    def __init__(self) -> None:
        self.selected: list[list[bool]] = []
        self.autoregressive: list[bool] = []
        self.ignore: list[bool] = []


class StepPlanner:
    """Plans the steps of a mask with windows of ``config.model_dim`` bars."""

    def __init__(
        self,
        mask: SelectionMask,
        config: _native.EncoderConfig,
        bars_per_step: int = 1,
        tracks_per_step: int = 1,
    ) -> None:
        self._mask = mask
        self._window = config.model_dim
        self._bars_per_step = bars_per_step
        self._tracks_per_step = tracks_per_step

    def plan(self) -> list[GenerationStep]:
        """The steps, autoregressive tracks first; ValueError when the mask is inconsistent."""
        mask = self._mask
        steps = _native.plan_steps(
            mask.selected,
            mask.autoregressive,
            mask.ignore,
            self._window,
            self._bars_per_step,
            self._tracks_per_step,
            ar_overlap=0.5,
            min_overlap_bars=2,
        )
        return [self._with_derived_fields(step) for step in steps]

    def _with_derived_fields(self, planned: _native.GenerationStep) -> GenerationStep:
        step = GenerationStep()
        step.start_bar, step.end_bar = planned.start_bar, planned.end_bar
        step.is_autoregressive = planned.is_autoregressive
        step.bars_to_generate = targets = planned.bars_to_generate
        step.track_indices = [t for t, ignored in enumerate(self._mask.ignore) if not ignored]
        step.context = [
            [
                not ignored and step.start_bar <= bar < step.end_bar and (track, bar) not in targets
                for bar in range(len(bars))
            ]
            for track, (bars, ignored) in enumerate(
                zip(self._mask.selected, self._mask.ignore, strict=True)
            )
        ]
        step.bar_mapping = [
            (track, bar - step.start_bar, track, bar) for track, bar in sorted(targets)
        ]
        return step
