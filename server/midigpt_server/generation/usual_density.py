"""How many notes an instrument usually has: what a Llama agent is held to.

Medians over the parts of the pieces that the bundled model was trained on, from a part's first bar
to its last, its rests included: ``python -m bench.usual_density`` counts them.
"""

from __future__ import annotations

from midigpt import events
from midigpt.general_midi import FAMILY_SIZE

#: Notes in four quarters: of the families of General MIDI, from pianos to sound effects; of drums.
# fmt: off
_FAMILIES = (14.2, 4.2, 4.8, 5.1, 2.9, 5.0, 6.1, 3.6, 3.9, 4.3, 4.6, 3.6, 8.0, 4.7, 3.7, 1.9)
# fmt: on
_DRUMS = 14.2


def usual_density(instrument: int) -> float:
    """Notes a quarter note of a General MIDI program (0..127), or of drums (128)."""
    notes = _DRUMS if instrument == events.DRUMS else _FAMILIES[instrument // FAMILY_SIZE]
    return notes / 4
