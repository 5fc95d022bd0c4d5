"""The server's name on the local network: ``_osc._udp`` and ``_oscjson._tcp`` by zeroconf."""

from __future__ import annotations

import logging
import socket

from midigpt_server.access import is_loopback
from midigpt_server.discovery.oscquery import OscQuery

log = logging.getLogger(__name__)


class Advertisement:
    """OSCQuery for the server at ``host`` and ``port``, and both announced under ``name``.

    On a loopback address only programs of this machine are told.

    Raises:
        ImportError: the extra ``discovery`` is not installed.
        OSError: no port is free, or the network cannot be used.
    """

    def __init__(self, name: str, host: str, port: int) -> None:
        try:
            from zeroconf import InterfaceChoice, ServiceInfo, Zeroconf
        except ImportError as problem:
            raise ImportError(
                '--advertise needs zeroconf: pip install "midigpt-live[discovery]"'
            ) from problem
        self.query = OscQuery(name, host, port)
        machine = socket.gethostname().partition(".")[0]
        self._services = [
            ServiceInfo(
                f"_{kind}.local.",
                f"{name}._{kind}.local.",
                port=service_port,
                parsed_addresses=[_address(host)],
                server=f"{machine}.local.",
            )
            for kind, service_port in (("osc._udp", port), ("oscjson._tcp", self.query.port))
        ]
        interfaces = [host] if is_loopback(host) else InterfaceChoice.All
        try:
            self._zeroconf = Zeroconf(interfaces=interfaces)
            for service in self._services:
                self._zeroconf.register_service(service, allow_name_change=True)
        except BaseException:
            self.query.close()
            raise
        log.info("advertised as %r, OSCQuery at http://%s:%d", name, host, self.query.port)

    def close(self) -> None:
        """Say goodbye."""
        for service in self._services:
            self._zeroconf.unregister_service(service)
        self._zeroconf.close()
        self.query.close()


def _address(host: str) -> str:
    """The address to tell others; of a wildcard, this machine's on its way out."""
    if host not in ("0.0.0.0", "::"):
        return socket.gethostbyname(host) if host == "localhost" else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent
        return str(probe.getsockname()[0])
