"""``midigpt compose``: music from a sentence."""

from __future__ import annotations

import argparse
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from midigpt import audio
from midigpt.cli.render import sound_of
from midigpt.compose import Backend, Sampling, Session, Writer
from midigpt.compose.backend import seeds_of
from midigpt.compose.opening import open_backend
from midigpt.inference.model.llama_folder import find_llama
from midigpt.inference.pretrained import bundled_llama

#: Loaded when no other is named and the hub, or a copy of it, can be reached.
DEFAULT_MODEL = "slseanwu/MIDI-LLM_Llama-3.2-1B"

_MAX_SEED = 2**32 - 1
_INTERRUPTED = 130
_BACKENDS = ("native", "torch", "vllm")

_EXAMPLES = """examples:
  midigpt compose --prompt "A cheerful rock song with bright electric guitars"
  midigpt compose --prompts_file ideas.txt --n_outputs 2 --seed 7 --output_root songs
  midigpt compose --interactive --no-synthesize
  midigpt compose --model my_llama/ --prompt "slow strings in A minor" --format flac

Each run makes a folder by date and time, with a folder for each prompt. Ctrl-C (or SIGTERM, in the
background) keeps what is there.
The flags are those of the scripts of MIDI-LLM, and their long names may be written with - or _.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "compose",
        help="write music from a description in words",
        description="Write music from a description in words.",
        epilog=_EXAMPLES,
    )
    what = parser.add_argument_group("what to write")
    one = what.add_mutually_exclusive_group()
    _add(one, "--prompt", metavar="TEXT", help="a description of the music")
    _add(one, "--prompts_file", metavar="FILE", help="one description on each line")
    _add(what, "--interactive", action="store_true", help="ask for descriptions, one after another")
    _add(what, "--n_outputs", type=int, default=4, metavar="N", help="pieces of each (%(default)s)")
    how = parser.add_argument_group("how to write")
    _add(
        how,
        "--temperature",
        type=float,
        default=Sampling.temperature,
        metavar="F",
        help="above 1 is wilder, below 1 is tamer (%(default)s)",
    )
    _add(
        how,
        "--top_p",
        type=float,
        default=Sampling.top_p,
        metavar="F",
        help="only the likeliest that make up this share (%(default)s)",
    )
    _add(
        how,
        "--max_tokens",
        type=int,
        default=Sampling.max_tokens,
        metavar="N",
        help="length of a piece, three for each note (%(default)s)",
    )
    _add(
        how,
        "--hold_key",
        type=float,
        default=Sampling.hold_key,
        metavar="F",
        help="lean pitches to the key that the description names; 1 does so clearly (%(default)s)",
    )
    _add(
        how,
        "--hold_tempo",
        type=float,
        default=Sampling.hold_tempo,
        metavar="BPM",
        help="write at this tempo, then play as fast as the description says; 0: write as it says "
        "(default: as the model says, 0 if nothing)",
    )
    _add(how, "--seed", type=int, metavar="N", help="of the random draws (another each time)")
    which = parser.add_argument_group("model")
    _add(
        which,
        "--model",
        metavar="NAME",
        help=f"folder or hub name ({DEFAULT_MODEL}, or the bundled model without a network)",
    )
    _add(which, "--cache_dir", metavar="DIR", help="where downloads from the hub are kept")
    _add(
        which,
        "--backend",
        choices=_BACKENDS,
        help="native: int8 on the CPU; torch: also on a GPU; vllm: GPU (native, or torch on CUDA)",
    )
    _add(which, "--fp8", action="store_true", help="8-bit floats, with vllm")
    _add(
        which,
        "--gpu_memory",
        type=float,
        default=0.9,
        metavar="F",
        help="share of the GPU's memory, with vllm (%(default)s)",
    )
    where = parser.add_argument_group("output")
    _add(
        where,
        "--output_root",
        default="./generated_outputs",
        metavar="DIR",
        help="folder for the folders of runs (%(default)s)",
    )
    _add(where, "--no-synthesize", action="store_true", help="MIDI files alone, no sound")
    _add(where, "--soundfont", metavar="FILE", help=".sf2 or .sf3 bank (default: the bundled one)")
    _add(
        where,
        "--format",
        choices=[ending[1:] for ending in audio.FORMATS],
        default="mp3",
        help="of the sound (%(default)s)",
    )
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Compose, save, and say what came of it; 1 if no piece could be saved."""
    check(options)
    prompts = read_prompts(options)
    sampling = Sampling(
        options.temperature,
        options.top_p,
        options.max_tokens,
        hold_key=options.hold_key,
        hold_tempo=options.hold_tempo,
    )
    folder = find_model(options.model, options.cache_dir)
    writer = Writer(folder, backend_of(options, folder))
    seed = secrets.randbelow(_MAX_SEED + 1) if options.seed is None else options.seed
    session = Session(
        Path(options.output_root),
        settings(options, folder, sampling, seed),
        synthesizer(options),
        _warn,
    )
    composer = Composer(writer, sampling, session, seed, options.n_outputs)
    for end in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs ignore the first
        signal.signal(end, signal.default_int_handler)
    try:
        for index, prompt in enumerate(prompts, start=1):
            composer.compose(prompt, index)
        if options.interactive:
            for prompt in asked():
                composer.compose(prompt, 1)
    except KeyboardInterrupt:
        print(f"stopped; what was written is in {session.folder}", file=sys.stderr)
        return _INTERRUPTED
    return 0 if session.succeeded or not composer.count else 1


