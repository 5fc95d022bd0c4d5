"""Reading MIDI files, and reading back what is written. Unit: notes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from midigpt import Score
from tests.parity.case import Case, Piece, outcome
from tests.parity.windows import as_data, note_count


def cases(piece: Piece) -> Iterator[Case]:
    """The score of the file, and the score of the file written from it."""
    score = Score.from_bytes(piece.midi)
    yield Case("MIDI reading", "read", as_data(score), note_count(score))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "written.mid"
        score.to_midi(str(path))
        again = outcome(lambda: as_data(Score.from_midi(str(path))))
    yield Case("MIDI writing", "write and read back", again, note_count(score))
