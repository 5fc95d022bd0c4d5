"""``python -m midigpt.compose.on_ray``: many descriptions on many workers or machines, by Ray Data.

Each worker opens one model and writes the pieces of the prompts that Ray hands it; results go to
Parquet files with the columns ``prompt``, ``seed`` and ``midi``. On a cluster, ``--backend vllm
--workers N`` gives an engine to each of N GPUs. Needs the package ``ray[data]``.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from midigpt import events
from midigpt.cli.arguments import Parser
from midigpt.compose.backend import Sampling, seeds_of
from midigpt.compose.opening import open_backend
from midigpt.compose.writer import Writer
from midigpt.inference.model.llama_folder import open_llama

_BACKENDS = ("native", "torch", "vllm")


class RayWriter:
    """A worker of Ray: called with batches of prompts, each with its number."""

    def __init__(self, folder: str, backend: str, outputs: int, seed: int, max_tokens: int) -> None:
        path = Path(folder)
        self._writer = Writer(path, open_backend(backend, path, max_tokens))
        self._sampling = Sampling(max_tokens=max_tokens)
        self._outputs, self._seed = outputs, seed

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """The pieces of some prompts; those without notes are left out."""
        rows: dict[str, list[Any]] = {"prompt": [], "seed": [], "midi": []}
        for number, prompt in zip(batch["id"], batch["prompt"], strict=True):
            seeds = seeds_of(self._seed, int(number), self._outputs)
            written = self._writer.write(str(prompt), seeds, self._sampling, lambda *_: None)
            for seed, piece in zip(seeds, written.pieces, strict=True):
                notes = events.from_ids(piece).notes
                if len(notes):
                    rows["prompt"].append(str(prompt))
                    rows["seed"].append(seed)
                    rows["midi"].append(events.to_midi(notes).data)
        return rows


def main(argv: list[str] | None = None) -> int:
    """Compose, and say how many pieces there are."""
    parser = Parser(prog="python -m midigpt.compose.on_ray", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of a Llama")
    parser.add_argument("--prompts_file", type=Path, required=True, help="one on each line")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of Parquet files")
    parser.add_argument("--backend", choices=_BACKENDS, default="native")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--n_outputs", type=int, default=1)
    parser.add_argument("--max_tokens", type=int, default=Sampling.max_tokens)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    try:
        count = compose(options)
    except (ValueError, OSError, ImportError) as error:
        print(f"{parser.prog}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    print(f"{count} pieces in {options.output}")
    return 0


def compose(options: argparse.Namespace) -> int:
    """Write all; returns the number of pieces.

    Raises:
        ImportError: Ray is not installed.
        ValueError: there are no prompts, or a number is below 1.
        OSError: a file cannot be read.
    """
    try:
        ray: Any = import_module("ray")
        import_module("ray.data")
    except ImportError:
        raise ImportError('Ray is not installed: pip install "ray[data]"') from None
    for name in ("workers", "n_outputs"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} is {getattr(options, name)}; at least 1 is wanted")
    lines = options.prompts_file.read_text(encoding="utf-8").splitlines()
    prompts = [line.strip() for line in lines if line.strip()]
    if not prompts:
        raise ValueError(f"{options.prompts_file} has no prompts; one on each line is wanted")
    open_llama(options.model)  # what is wrong with it is better said once
    rows = [{"id": number, "prompt": prompt} for number, prompt in enumerate(prompts)]
    settings = (str(options.model.resolve()), options.backend, options.n_outputs, options.seed)
    written = (
        ray.data.from_items(rows, override_num_blocks=min(len(rows), 4 * options.workers))
        .map_batches(
            RayWriter,
            fn_constructor_args=(*settings, options.max_tokens),
            concurrency=options.workers,
            batch_size=8,
            num_gpus=1 if options.backend == "vllm" and ray.cluster_resources().get("GPU") else 0,
        )
        .materialize()
    )
    written.write_parquet(str(options.output.resolve()))
    return int(written.count())


if __name__ == "__main__":
    sys.exit(main())
