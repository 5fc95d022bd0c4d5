"""Who may talk to the studio: hosts, tokens and what a page may load.

A page of another site must not drive the band, even one whose name was rebound to 127.0.0.1: every
request, Socket.IO included, passes this WSGI middleware first.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

Environ: TypeAlias = dict[str, Any]
App: TypeAlias = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
COOKIE = "midigpt_studio_token"

#: The page runs its own scripts, talks to its own server, and nothing else. WebAssembly decodes
#: the compressed samples of the SoundFont.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)


class Guard:
    """WSGI middleware. ``hosts`` are the names under which the studio may be called, without port;
    ``token`` is asked of everyone, unless None."""

    def __init__(self, app: App, hosts: Iterable[str], token: str | None = None) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._token = token

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Pass the request on with the security headers, or refuse it with 403."""
        host = host_name(environ.get("HTTP_HOST", ""))
        if host not in self._hosts:
            return _refuse(start_response, f"host {host!r} is not one of the studio's names")
        if not _is_same_origin(environ):
            return _refuse(start_response, "requests of other sites are refused")
        cookies: list[tuple[str, str]] = []
        if self._token is not None:
            if self._matches(_query_token(environ)):
                cookies = [("Set-Cookie", f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict")]
            elif not self._matches(_cookie_token(environ)):
                return _refuse(start_response, "open the address with the token that was printed")

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, *HEADERS, *cookies], *rest)

        return self._app(environ, start)

    def _matches(self, token: str) -> bool:
        assert self._token is not None
        return hmac.compare_digest(token.encode(), self._token.encode())


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, in lower case; empty if malformed."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_same_origin(environ: Environ) -> bool:
    origin = environ.get("HTTP_ORIGIN")
    return origin is None or urlsplit(origin).netloc == environ.get("HTTP_HOST")


def _query_token(environ: Environ) -> str:
    return parse_qs(str(environ.get("QUERY_STRING", ""))).get("token", [""])[0]


def _cookie_token(environ: Environ) -> str:
    try:
        morsel = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
    except CookieError:
        return ""
    return str(morsel.value) if morsel else ""


def _refuse(start_response: Callable[..., Any], reason: str) -> Iterable[bytes]:
    body = f"midigpt-studio: {reason}\n".encode()
    start_response(
        "403 Forbidden",
        [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))],
    )
    return [body]
