"""Parts of the client libraries, made from the tables.

    python -m midigpt_server.protocol.clients clients

SuperCollider gets a method for each message and its help, Pure Data a patch of message boxes to
copy from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from midigpt_server.protocol.fields import Field
from midigpt_server.protocol.inbound import INBOUND
from midigpt_server.protocol.outbound import OUTBOUND
from midigpt_server.protocol.row import Inbound

_COMMAND = "python -m midigpt_server.protocol.clients clients"
_PREFIX = "/midigpt/"
#: How SuperCollider makes a value of each kind.
_CASTS = {
    "int": "{}.asInteger",
    "float": "{}.asFloat",
    "bool": "{}.asBoolean.binaryValue",
    "string": "{}.asString",
    "any": "this.prWire({})",
}
_EXAMPLES = {"int": 0, "float": 0, "bool": 0, "string": "text", "any": 1}
_PD_HEAD = "#N canvas 80 40 1100 760 12;"
_PD_LINE = 24


def files() -> dict[str, str]:
    """Texts by their paths under ``clients``."""
    return {
        "supercollider/Classes/MidiGPTMessages.sc": _supercollider(),
        "supercollider/HelpSource/Classes/MidiGPTMessages.schelp": _schelp(),
        "pd/midigpt-messages.pd": _pure_data(),
    }


def _supercollider() -> str:
    lines = [
        "// Every message of the protocol, by name.",
        f"// Made from the server's tables by `{_COMMAND}`.",
        "",
        "MidiGPTMessages {",
        "	// To be had from a subclass: send { |path ... args| } and prWire { |value| }.",
        "",
        *(f"	{line}" for row in INBOUND.values() for line in _method(row)),
        "",
        "	// What the server says: path -> names of the arguments.",
        "	*replies {",
        "		^Dictionary[",
        *(
            f'			"{row.address.removeprefix(_PREFIX)}" -> '
            f"#[{', '.join(map(_camel, row.arguments))}],"
            for row in OUTBOUND.values()
        ),
        "		]",
        "	}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _method(row: Inbound) -> Iterator[str]:
    path = row.address.removeprefix(_PREFIX)
    names = [_camel(field.name) for field in row.fields]
    values = [f'"{path}"', *(_CASTS[f.kind].format(_camel(f.name)) for f in row.fields)]
    call = f"this.send({', '.join(values)})"
    if not names:
        yield f"{method_name(path)} {{ {call} }}"
        return
    yield f"{method_name(path)} {{ |{', '.join(map(_argument, row.fields))}|"
    yield f"	{call}"
    yield "}"


def _argument(field: Field) -> str:
    name = _camel(field.name)
    if field.required:
        return name
    default = f'"{field.default}"' if isinstance(field.default, str) else field.default
    return f"{name} = {default}"


def method_name(path: str) -> str:
    """``bar/end`` is sent by ``sendBarEnd``."""
    return _camel(f"send_{path.replace('/', '_')}")


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _schelp() -> str:
    lines = [
        "TITLE:: MidiGPTMessages",
        "SUMMARY:: Every message of the protocol, by name",
        "CATEGORIES:: External Control>OSC",
        "RELATED:: Classes/MidiGPT, Classes/MidiGPTTrack",
        "",
        "DESCRIPTION::",
        "What link::Classes/MidiGPT:: inherits: a method for each message to the server, made from",
        "the server's own tables.",
        "",
        "CLASSMETHODS::",
        "METHOD:: replies",
        "The messages from the server: a Dictionary of paths and names of arguments.",
        "",
        "INSTANCEMETHODS::",
    ]
    for row in INBOUND.values():
        lines += [
            "",
            f"METHOD:: {method_name(row.address.removeprefix(_PREFIX))}",
            _sentence(row.doc),
        ]
        for field in row.fields:
            said = _sentence(
                f"{field.doc}: {field.range_text()}" if field.doc else field.range_text()
            )
            lines += [f"ARGUMENT:: {_camel(field.name)}", said]
    return "\n".join(lines) + "\n"


def _sentence(text: str) -> str:
    return (text[:1].upper() + text[1:]).rstrip(".") + "."


def _pure_data() -> str:
    lines = [
        _PD_HEAD,
        "#X text 20 10 Every message to the server \\, to copy: a [midigpt] takes them at its left"
        " inlet. Made from the server's tables.;",
    ]
    for number, row in enumerate(INBOUND.values()):
        y = 40 + _PD_LINE * number
        words = ["send", row.address.removeprefix(_PREFIX), *map(_example, row.fields)]
        lines.append(f"#X msg 20 {y} {' '.join(words)};")
        names = " ".join(field.name for field in row.fields)
        lines.append(f"#X text 420 {y} {_pd_text(f'{names}: {row.doc}' if names else row.doc)};")
    return "\n".join(lines) + "\n"


def _example(field: Field) -> str:
    if field.choices:
        return field.choices[0]
    if not field.required and field.default != "":
        return str(field.default)
    number = _EXAMPLES[field.kind]
    if isinstance(number, int) and field.low is not None:
        number = max(number, int(field.low))
    return str(number)


def _pd_text(text: str) -> str:
    for character in ",;$":
        text = text.replace(character, f" \\{character}" if character != "$" else "\\$")
    return text


def main() -> None:
    """Write the files into the folder of the clients."""
    folder = Path(sys.argv[1])
    for path, text in files().items():
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
