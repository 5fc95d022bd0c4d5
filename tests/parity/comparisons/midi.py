"""Reading MIDI files, and reading back what is written. Unit: notes."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from midigpt import Score
from tests.parity.case import Case, Piece, outcome
from tests.parity.windows import as_data, note_count

#: Ticks per quarter note that a piece is read at as well: they make rounding matter.
DIVISIONS = (96, 220, 1024)


def cases(piece: Piece) -> Iterator[Case]:
    """The score of the file, at its own and other divisions, and of the file written from it."""
    score = Score.from_bytes(piece.midi)
    yield Case("MIDI reading", "read", as_data(score), note_count(score))
    for division in DIVISIONS:
        data = piece.midi[:12] + struct.pack(">H", division) + piece.midi[14:]
        read = Score.from_bytes(data)
        yield Case("MIDI reading, other divisions", str(division), as_data(read), note_count(read))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "written.mid"
        score.to_midi(str(path))
        again = outcome(lambda: as_data(Score.from_midi(str(path))))
    yield Case("MIDI writing", "write and read back", again, note_count(score))