class Composer:
    """Takes prompts one after another through model and session."""

    def __init__(
        self,
        writer: Writer,
        sampling: Sampling,
        session: Session,
        seed: int,
        outputs: int,
    ) -> None:
        self._writer = writer
        self._sampling = sampling
        self._session = session
        self._seed = seed
        self._outputs = outputs
        self.count = 0

    def compose(self, prompt: str, index: int) -> None:
        """Write and save the pieces of one prompt; KeyboardInterrupt after saving, if stopped."""
        seeds = seeds_of(self._seed, self.count, self._outputs)
        self.count += 1
        started, clock = datetime.now(), time.monotonic()
        with tqdm(unit="s", desc="music", leave=False, bar_format=_BAR) as bar:
            batch = self._writer.write(
                prompt,
                seeds,
                self._sampling,
                lambda seconds, share: _show(bar, seconds, share),
            )
        seconds = time.monotonic() - clock
        before = self._session.succeeded
        folder = self._session.save(prompt, index, started, seconds, batch.pieces)
        saved = self._session.succeeded - before
        where = f", in {folder}" if saved else ""
        print(f"{saved} of {self._outputs} pieces in {seconds:.1f} s, seed {self._seed}{where}")
        if batch.stopped:
            raise KeyboardInterrupt


_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f} s written, {elapsed}<{remaining}"


def _show(bar: Any, seconds: float, share: float) -> None:
    """Move the progress bar: ``share`` of the work has given ``seconds`` of music."""
    bar.total = seconds / share if share else None
    bar.n = seconds
    bar.update(0)


def check(options: argparse.Namespace) -> None:
    """Refuse what can be refused before a model is loaded.

    Raises:
        ValueError: a value is out of range.
        OSError: the SoundFont cannot be read.
    """
    if not (options.prompt is not None or options.prompts_file or options.interactive):
        options.parser.error("one of --prompt, --prompts_file and --interactive is wanted")
    if options.n_outputs < 1:
        raise ValueError(f"--n_outputs is {options.n_outputs}; at least 1 is wanted")
    if options.seed is not None and not 0 <= options.seed <= _MAX_SEED:
        raise ValueError(f"--seed is {options.seed}; 0..{_MAX_SEED} is wanted")
    if options.fp8 and options.backend not in (None, "vllm"):
        raise ValueError(f"--fp8 needs --backend vllm; it is {options.backend}")
    if options.hold_key and (options.fp8 or options.backend == "vllm"):
        raise ValueError("--hold_key needs --backend native or torch; vLLM cannot")
    if options.soundfont is not None and not options.no_synthesize:
        audio.require_soundfont(options.soundfont)


