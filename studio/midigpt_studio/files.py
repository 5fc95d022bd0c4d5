"""MIDI files in and out, and bars of them written by the model. Everything travels in the request:
no path of a client is ever opened."""

from __future__ import annotations

from threading import Lock
from typing import Any, TypeAlias

from flask import Blueprint, Response, current_app, jsonify, request

from midigpt import audio
from midigpt.smf import MidiError
from midigpt_studio.infill import infill
from midigpt_studio.take import BadTakeError, read_take, write_take

blueprint = Blueprint("files", __name__)

#: Key of the application's configuration: the engine that writes bars, or None.
ENGINE = "MIDIGPT_ENGINE"
MAX_MIDI = 4 << 20

_one_at_a_time = Lock()

Answer: TypeAlias = tuple[Response, int]


@blueprint.post("/files/midi")
def import_midi() -> Answer:
    """The take of an uploaded MIDI file: JSON as :func:`midigpt_studio.take.read_take` says."""
    data = request.get_data(cache=False)
    if len(data) > MAX_MIDI:
        return _refusal(f"the file is larger than {MAX_MIDI >> 20} MB", 413)
    try:
        return jsonify(read_take(data)), 200
    except MidiError as problem:
        return _refusal(str(problem), 422)


@blueprint.post("/files/take.mid")
def export_midi() -> Answer:
    """A take, as JSON, to a MIDI file."""
    try:
        data = write_take(request.get_json(silent=True))
    except BadTakeError as problem:
        return _refusal(str(problem), 422)
    return Response(data, mimetype="audio/midi"), 200


@blueprint.post("/files/take.<any(mp3, flac, ogg, wav):kind>")
def export_sound(kind: str) -> Answer:
    """A take, as JSON, to a sound file, mastered as ``midigpt render`` does."""
    try:
        data = write_take(request.get_json(silent=True))
        with _one_at_a_time:
            samples = audio.master(audio.render_midi(data))
        if len(samples) == 0:
            return _refusal("the take is silent", 422)
        sound = audio.encode(samples, f".{kind}")
    except BadTakeError as problem:
        return _refusal(str(problem), 422)
    except (RuntimeError, ImportError) as problem:  # a package is missing, which the text names
        return _refusal(str(problem), 501)
    return Response(sound, mimetype=f"audio/{'mpeg' if kind == 'mp3' else kind}"), 200


@blueprint.post("/files/infill")
def write_bars() -> Answer:
    """New notes for the marked bars of a take: ``{take, marks, temperature, ...}``."""
    engine = current_app.config.get(ENGINE)
    if engine is None:
        return _refusal("this studio is attached to another server: start one of its own", 409)
    wish: Any = request.get_json(silent=True)
    if not isinstance(wish, dict) or "take" not in wish:
        return _refusal("take and marks are wanted", 422)
    try:
        with _one_at_a_time:
            return jsonify(infill(engine, wish["take"], wish)), 200
    except BadTakeError as problem:
        return _refusal(str(problem), 422)


def _refusal(text: str, status: int) -> Answer:
    return jsonify(error=text), status
