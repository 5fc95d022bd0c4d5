"""A take as a sound file, made by the server."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from test_take import a_song

from midigpt_studio.files import blueprint
from midigpt_studio.take import read_take

soundfile = pytest.importorskip("soundfile")
pyloudnorm = pytest.importorskip("pyloudnorm")


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__)
    app.register_blueprint(blueprint)
    return app.test_client()


@pytest.mark.parametrize("kind", ["mp3", "wav"])
def test_a_take_comes_back_as_sound(client: FlaskClient, kind: str):
    take = read_take(a_song().dumps_midi())
    reply = client.post(f"/files/take.{kind}", json=take)
    assert reply.status_code == 200
    assert reply.mimetype == ("audio/mpeg" if kind == "mp3" else "audio/wav")
    samples, rate = soundfile.read(io.BytesIO(reply.data))
    assert (rate, samples.shape[1]) == (44_100, 2)
    # 4 quarters at 120, 1.5 at 90, then 6.5 at 140 up to the end of the last note
    music = 4 * 0.5 + 1.5 * 60 / 90 + 6.5 * 60 / 140
    assert music - 0.7 < len(samples) / rate < music + 1.7
    assert pyloudnorm.Meter(rate).integrated_loudness(samples) == pytest.approx(-18, abs=0.5)


def test_what_is_no_take_or_is_silent_is_refused_in_words(client: FlaskClient):
    assert "error" in client.post("/files/take.mp3", json={"tracks": 1}).get_json()
    take = read_take(a_song().dumps_midi())
    for track in take["tracks"]:
        track["bars"] = [[] for _ in track["bars"]]
    reply = client.post("/files/take.mp3", json=take)
    assert (reply.status_code, reply.get_json()) == (422, {"error": "the take is silent"})
    assert client.post("/files/take.txt", json=take).status_code == 404
