"""The message table as an OSCQuery tree.

Source: OSCQuery proposal (https://github.com/Vidvox/OSCQueryProposal): attributes FULL_PATH,
CONTENTS, ACCESS, TYPE, RANGE, DESCRIPTION.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from midigpt_server.protocol.fields import Field
from midigpt_server.protocol.inbound import INBOUND
from midigpt_server.protocol.row import Inbound

Node = dict[str, Any]

_CONTAINER, _WRITE_ONLY = 0, 2  # values of ACCESS
_TAGS = {"int": "i", "float": "f", "bool": "i", "string": "s", "any": "s"}


def message_tree(rows: Iterable[Inbound] = INBOUND.values()) -> Node:
    """The root node; messages to the server are write-only leaves."""
    root: Node = {"FULL_PATH": "/", "ACCESS": _CONTAINER, "DESCRIPTION": "midigpt-server"}
    for row in rows:
        node = root
        path = ""
        for name in row.address.strip("/").split("/"):
            path += f"/{name}"
            contents = node.setdefault("CONTENTS", {})
            node = contents.setdefault(name, {"FULL_PATH": path, "ACCESS": _CONTAINER})
        node |= {
            "ACCESS": _WRITE_ONLY,
            "DESCRIPTION": row.doc,
            "TYPE": "".join(_TAGS[field.kind] for field in row.fields),
            "RANGE": [_range(field) for field in row.fields],
        }
    return root


def find(root: Node, path: str) -> Node | None:
    """The node at a path such as ``/midigpt/note``."""
    node: Node | None = root
    for name in filter(None, path.split("/")):
        node = node.get("CONTENTS", {}).get(name) if node is not None else None
    return node


def _range(field: Field) -> Node:
    if field.choices:
        return {"VALS": list(field.choices)}
    if field.kind == "bool":
        return {"VALS": [0, 1]}
    return {
        name: bound
        for name, bound in (("MIN", field.low), ("MAX", field.high))
        if bound is not None
    }