def read_prompts(options: argparse.Namespace) -> list[str]:
    """The prompts that are there before anybody is asked.

    Raises:
        ValueError: the file has none, or the prompt is empty.
        OSError: the file cannot be read.
    """
    if options.prompts_file is None:
        if options.prompt is not None and not options.prompt.strip():
            raise ValueError("--prompt is empty; a description of the music is wanted")
        return [] if options.prompt is None else [options.prompt]
    text = Path(options.prompts_file).read_text(encoding="utf-8")
    prompts = [line.strip() for line in text.splitlines() if line.strip()]
    if not prompts:
        raise ValueError(f"{options.prompts_file} has no prompts; one on each line is wanted")
    return prompts


def asked() -> Iterator[str]:
    """Prompts typed one after another; an empty line, the end of input or Ctrl-C is the last."""
    while True:
        try:
            prompt = input("Prompt: ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if not prompt:
            return
        yield prompt


def find_model(name: str | None, cache_dir: str | None) -> Path:
    """The folder of the named model, or of the default one.

    Raises:
        ValueError, OSError, ImportError: as :func:`find_llama`.
    """
    if name is not None:
        return bundled_llama(name) or find_llama(name, cache_dir)
    try:
        return find_llama(DEFAULT_MODEL, cache_dir)
    except (OSError, ImportError, ValueError) as error:
        bundled = bundled_llama(None)
        if bundled is None:
            raise
        _warn(f"{str(error).splitlines()[0]}; using the bundled model {bundled.name}")
        return bundled


def backend_of(options: argparse.Namespace, folder: Path) -> Backend:
    """The backend that is asked for, or the one that suits this machine."""
    name = options.backend or ("vllm" if options.fp8 else _usual_backend())
    return open_backend(name, folder, options.max_tokens, options.fp8, options.gpu_memory)


def _usual_backend() -> str:
    """Torch on a machine with CUDA, else the native engine; PyTorch is imported only then."""
    if shutil.which("nvidia-smi") is None or find_spec("torch") is None:
        return "native"
    import torch

    return "torch" if torch.cuda.is_available() else "native"


def synthesizer(options: argparse.Namespace) -> Any:
    """What makes sound of a MIDI file; None, with a warning, where the packages are missing."""
    if options.no_synthesize:
        return None
    needed = ["tinysoundfont", "pyloudnorm"] + ([] if options.format == "wav" else ["soundfile"])
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        _warn(
            f"no sound: {', '.join(missing)} not installed; "
            'pip install "midigpt-live[audio]" && pip install --no-deps tinysoundfont'
        )
        return None

    def synthesize(midi: Path) -> Path:
        output = midi.with_suffix(f".{options.format}")
        audio.write(output, sound_of(midi, options.soundfont))
        return output

    return synthesize


def settings(
    options: argparse.Namespace, folder: Path, sampling: Sampling, seed: int
) -> dict[str, Any]:
    """The settings that the statistics record."""
    return {
        "model": options.model or str(folder),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "hold_key": sampling.hold_key,
        "hold_tempo": sampling.hold_tempo,
        "n_outputs": options.n_outputs,
        "fp8": options.fp8,
        "seed": seed,
    }


def _add(parser: Any, name: str, **options: Any) -> None:
    """Add an option under its name and, if that has _ or -, under the other spelling."""
    stem = name.removeprefix("--")
    names: Iterable[str] = dict.fromkeys(
        [name, f"--{stem.replace('_', '-')}", f"--{stem.replace('-', '_')}"]
    )
    parser.add_argument(*names, dest=stem.replace("-", "_"), **options)


def _warn(text: str) -> None:
    tqdm.write(f"midigpt: {text}", file=sys.stderr)
