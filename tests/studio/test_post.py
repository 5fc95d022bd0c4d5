"""The queue between the threads and the browsers."""

from __future__ import annotations

import threading
import time

from midigpt_server.protocol.osc import Message
from midigpt_studio.post import Post, ThreadedPost


def test_a_flush_is_one_batch_a_receiver_in_order():
    sent: list = []
    post = Post(lambda receivers, batch: sent.append((receivers, batch)))
    for number in range(3):
        post.post("a", Message("/n", (number,)))
        post.post("b", Message("/m", (number,)))
    assert sent == []
    post.flush()
    assert sent == [
        (["a"], [["/n", 0], ["/n", 1], ["/n", 2]]),
        (["b"], [["/m", 0], ["/m", 1], ["/m", 2]]),
    ]
    post.flush()
    assert len(sent) == 2


def test_those_who_get_the_same_get_it_at_once():
    sent: list = []
    post = Post(lambda receivers, batch: sent.append((receivers, batch)))
    shared, own = Message("/shared"), Message("/own")
    for receiver in "abc":
        post.post(receiver, shared)
    post.post("b", own)
    post.flush()
    assert sent == [(["a", "c"], [["/shared"]]), (["b"], [["/shared"], ["/own"]])]


def test_whoever_flushes_is_woken_once_a_batch():
    woken: list[None] = []
    post = Post(lambda receivers, batch: None, lambda: woken.append(None))
    for batches in (1, 2):
        for _ in range(3):
            post.post("a", Message("/n"), Message("/m"))
        assert len(woken) == batches
        post.flush()


def test_every_message_of_every_thread_arrives_once_and_in_its_order():
    received: list[list] = []
    batches = 0

    def emit(_receivers: list[str], batch: list) -> None:
        nonlocal batches
        batches += 1
        received.extend(batch)

    post = ThreadedPost(emit)

    def talk(name: int) -> None:
        for number in range(500):
            post.post("a", Message(str(name), (number,)))
            if number % 50 == 0:
                time.sleep(0.001)

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    post.close()
    assert len(received) == 2000
    for name in range(4):
        assert [number for who, number in received if who == str(name)] == list(range(500))
    assert batches < 500  # batched, not one by one
