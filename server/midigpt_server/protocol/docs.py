"""The manual, made from the tables: ``python -m midigpt_server.protocol.docs``."""

from __future__ import annotations

from collections.abc import Iterable

from midigpt_server.protocol.errors import CODE_DOCS
from midigpt_server.protocol.fields import Field
from midigpt_server.protocol.inbound import INBOUND
from midigpt_server.protocol.outbound import OUTBOUND
from midigpt_server.protocol.parameters import CONDITIONING_PARAMETERS, PARAMETERS, TRACK_PARAMETERS
from midigpt_server.protocol.row import Inbound, Outbound
from midigpt_server.protocol.states import State

_NATURAL_TAGS = {"int": "i", "float": "f", "bool": "i", "string": "s", "any": "?"}

_HEAD = """\
# OSC protocol

Made from the tables in `server/midigpt_server/protocol` by
`python -m midigpt_server.protocol.docs > docs/osc.md`; a test keeps this page equal to them.

OSC 1.0 over UDP, one message a datagram, port 7400 unless told otherwise; the same over TCP on the
same port, framed by SLIP. Bundles are accepted and executed at once, in order. Address patterns
(`*`, `?`, `[ab]`, `{a,b}`) reach every address they match. Numbers may come as any of `i f h d T
F` or as numeric text; a fraction sent for an int is cut. Replies leave from the listening port and
go to the latest sender of the session, or to the reply port given at `session/init` or by
`--reply-port`. A message that succeeds has no reply unless one is listed. A sender that has sent
`session/init` has a session of its own; another sender shares the session last used from its host.
Addresses marked * are not in MIDI-GPT 0.4.2.

Bars are counted from 0 by the client. The playhead is the number of completed bars. Onsets and
durations are fractions of their bar and are rounded to the nearest step of the model.
"""

_SCHEDULING = """\
## Scheduling

With playhead p, lookahead_bars k, num_anticipated_bars j, buffer_bars B and model_dim D, every
bar end sets p = max(p, bar_index + 1) and, when p + k >= B (adapt_buffer) or p >= B (not), asks
for the bars t..t+j-1 from the target t = p + k on. The model sees the D bars up to max(t + j, D);
human bars from the playhead on are hidden. A bar end that comes again asks for nothing. The order
of one generation: status `generating`, prompt/state, for each bar open, notes, close and
features, then sampled/attrs, status `ready`; after a failure error 5 and status `ready`. A
session writes one bar at a time: a newer target replaces a waiting one, agents take turns in
creation order and hear what those before them play in the same bar. Sessions share the engine,
the earliest deadline first.

With lookahead_bars 0 the target is the bar that begins next. Generation starts lead_beats before
its bar line, with what has been heard of the bar that sounds, or at the bar end itself. What is
known before is read ahead; so with lead_beats 0 tell a note when it begins, with the duration that
reaches the bar line, and again when it is released before: then nothing is left to read at the bar
line, and the first note comes soonest.

## Time

The tempo is told (`tempo`) or the median of the last three bars; bar ends set the phase, at the
date of their bundle if they come in one (within a second of now), else as they arrive. Meters of
coming bars are announced (`meter`), else they are that of the last ended bar. `transport` jumps
and loops in the client's bar numbers. With the parameter `clock` = internal the server ends the
bars: tell tempo and meters, then `transport play`, and send notes only.

A bar is due output_latency before its bar line. With a `fallback` an agent that has nothing by
then plays something of its own instead: `bar/fallback`, then the bar. Notes more than 0.1 s late
are left out and told with `bar/late`; only clients without fallback and streaming get them all
the same.

## Streaming, dates, numbers

With `streaming`, open has note_count -1 and comes when the model begins, notes when they are
sampled, `generated/count` and close at the end; open again for the same bar voids what came
before. With `timetags`, notes come in bundles dated with their onset (NTP), at most 1400 bytes
each. With `note_offs` the server also sends play/on and play/off at their times, or dated and 0.1
s ahead; it ends every note it began. With `sequence`, each message comes in a bundle after
`/midigpt/seq number`; what is missing may be asked for with `resend`.
"""


def manual() -> str:
    """The page as Markdown."""
    return "\n".join(
        [
            _HEAD,
            "## From the client\n",
            *_table("address, tags", "arguments", "states", "effect", rows=map(_inbound, _rows())),
            "## To the client\n",
            *_table("address, tags", "arguments", "when", rows=map(_outbound, OUTBOUND.values())),
            "## Error codes\n",
            *_table("code", "meaning", rows=((str(c.value), d) for c, d in CODE_DOCS.items())),
            "## Parameters\n",
            *_table(
                "name",
                "default",
                "range",
                "meaning",
                rows=map(_parameter, PARAMETERS.values()),
            ),
            "## Parameters of a track\n",
            *_table(
                "track",
                "name",
                "range",
                "meaning",
                rows=[
                    *(("agent", f"`{f.name}`", f.range_text(), f.doc) for f in _agent_fields()),
                    *(
                        ("conditioning", f"`{f.name}`", f.range_text(), f.doc)
                        for f in CONDITIONING_PARAMETERS.values()
                    ),
                ],
            ),
            _SCHEDULING,
        ]
    )


def _rows() -> Iterable[Inbound]:
    return INBOUND.values()


def _agent_fields() -> Iterable[Field]:
    return TRACK_PARAMETERS.values()


def _inbound(row: Inbound) -> tuple[str, ...]:
    tags = "".join(_NATURAL_TAGS[field.kind] for field in row.fields)
    arguments = "; ".join(
        f"{field.name}{'' if field.required else ' (optional)'}: {field.range_text()}, {field.doc}"
        for field in row.fields
    )
    states = (
        "any"
        if row.states == frozenset(State)
        else ", ".join(state.value for state in State if state in row.states)
    )
    answers = f" Reply: {row.answers}." if row.answers else ""
    return _address(row.address, tags, row.since_0_4_2), arguments, states, row.doc + answers


def _outbound(row: Outbound) -> tuple[str, ...]:
    return _address(row.address, row.tags, row.since_0_4_2), ", ".join(row.arguments), row.doc


def _parameter(field: Field) -> tuple[str, ...]:
    default = {True: "1", False: "0"}.get(field.default, str(field.default))
    if not isinstance(field.default, bool):
        default = str(field.default)
    return f"`{field.name}`", default, field.range_text(), field.doc


def _address(address: str, tags: str, since_0_4_2: bool) -> str:
    return f"`{address}{' ,' + tags if tags else ''}`{'' if since_0_4_2 else ' *'}"


def _table(*head: str, rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [_line(head), _line(["---"] * len(head)), *map(_line, rows), ""]


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    print(manual(), end="")
