"""MIDI files in and out: what the browser drops is parsed here, what it saves is written here."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from midigpt.smf import MidiError
from midigpt_studio.take import BadTakeError, read_take, write_take

blueprint = Blueprint("files", __name__)

MAX_MIDI = 4 << 20


@blueprint.post("/files/midi")
def import_midi() -> tuple[Response, int]:
    """The take of an uploaded MIDI file: JSON as :func:`midigpt_studio.take.read_take` says."""
    data = request.get_data(cache=False)
    if len(data) > MAX_MIDI:
        return _refusal(f"the file is larger than {MAX_MIDI >> 20} MB", 413)
    try:
        return jsonify(read_take(data)), 200
    except MidiError as problem:
        return _refusal(str(problem), 422)


@blueprint.post("/files/take.mid")
def export_midi() -> tuple[Response, int]:
    """A take, as JSON, to a MIDI file."""
    take: Any = request.get_json(silent=True)
    try:
        data = write_take(take)
    except BadTakeError as problem:
        return _refusal(str(problem), 422)
    return Response(data, mimetype="audio/midi"), 200


def _refusal(text: str, status: int) -> tuple[Response, int]:
    return jsonify(error=text), status
