"""``midigpt models``: what can be loaded by name."""

from __future__ import annotations

import argparse
import json
from typing import Any

from midigpt.inference.model.checkpoint import read_checkpoint_header
from midigpt.inference.model.gpt2_config import GPT2Config
from midigpt.inference.pretrained import (
    HUB_REPOSITORY,
    BundledModel,
    bundled_models,
    models_folder,
)

_EXAMPLES = """examples:
  midigpt models
  midigpt models --json
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "models",
        help="list the models that come with the package",
        description="List the models that come with the package, and where others are.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the list."""
    models = [describe(model) for model in bundled_models()]
    if options.json:
        print(json.dumps(models))
        return 0
    for model in models:
        mark = " (default)" if model["default"] else ""
        print(f"{model['name']}{mark}: {model['description']}")
        print(
            f"    {model['parameters'] / 1e6:.1f} M parameters, {model['layers']} layers of width "
            f"{model['width']}, context of {model['context']} tokens, {model['file']}"
        )
    if not models:
        print(f"no model is bundled in {models_folder()}")
    encoders = sorted(path.stem for path in (models_folder() / "encoders").glob("*.json"))
    print(f"encoders: {', '.join(encoders)}")
    print(
        f"more models: --model NAME loads NAME from https://huggingface.co/{HUB_REPOSITORY} "
        '(needs pip install "midigpt-live[hub]"), --model FILE a checkpoint file'
    )
    return 0


def describe(model: BundledModel) -> dict[str, Any]:
    """Name, file and sizes of a bundled model."""
    header = read_checkpoint_header(model.file)
    sizes = GPT2Config.from_dict(header.config)
    parameters = sum(_product(tensor.shape) for tensor in header.tensors.values())
    return {
        "name": model.name,
        "default": model.is_default,
        "description": model.description,
        "file": str(model.file),
        "parameters": parameters,
        "layers": sizes.n_layer,
        "width": sizes.n_embd,
        "context": sizes.n_positions,
    }


def _product(shape: tuple[int, ...]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result
