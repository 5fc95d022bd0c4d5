"""What the page must know of the server to draw itself: parameters, instruments, error codes.

Taken from the server's own tables, so that the page has no ranges or texts of its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from midigpt import __version__
from midigpt.general_midi import program_name
from midigpt_server.protocol.errors import CODE_DOCS
from midigpt_server.protocol.fields import Field
from midigpt_server.protocol.parameters import CONDITIONING_PARAMETERS, PARAMETERS, TRACK_PARAMETERS


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """JSON object: ``version``, ``parameters``, ``agent``, ``conditioning``, ``instruments`` (128
    names), ``errors`` (code to text)."""
    return {
        "version": __version__,
        "parameters": [_field(field) for field in PARAMETERS.values()],
        "agent": [_field(field) for field in TRACK_PARAMETERS.values()],
        "conditioning": [_field(field) for field in CONDITIONING_PARAMETERS.values()],
        "instruments": [program_name(program) for program in range(128)],
        "errors": {str(code.value): text for code, text in CODE_DOCS.items()},
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "kind": field.kind,
        "doc": field.doc,
        "low": field.low,
        "high": field.high,
        "choices": list(field.choices),
        "default": None if field.required else field.default,
        "range": field.range_text(),
    }
