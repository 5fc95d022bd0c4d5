"""The ``midigpt`` command.

Other packages add commands by an entry point in the group ``midigpt.commands``: a module with a
function ``add_to(commands)`` like those here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import entry_points

from midigpt import __version__
from midigpt.cli import (
    caption,
    compose,
    dataset,
    evaluate,
    finetune,
    generate,
    models,
    preprocess,
    render,
    tokens,
    train,
)
from midigpt.cli.arguments import Parser

#: Exit code of every error the user can mend.
USAGE_ERROR = 2
#: Exit code after Ctrl-C, as shells have it.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code. Errors are one line on standard error."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ValueError, OSError, RuntimeError, ImportError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        print(f"midigpt: error: {text}", file=sys.stderr)
        return USAGE_ERROR


def _parser() -> Parser:
    parser = Parser(
        prog="midigpt",
        description="Multitrack symbolic music: write bars, compose from words, render sound, "
        "train models.",
        epilog="'midigpt COMMAND --help' has examples. The live server is midigpt-server.",
    )
    parser.add_argument("--version", action="version", version=f"midigpt-live {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True
    )
    own = (
        generate,
        compose,
        render,
        caption,
        tokens,
        models,
        dataset,
        preprocess,
        train,
        evaluate,
        finetune,
    )
    others = sorted(entry_points(group="midigpt.commands"), key=lambda entry: entry.name)
    for command in (*own, *(entry.load() for entry in others)):
        command.add_to(commands)
    return parser
