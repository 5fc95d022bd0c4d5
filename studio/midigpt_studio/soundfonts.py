"""The bundled SoundFont, for the synthesizer in the page."""

from __future__ import annotations

from importlib.resources import as_file, files

from flask import Blueprint, Response, send_file

from midigpt.audio.synthesis import BUNDLED_SOUNDFONT

blueprint = Blueprint("soundfonts", __name__)


@blueprint.get("/soundfont")
def bundled() -> Response:
    """The bundled bank."""
    with as_file(files("midigpt") / "soundfonts" / BUNDLED_SOUNDFONT) as path:
        return send_file(path, mimetype="application/octet-stream", conditional=True)
