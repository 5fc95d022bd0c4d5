"""Writes what a session reads and samples to a file of JSON lines, for analysis.

Records, told apart by ``rec``: ``ctx_bar`` (the prompt, bar by bar), ``token`` (each sampled token
with the choice it came from), ``grammar_collapse`` (no legal token), ``step_summary`` and ``bar``
(the piece after a step). ``tt`` and ``tv`` are a token's type and value.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midigpt._native import Vocabulary
from midigpt.inference.planner import PlannedStep
from midigpt.inference.token_masks import IdMask
from midigpt.score import Score

_TOP = 5


class TokenLogger:
    """A JSON-lines file at ``path``; also a context manager that closes it.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = open(path, "w", encoding="utf-8")  # noqa: SIM115 (closed by close())
        self._collapses: Counter[int] = Counter()
        self._type_names: list[str] = []  # of every id, once they are needed

    def log_context(self, step: int, prompt: Sequence[int], vocabulary: Vocabulary) -> None:
        """One record per bar of the prompt; -1 stands for what precedes a track or a bar."""
        track = bar = -1
        tokens: list[dict[str, Any]] = []

        def close_record() -> None:
            if tokens:
                self._write("ctx_bar", step, track=track, bar=bar, tokens=list(tokens))
                tokens.clear()

        for token in prompt:
            kind, value = vocabulary.decode(token)
            if kind.name == "Track":
                close_record()
                track, bar = track + 1, -1
            elif kind.name == "Bar":
                close_record()
                bar += 1
            else:
                tokens.append({"tt": kind.name, "tv": value})
        close_record()

    def log_token(
        self,
        step: int,
        position: int,
        token: int,
        probabilities: NDArray[np.float32],
        allowed: IdMask,
        vocabulary: Vocabulary,
    ) -> None:
        """A sampled token; ``position`` counts the tokens of the run, entropy is in bits."""
        kind, value = vocabulary.decode(token)
        if not self._type_names:
            self._type_names = [vocabulary.get_type(i).name for i in range(vocabulary.size())]
        legal = sorted({self._type_names[i] for i in np.flatnonzero(allowed)})
        likely = probabilities[probabilities > 0]
        top = np.argsort(-probabilities, kind="stable")[:_TOP]
        self._write(
            "token",
            step,
            pos=position,
            tid=token,
            tt=kind.name,
            tv=value,
            H_bits=round(float(-(likely * np.log2(likely)).sum()), 4),
            n_legal=int(np.count_nonzero(allowed)),
            n_legal_tt=len(legal),
            legal_tt=legal,
            top5=[
                {**_named(int(i), vocabulary), "p": round(float(probabilities[i]), 5)}
                for i in top
                if probabilities[i] > 0
            ],
        )

    def log_grammar_collapse(self, step: int, position: int) -> None:
        """No legal token was left after ``position`` tokens of the run."""
        self._collapses[step] += 1
        self._write("grammar_collapse", step, pos=position)

    def log_step_summary(
        self,
        step: int,
        context_len: int,
        max_gen_tokens: int,
        written_tracks: Collection[int],
        context_tracks: Collection[int],
        use_velocity: int,
        tokens: Sequence[int],
        vocabulary: Vocabulary,
    ) -> None:
        """What a step read and wrote, in tokens."""
        counts = Counter(vocabulary.get_type(token).name for token in tokens)
        self._write(
            "step_summary",
            step,
            context_len=context_len,
            max_gen_tokens=max_gen_tokens,
            n_gen_tracks=len(written_tracks),
            gen_track_ids=sorted(written_tracks),
            ctx_track_ids=sorted(context_tracks),
            use_velocity=use_velocity,
            tokens_generated=len(tokens),
            grammar_collapses=self._collapses[step],
            token_type_counts=dict(counts.most_common()),
        )

    def log_bar_summaries(self, number: int, step: PlannedStep, score: Score) -> None:
        """Every bar of the piece after a step."""
        for t, track in enumerate(score.tracks):
            for b, bar in enumerate(track.bars):
                onsets = sorted(note.onset_ticks for note in bar.notes)
                self._write(
                    "bar",
                    number,
                    track=t,
                    bar=b,
                    generated=(t, b) in step.bars,
                    n_notes=len(onsets),
                    onset_spq=onsets,
                    unique_onsets=len(set(onsets)),
                    pct_at_0=round(100 * onsets.count(0) / len(onsets), 1) if onsets else 0.0,
                    pitches=sorted(note.pitch for note in bar.notes),
                )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> TokenLogger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, record: str, step: int, **values: Any) -> None:
        line = {"rec": record, "step": step, **values}
        self._file.write(json.dumps(line) + "\n")


def _named(token: int, vocabulary: Vocabulary) -> dict[str, Any]:
    kind, value = vocabulary.decode(token)
    return {"tt": kind.name, "tv": value}
