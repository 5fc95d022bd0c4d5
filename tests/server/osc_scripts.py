"""The scripted clients whose replies are recorded from MIDI-GPT 0.4.2 (tests/data/make)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Sent = list[Any]  # [address, tags, arguments]
Step = dict[str, Any]


@dataclass
class Script:
    about: str
    steps: list[Step]
    encoder: str = "ghost"
    flags: list[str] = field(default_factory=list)


def msg(address: str, tags: str = "", *arguments: Any) -> Sent:
    return [f"/midigpt/{address}", tags, list(arguments)]


def step(about: str, *messages: Sent) -> Step:
    return {"about": about, "send": list(messages)}


INIT = msg("session/init", "s", "test")
START = msg("session/start")
STOP = msg("session/stop")
HUMAN = msg("track/create", "iiii", 0, 0, 10, 0)
AGENT = msg("track/create", "iiii", 1, 32, 10, 1)


def param(name: str, value: Any, how: str = "set") -> Sent:
    tag = {bool: "T" if value else "F", int: "i", float: "f", str: "s"}[type(value)]
    return msg(f"param/{how}", f"s{tag}", name, value)


def note(bar: int, pitch: int = 60, onset: float = 0.0, track: int = 0) -> Sent:
    return msg("note", "iiiffi", track, pitch, 80, onset, 0.25, bar)


def end(bar: int, numerator: int = 4, denominator: int = 4) -> Sent:
    return msg("bar/end", "iii", bar, numerator, denominator)


def running(*parameters: Sent) -> Step:
    return step("a running session", INIT, HUMAN, AGENT, *parameters, START)


def bars(first: int, last: int) -> list[Step]:
    return [
        step(f"bar {n} ends", note(n, 60 + n), note(n, 64, 0.5), end(n))
        for n in range(first, last + 1)
    ]


# one message of each kind, with arguments that are right in a running session
EVERY_MESSAGE: list[Sent] = [
    msg("track/create", "iiii", 7, 40, 10, 0),
    msg("track/set_ignore", "ii", 7, 0),
    msg("track/param/set", "isi", 0, "ignore", 0),
    msg("track/remove", "i", 7),
    note(0),
    end(0),
    param("top_k", 5),
    param("top_k", 5, "set_once"),
    msg("param/reset", "s", "top_k"),
    msg("param/reset_all"),
    msg("attr/set", "si", "max_polyphony", 5),
    msg("attr/reset_all"),
    msg("session/end"),
    msg("no/such/address", "i", 1),
    START,
]


def state_table() -> list[Step]:
    def every(state: str) -> list[Step]:
        return [step(f"{state}: {message[0]}", message) for message in EVERY_MESSAGE]

    tracks = step("tracks", HUMAN, AGENT)
    return [
        *every("UNINITIALIZED"),
        step("UNINITIALIZED: stop", STOP),
        *every("STOPPED"),
        step("STOPPED: stop", STOP),
        step("STOPPED: init", INIT),
        *every("INITIALIZING"),
        step("INITIALIZING: init", INIT),
        tracks,
        step("INITIALIZING: start", START),
        *every("RUNNING"),
        step("RUNNING: init wipes", INIT),
        step("the old tracks are gone", START),
        tracks,
        step("start", START),
        step("RUNNING: stop", STOP),
        step("STOPPED after RUNNING: start", START),
        step("init", INIT),
        step("INITIALIZING: stop", STOP),
    ]


def start_tests() -> list[Step]:
    return [
        step("no tracks: 6 first", INIT, START),
        step("agent only: 1", AGENT, START),
        step("human only: 6", INIT, HUMAN, START),
        step("buffer above model_dim: 4", AGENT, param("buffer_bars", 9), START),
        step("a failed start leaves the state", param("buffer_bars", 8), START),
        step(
            "buffer 9, model_dim 12",
            INIT,
            HUMAN,
            AGENT,
            param("buffer_bars", 9),
            param("model_dim", 12),
            START,
        ),
    ]


def error_codes() -> list[Step]:
    return [
        step("init", INIT),
        step(
            "4: no arguments",
            msg("track/create"),
            msg("track/remove"),
            msg("track/set_ignore"),
            msg("track/param/set"),
        ),
        step(
            "4: too few",
            msg("track/create", "iii", 0, 0, 10),
            msg("track/set_ignore", "i", 0),
            msg("track/param/set", "is", 0, "ignore"),
        ),
        step(
            "4: parameters",
            msg("param/set"),
            msg("param/set", "s", "top_k"),
            msg("param/set_once"),
            msg("param/set_once", "s", "top_k"),
            msg("param/reset"),
        ),
        step("4: attributes", msg("attr/set"), msg("attr/set", "s", "max_polyphony")),
        step(
            "4: unknown parameter",
            param("no_such", 1),
            param("no_such", 1, "set_once"),
            msg("param/reset", "s", "no_such"),
        ),
        step("attribute level as text", msg("attr/set", "ss", "max_polyphony", "high")),
        step("tracks", HUMAN, AGENT),
        step("3: id taken", HUMAN),
        step("3 before 7: the agent's id taken", AGENT),
        step("7: second agent", msg("track/create", "iiii", 5, 0, 10, 1)),
        step(
            "2: unknown track",
            msg("track/remove", "i", 99),
            msg("track/set_ignore", "ii", 99, 1),
            msg("track/param/set", "isi", 99, "ignore", 1),
        ),
        step("1: the agent cannot be removed", msg("track/remove", "i", 1)),
        step("2: the agent cannot be ignored", msg("track/set_ignore", "ii", 1, 1)),
        step(
            "4: unknown track parameter",
            msg("track/param/set", "isi", 0, "key_signature", 1),
            msg("track/param/set", "isi", 0, "min_pitch", 1),
        ),
        step(
            "track parameters",
            msg("track/param/set", "isf", 1, "temperature", 1.5),
            msg("track/param/set", "isi", 1, "min_pitch", 30),
            msg("track/param/set", "isi", 1, "max_pitch", 90),
            msg("track/param/set", "isf", 0, "temperature", 1.5),
            msg("track/param/set", "isi", 0, "ignore", 0),
        ),
        step(
            "ignore of the agent as a track parameter",
            msg("track/param/set", "isi", 1, "ignore", 1),
        ),
        step("start", START),
        step("4: note", msg("note"), msg("note", "iiiff", 0, 60, 80, 0.0, 0.25)),
        step("2: note for an unknown track", note(0, track=99)),
        step("8: note for the agent", note(0, track=1)),
        step("4: bar/end", msg("bar/end"), msg("bar/end", "ii", 0, 4)),
        step(
            "extra arguments are ignored",
            msg("bar/end", "iiii", 0, 4, 4, 9),
            msg("track/remove", "ii", 99, 5),
        ),
        step(
            "floats for ints",
            msg("note", "fffffd", 0.0, 60.0, 80.0, 0.0, 0.25, 1.0),
            msg("bar/end", "ffd", 1.9, 4.0, 4.0),
            msg("track/remove", "h", 99),
        ),
        step(
            "booleans for ints",
            msg("track/create", "iiiF", 12, 0, 10, False),
            msg("track/set_ignore", "iF", 12, False),
            msg("track/remove", "i", 12),
        ),
    ]


BOUNDS: dict[str, tuple[list[Any], list[Any]]] = {  # accepted, refused with 4
    "lookahead_bars": ([1, 8, 4.9, "3"], [0, 9, -1, 0.99]),
    "buffer_bars": ([2, 64], [1, 65]),
    "num_anticipated_bars": ([1, 8], [0, 9]),
    "model_dim": ([1, 16, 8], [0, 17]),
    "adapt_buffer": ([True, False, 1, 0, 0.5], []),
    "warmup_policy": (["a_empty", "a_masked", "b", "b_collapse"], ["c", "", 1]),
    "mask_mode": (
        ["token", "attention", "attention_approx", "attention_skip", "remove"],
        ["auto", "none", 3],
    ),
    "temperature": ([0.1, 5.0, 1, "0.5"], [0.05, 5.5, 0, -1.0]),
    "temperature_escalation": ([1.0, 3.0], [0.9, 3.5]),
    "top_p": ([1.0, 0.5], [-0.1, 1.5]),
    "top_k": ([0, 10000], [-1, 10001]),
    "mask_p": ([0.0, 0.5], [-0.1, 1.5]),
    "mask_k": ([0, 10000], [-1, 10001]),
    "sampling_seed": ([-1, 0, 2147483647, -2147483648], []),
    "max_attempts": ([1, 10], [0, 11]),
    "novelty_check": ([True, False], []),
    "silence_check": ([True, False], []),
    "polyphony_hard_limit": ([0, 128], [-1, 129]),
    "density_hard_limit": ([0, 1000], [-1, 1001]),
    "gen_timeout": ([0.0, 3600.0, 5], [-0.5]),
}


def parameter_bounds() -> list[Step]:
    steps = [step("init", INIT)]
    for name, (accepted, refused) in BOUNDS.items():
        for how in ("set", "set_once"):
            steps.append(step(f"{how} {name}: accepted", *[param(name, v, how) for v in accepted]))
            steps.append(step(f"{how} {name}: refused", *[param(name, v, how) for v in refused]))
        steps.append(step(f"reset {name}", msg("param/reset", "s", name)))
    steps.append(step("reset_all", msg("param/reset_all")))
    return steps


def malformed() -> list[Step]:
    nan, inf = float("nan"), float("inf")
    return [
        step("track/param/set before init", msg("track/param/set", "isi", 0, "ignore", 0)),
        running(),
        step("text for a track type", msg("track/create", "iisi", 3, 0, "melodic", 0)),
        step("text for a pitch", msg("note", "isiffi", 0, "C4", 80, 0.0, 0.25, 0)),
        step("text for a temperature", param("temperature", "hot")),
        step("text for an int parameter", param("top_k", "many")),
        step("a fraction as text", param("top_k", "4.5")),
        step("NaN temperature", param("temperature", nan)),
        step("infinite temperature", param("temperature", inf)),
        step("NaN timeout", param("gen_timeout", nan)),
        step("infinite timeout", param("gen_timeout", inf)),
        step(
            "nil, blob, array",
            ["/midigpt/track/remove", "N", [None]],
            ["/midigpt/bar/end", "iNi", [0, None, 4]],
        ),
        step("number for a name", msg("param/set", "ii", 3, 4)),
        step(
            "pitch and velocity out of range",
            msg("note", "iiiffi", 0, 128, 80, 0.0, 0.25, 0),
            msg("note", "iiiffi", 0, -1, 80, 0.0, 0.25, 0),
            msg("note", "iiiffi", 0, 60, 128, 0.0, 0.25, 0),
        ),
        step(
            "onset out of range",
            msg("note", "iiiffi", 0, 60, 80, 1.5, 0.25, 0),
            msg("note", "iiiffi", 0, 60, 80, -0.5, 0.25, 0),
        ),
        step("negative bar, no bars yet", end(-1)),
        step("denominator 0", end(0, 4, 0)),
        step("NaN onset", msg("note", "iiiffi", 0, 60, 80, nan, 0.25, 0)),
        step("bar 0 ends", end(0)),
        step("infinite onset", msg("note", "iiiffi", 0, 60, 80, inf, 0.25, 1)),
        step("bar 1 ends", end(1)),
        {"about": "not OSC", "datagrams": ["00", "2f6d6964", "ff" * 40, "2362756e646c6500"]},
        step("still there", msg("track/remove", "i", 99)),
    ]


def odd_bar_ends() -> list[Step]:
    b2 = param("buffer_bars", 2)
    return [
        running(b2),
        *bars(0, 2),
        step("same index again", end(2)),
        step("lower index", end(1)),
        step("a jump ahead", note(4), end(5)),
        step("late note", note(3, 70)),
        step("notes for a later bar", note(7, 71)),
        *bars(6, 7),
        step("negative index", end(-1)),
        step("denominator 0", end(8, 4, 0)),
        *bars(8, 8),
        step("3/4", end(9, 3, 4)),
        step("7/8", end(10, 7, 8)),
        step("numerator 0", end(11, 0, 4)),
        step("after it", end(12)),
        running(b2),
        *bars(0, 1),
        step("a foreign meter", end(2, 13, 8)),
        step("after it", end(3)),
    ]


def attributes() -> list[Step]:
    b2 = param("buffer_bars", 2)
    setting = lambda name, level: msg("attr/set", "si", name, level)  # noqa: E731
    return [
        step("before init", setting("max_polyphony", 3)),
        running(b2),
        step("set", setting("max_polyphony", 5), setting("min_polyphony", 0)),
        *bars(0, 1),
        step("removed by a negative level", setting("max_polyphony", -1)),
        *bars(2, 2),
        step("unknown name", setting("loudness", 3), end(3)),
        step("reset_all", msg("attr/reset_all"), end(4)),
        step("out of range", setting("max_polyphony", 10), end(5)),
        step("drum-only on melodic", msg("attr/reset_all"), setting("note_density", 3), end(6)),
        running(b2),
        step("attributes survive an init", end(0)),
    ]


def tracks() -> list[Step]:
    b2 = param("buffer_bars", 2)
    return [
        step(
            "negative and large ids",
            INIT,
            msg("track/create", "iiii", -5, 0, 10, 0),
            msg("track/create", "iiii", 1000000, 200, 11, 0),
            msg("track/create", "iiii", 30, 0, 0, 2),
        ),
        step("drum agent", START),
        step("bar 0", msg("note", "iiiffi", -5, 60, 80, 0.0, 0.25, 0), end(0)),
        *[step(f"bar {n} ends", end(n)) for n in range(1, 4)],
        running(b2),
        *bars(0, 1),
        step(
            "a third track while running",
            msg("track/create", "iiii", 2, 40, 11, 0),
            note(2, 36, track=2),
        ),
        *bars(2, 3),
        step("the first human is removed", msg("track/remove", "i", 0)),
        step("note for it: 2", note(4)),
        step("bar 4 ends", end(4)),
        step(
            "ignored: every generation fails in 0.4.2", msg("track/set_ignore", "ii", 2, 1), end(5)
        ),
        step("not ignored", msg("track/set_ignore", "ii", 2, 0), end(6)),
        step("one human track stays", msg("track/remove", "i", 2), end(7)),
        step("stop", STOP),
    ]


def schedule(
    about: str, *parameters: tuple[str, Any], last: int = 6, encoder: str = "ghost"
) -> Script:
    settings = [param(name, value) for name, value in parameters]
    return Script(f"scheduling: {about}", [running(*settings), *bars(0, last)], encoder)


def policy(name: str, *parameters: tuple[str, Any]) -> Script:
    return schedule(f"warm-up policy {name}", ("warmup_policy", name), *parameters, last=4)


SCRIPTS: dict[str, Script] = {
    "states": Script("every message in every state", state_table()),
    "states_yellow": Script("capabilities of yellow", [step("init", INIT)], "yellow"),
    "states_expressive": Script("capabilities of expressive", [step("init", INIT)], "expressive"),
    "start": Script("the tests of session/start", start_tests()),
    "errors": Script("every error code", error_codes()),
    "parameters": Script("bounds and conversions of every parameter", parameter_bounds()),
    "malformed": Script("malformed input", malformed()),
    "odd_bar_ends": Script("bar ends out of order, odd meters", odd_bar_ends()),
    "attributes": Script("attributes", attributes()),
    "tracks": Script("tracks come and go", tracks()),
    "defaults_yellow": schedule("the defaults on yellow (D01)", encoder="yellow", last=3),
    "b4k1": schedule("the defaults", last=8),
    "b2k1": schedule("B=2", ("buffer_bars", 2)),
    "b2k2": schedule("B=2, k=2", ("buffer_bars", 2), ("lookahead_bars", 2)),
    "b4k2": schedule("k=2", ("lookahead_bars", 2)),
    "b8k1": schedule("B=8", ("buffer_bars", 8)),
    "b4k1_fixed": schedule("adapt off", ("adapt_buffer", False)),
    "b4k3_fixed": schedule("k=3, adapt off", ("lookahead_bars", 3), ("adapt_buffer", False)),
    "b2k4": schedule("B=2, k=4", ("buffer_bars", 2), ("lookahead_bars", 4)),
    "b4k8": schedule("k=8: human fully hidden", ("lookahead_bars", 8), last=3),
    "b4k1j2": schedule("j=2", ("num_anticipated_bars", 2)),
    "b4k2j3": schedule("k=2, j=3", ("lookahead_bars", 2), ("num_anticipated_bars", 3)),
    "b4k1_d4": schedule("D=4", ("model_dim", 4)),
    "b2k3_d4": schedule(
        "B=2, k=3, D=4", ("buffer_bars", 2), ("lookahead_bars", 3), ("model_dim", 4)
    ),
    "b4k1j4_d4": schedule("j=4, D=4", ("num_anticipated_bars", 4), ("model_dim", 4)),
    "b4k1j6_d4": schedule(
        "j=6, D=4: refused", ("num_anticipated_bars", 6), ("model_dim", 4), last=3
    ),
    "b4k1_d5": schedule("D=5: refused", ("model_dim", 5), last=3),
    "policy_a_masked": policy("a_masked", ("sampling_seed", 5)),
    "policy_b": policy("b"),
    "policy_b_collapse": policy("b_collapse"),
    "policy_b_d4": policy("b", ("model_dim", 4)),
    "policy_b_collapse_d4": policy("b_collapse", ("model_dim", 4)),
    "mask_token": schedule(
        "mask_mode token on yellow", ("mask_mode", "token"), encoder="yellow", last=3
    ),
    **{
        f"mask_{mode}": schedule(f"mask_mode {mode}", ("mask_mode", mode), encoder="yellow", last=3)
        for mode in ("attention", "attention_approx", "attention_skip", "remove")
    },
    "engine_refusals": Script(
        "values that 0.4.2 accepts and its engine refuses",
        [
            running(param("buffer_bars", 2)),
            step("top_p 0", param("top_p", 0.0), end(0)),
            step("mask_p 1", param("top_p", 1.0), param("mask_p", 1.0), end(1)),
            step(
                "mask_k = top_k",
                param("mask_p", 0.0),
                param("top_k", 5),
                param("mask_k", 5),
                end(2),
            ),
            step("mended", msg("param/reset_all"), end(3)),
        ],
    ),
    "one_shot": Script(
        "one-shot parameters",
        [
            running(param("buffer_bars", 2)),
            step("lookahead 3 once", param("lookahead_bars", 3, "set_once"), end(0)),
            step("back to 1", end(1)),
            step(
                "reset drops it",
                param("lookahead_bars", 3, "set_once"),
                msg("param/reset", "s", "lookahead_bars"),
                end(2),
            ),
            step(
                "reset_all drops it",
                param("lookahead_bars", 3, "set_once"),
                msg("param/reset_all"),
                end(3),
            ),
        ],
    ),
    "flags": Script(
        "start-up overrides are lost at init (D27)",
        [running(), *bars(0, 3)],
        flags=["--buffer", "2", "--lookahead", "3", "--model_dim", "4"],
    ),
}
