"""Where the pieces of one run go: a folder for each prompt, MIDI, ids, sound, and statistics.

The layout is that of MIDI-LLM's scripts::

    <root>/2025-10-30_143022/                 start of the run
        20251030_143025_prompt_1/             start of the prompt
            prompt.txt  gen_1_tokens.txt  gen_1.mid  gen_1.mp3  ...
        generation_stats.json
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from midigpt import events

#: Makes sound of a MIDI file: takes the path of the file, returns that of the sound.
Synthesize: TypeAlias = Callable[[Path], Path]
#: Told what went wrong, in one line.
Warn: TypeAlias = Callable[[str], None]


@dataclass
class Session:
    """One run of the program.

    Args:
        root: folder in which the run's own folder is made, once there is something to save.
        config: settings to put into the statistics.
        synthesize: None for MIDI files alone.
        warn: told why an output was dropped, or what it lacks.
    """

    root: Path
    config: dict[str, Any]
    synthesize: Synthesize | None = None
    warn: Warn = print
    started: datetime = field(default_factory=datetime.now)
    _clock: float = field(default_factory=time.monotonic)
    _times: list[float] = field(default_factory=list)
    _files: list[str] = field(default_factory=list)
    _succeeded: int = 0
    _failed: int = 0
    _prompts: int = 0

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.root / f"{self.started:%Y-%m-%d_%H%M%S}"

    @property
    def succeeded(self) -> int:
        """Outputs that became MIDI files."""
        return self._succeeded

    def save(
        self, prompt: str, index: int, started: datetime, seconds: float, pieces: list[list[int]]
    ) -> Path:
        """Save the valid pieces of one prompt, and the statistics so far.

        Args:
            prompt: as the user wrote it.
            index: its number, from 1 on.
            started: when its generation began.
            seconds: what that took.
            pieces: event ids.

        Returns:
            The prompt's folder, which exists only if a piece could be saved.
        """
        while (folder := self.folder / f"{started:%Y%m%d_%H%M%S}_prompt_{index}").exists():
            started += timedelta(seconds=1)
        for number, ids in enumerate(pieces, start=1):
            if self._save_piece(folder, prompt, number, ids):
                self._succeeded += 1
            else:
                self._failed += 1
        self._prompts += 1
        self._times.append(seconds)
        self._write_statistics()
        return folder

    def _save_piece(self, folder: Path, prompt: str, number: int, ids: list[int]) -> bool:
        at_once = events.most_at_once(ids)
        if at_once > events.MOST_AT_ONCE:
            self.warn(
                f"output {number} is dropped: {at_once} events at one time; "
                f"{events.MOST_AT_ONCE} are the most"
            )
            return False
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prompt.txt").write_text(prompt, encoding="utf-8")
        lines = "".join(f"{token}\n" for token in ids)
        (folder / f"gen_{number}_tokens.txt").write_text(lines, encoding="utf-8")
        parsed = events.from_ids(ids)
        if parsed.malformed:
            self.warn(f"output {number}: {parsed.malformed} malformed events are dropped")
        if len(parsed.notes) == 0:
            self.warn(f"output {number} has no notes")
            return False
        written = events.to_midi(parsed.notes)
        if written.dropped:
            self.warn(f"output {number}: {written.dropped} notes found no MIDI channel")
        midi = folder / f"gen_{number}.mid"
        midi.write_bytes(written.data)
        self._files.append(str(midi))
        if self.synthesize is not None:
            self._add_sound(midi, number)
        return True

    def _add_sound(self, midi: Path, number: int) -> None:
        assert self.synthesize is not None
        try:
            self._files.append(str(self.synthesize(midi)))
        except (ValueError, OSError, RuntimeError) as error:
            self.warn(f"output {number} has no sound: {error}")

    def _write_statistics(self) -> None:
        warm = self._times[1:]  # the first one warms up
        statistics = {
            "total_prompts": self._prompts,
            "successful_generations": self._succeeded,
            "failed_generations": self._failed,
            "generation_times": warm,
            "output_files": self._files,
            "total_time": time.monotonic() - self._clock,
            "average_time": sum(warm) / len(warm) if warm else 0,
            "config": self.config,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(statistics, indent=2)
        (self.folder / "generation_stats.json").write_text(text, encoding="utf-8")
