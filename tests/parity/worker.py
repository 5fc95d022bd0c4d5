"""The oracle's side: requests on standard input, cases on standard output, as JSON lines.

Run by :mod:`tests.parity.oracle` in the Python that has MIDI-GPT 0.4.2.
"""

from __future__ import annotations

import base64
import json
import os
import sys

from tests.parity.case import END, Piece
from tests.parity.comparisons import load


def main() -> None:
    """Answer every request with its cases and an end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints must not mix with the answers
    import midigpt

    midigpt.set_verbosity(0)
    for line in sys.stdin:
        request = json.loads(line)
        midi = base64.b64decode(request["midi"])
        piece = Piece(request["name"], midi, request["stride"])
        for case in load(request["comparison"])(piece):
            answers.write(case.text() + "\n")
        answers.write(END + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
