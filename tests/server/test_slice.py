"""The server thread asks Linux for a short time slice; read back from the kernel."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import threading
from typing import NamedTuple

import pytest
from stand_in import StandIn

from midigpt_server.server import Server
from midigpt_server.timing.slice import SLICE_NS, shorten_slice
from midigpt_server.transports.udp import UdpTransport

GETATTR = {"x86_64": 315, "aarch64": 275}
FIELDS = struct.Struct("IIQiIQQQ")


def release() -> tuple[int, ...]:
    return tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])


pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in GETATTR or release() < (6, 12),
    reason="needs Linux 6.12 or later",
)


class Attributes(NamedTuple):
    policy: int
    nice: int
    runtime: int


def attributes(thread: int | None) -> Attributes:
    buffer = ctypes.create_string_buffer(FIELDS.size)
    number = GETATTR[platform.machine()]
    assert ctypes.CDLL(None).syscall(number, thread, buffer, FIELDS.size, 0) == 0
    _, policy, _, nice, _, runtime, _, _ = FIELDS.unpack(buffer.raw)
    return Attributes(policy, nice, runtime)


def test_only_the_thread_that_keeps_time_has_the_short_slice() -> None:
    with Server(StandIn(), [UdpTransport(port=0)]):
        threads = {thread.name: attributes(thread.native_id) for thread in threading.enumerate()}
    assert threads["midigpt-server"].runtime == SLICE_NS
    assert threads["midigpt-generation"].runtime > SLICE_NS
    assert threads["MainThread"].runtime > SLICE_NS


def test_policy_and_niceness_stay() -> None:
    found: dict[str, Attributes] = {}
    nice = min(os.getpriority(os.PRIO_PROCESS, 0) + 3, 19)  # less would need a privilege

    def work() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
        assert shorten_slice()
        found["after"] = attributes(threading.get_native_id())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found["after"] == Attributes(os.SCHED_OTHER, nice, SLICE_NS)
