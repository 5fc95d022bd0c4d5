"""Who is let in, and who is not."""

from __future__ import annotations

import http.client
import threading
from urllib.parse import urlsplit

import pytest
import socketio

from midigpt_studio.guard import Guard, host_name
from midigpt_studio.studio import Studio


def ask(studio: Studio, path: str = "/", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(studio.url).port, timeout=10)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_rebound_host_is_refused(studio: Studio, host: str):
    for path in ("/", "/socket.io/?EIO=4&transport=polling", "/schema.json"):
        assert ask(studio, path, Host=host).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1234", "LOCALHOST", "[::1]:80"])
def test_names_of_this_machine_are_let_in(studio: Studio, host: str):
    assert ask(studio, "/schema.json", Host=host).status == 200


def test_a_foreign_origin_is_refused(studio: Studio):
    path = "/socket.io/?EIO=4&transport=polling"
    assert ask(studio, path, Origin="http://evil.example").status == 403
    assert ask(studio, path, Origin="null").status == 403
    assert ask(studio, path).status == 200
    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(
            studio.url, headers={"Origin": "http://evil.example"}, transports=["websocket"]
        )


def test_every_answer_carries_the_policy(studio: Studio):
    answer = ask(studio)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy and "'unsafe-eval'" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/static/../cli.py", "/static/%2e%2e/cli.py", "/static//etc/passwd", "/files/x.mid"]
)
def test_no_path_of_a_client_is_opened(studio: Studio, path: str):
    assert ask(studio, path).status in (308, 403, 404, 405)


def test_a_token_opens_the_door_once_for_all():
    def app(environ, start_response):
        start_response("200 OK", [])
        return [b"in"]

    guard = Guard(app, {"studio.local"}, token="secret")

    def status(query: str = "", cookie: str = "") -> tuple[str, dict[str, str]]:
        told: list = []
        environ = {"HTTP_HOST": "studio.local:80", "QUERY_STRING": query, "HTTP_COOKIE": cookie}
        guard(environ, lambda status, headers, *_: told.extend([status, dict(headers)]))
        return told[0], told[1]

    assert status()[0].startswith("403")
    assert status("token=wrong")[0].startswith("403")
    assert status(cookie="midigpt_studio_token=wrong")[0].startswith("403")
    opened, headers = status("token=secret")
    assert opened.startswith("200")
    assert "HttpOnly" in headers["Set-Cookie"] and "SameSite=Strict" in headers["Set-Cookie"]
    assert status(cookie=headers["Set-Cookie"].split(";")[0])[0].startswith("200")


def test_malformed_hosts_have_no_name():
    assert host_name("[::1") == ""
    assert host_name("") == ""
    assert host_name("A.local:8000") == "a.local"


def test_too_large_an_upload_is_refused(studio: Studio):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(studio.url).port, timeout=20)
    connection.request("POST", "/files/midi", body=b"MThd" + bytes(5 << 20))
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"larger" in answer.read()


def test_browsers_beyond_the_limit_are_told(studio: Studio, monkeypatch):
    monkeypatch.setattr("midigpt_studio.app.MAX_BROWSERS", 0)
    client = socketio.Client(reconnection=False)
    reasons: list = []
    told = threading.Event()
    client.on("connect_error", lambda reason: (reasons.append(reason), told.set()))
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(studio.url, transports=["websocket"])
    assert told.wait(5)
    assert "0 browsers are connected" in str(reasons)
