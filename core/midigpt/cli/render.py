"""``midigpt render``: a MIDI file as sound."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from midigpt import audio
from midigpt.smf import MidiError

_EXAMPLES = """examples:
  midigpt render song.mid -o song.mp3
  midigpt render song.mid -o song.flac --soundfont my.sf2

The ending of OUT says the format: mp3, flac, ogg or wav. Sound is stereo, 44.1 kHz, -18 LUFS.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "render",
        help="make sound of a MIDI file",
        description="Play a MIDI file through a SoundFont and write what it sounds like.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE.mid", help="a Standard MIDI File")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="sound file to write")
    parser.add_argument(
        "--soundfont", metavar="FILE", help=".sf2 or .sf3 bank (default: the bundled one)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Render and write the file."""
    output = Path(options.output)
    audio.check_format(output)
    if not output.parent.is_dir():
        raise ValueError(f"--output is {options.output!r}; the folder {output.parent} is not there")
    samples = sound_of(Path(options.file), options.soundfont)
    audio.write(output, samples)
    level = audio.loudness(samples) if len(samples) >= audio.SAMPLE_RATE else float("nan")
    print(f"{output}: {len(samples) / audio.SAMPLE_RATE:.1f} s, {level:.1f} LUFS")
    return 0


def sound_of(file: Path, soundfont: str | None = None) -> audio.Samples:
    """Samples of a MIDI file, mastered.

    Raises:
        ValueError: it has no sound; and as :func:`midigpt.audio.render_midi`.
    """
    try:
        samples = audio.master(audio.render_midi(file.read_bytes(), soundfont))
    except MidiError as error:
        raise MidiError(f"{file}: {error}") from None
    if len(samples) == 0:
        raise ValueError(f"{file} is silent: there is nothing to write")
    return samples
