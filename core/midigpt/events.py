"""Music as events: the vocabulary of the Anticipatory Music Transformer (arXiv 2306.08620).

A note is three token ids: onset and duration in ticks of 10 ms, instrument with pitch. There are no
bars, tempos or velocities. An array of events has the shape ``(events, 3)``, int32, and the columns
time, duration and note, note = 128 * instrument + pitch; instrument 128 is the drum kit. Ids count
from 0, as in the reference; a text-to-music model has its text ids before them.

====================  ================================  ====================
ids                   of events                         of controls
====================  ================================  ====================
time                  0 .. 9999                         27513 .. 37512
duration              10000 .. 10999                    37513 .. 38512
note                  11000 .. 27511                    38513 .. 55024
rest                  27512, in the place of a note
====================  ================================  ====================

SEPARATOR (three of them join two pieces) is 55025, AUTOREGRESS 55026, ANTICIPATE 55027.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from midigpt import _native
from midigpt.smf import MidiError, checked

TICKS_PER_SECOND = 100
IDS_PER_EVENT = 3
TIMES = _native.EVENT_TIMES
DURATIONS = _native.EVENT_DURATIONS
#: The drum kit, as an instrument.
DRUMS = _native.EVENT_DRUMS
#: Value of the note column in a rest.
REST_NOTE = _native.EVENT_REST_NOTE
DURATION_OFFSET = _native.EVENT_DURATION_OFFSET
NOTE_OFFSET = _native.EVENT_NOTE_OFFSET
REST = _native.EVENT_REST
#: From the id of an event to that of the same control.
CONTROL_OFFSET = _native.EVENT_CONTROL_OFFSET
SEPARATOR = _native.EVENT_SEPARATOR
AUTOREGRESS = _native.EVENT_AUTOREGRESS
ANTICIPATE = _native.EVENT_ANTICIPATE
VOCABULARY = _native.EVENT_VOCABULARY
#: Events at one time in a valid piece.
MOST_AT_ONCE = _native.EVENT_MOST_AT_ONCE

Events: TypeAlias = NDArray[np.int32]
Ids: TypeAlias = NDArray[np.int32] | Sequence[int]


@dataclass(frozen=True)
class MidiFile:
    """A file's bytes, and how many notes it lacks because their instrument found no channel."""

    data: bytes
    dropped: int


@dataclass(frozen=True)
class Parsed:
    """The notes of a sequence of ids, and how many of its triples were malformed."""

    notes: Events
    malformed: int


def from_midi(data: bytes) -> Events:
    """The notes of a Standard MIDI File, in order of onset.

    Onsets may exceed the window of 100 s: see :func:`window`. Durations are cut to 9.99 s; a note
    that is never released lasts 250 ms. Velocities and pedals are ignored.

    Raises:
        MidiError: the bytes are not a readable MIDI file.
    """
    try:
        return _native.events_from_midi(checked(bytes(data)))
    except MidiError:
        raise
    except ValueError as error:
        raise MidiError(str(error)) from None


def to_midi(events: Events, velocity: int = 72, ons_first: bool = False) -> MidiFile:
    """A MIDI file, format 1, one track for each instrument, a tick every 10 ms.

    Args:
        events: in any order; rests are left out. Of more than 15 melodic instruments the rarest are
            dropped, as a file has a channel for no more.
        velocity: of every note, 1..127.
        ons_first: at one tick, write note-ons before note-offs, as the reference does. Synthesizers
            then cut off a note that is struck again the moment it ends.

    Raises:
        ValueError: a value is out of range.
    """
    return MidiFile(*_native.events_to_midi(events, velocity, ons_first))


def to_ids(events: Events, as_controls: bool = False) -> NDArray[np.int32]:
    """The ids of events, or of the same as anticipated controls.

    Raises:
        ValueError: an event is out of range, as a time from 10000 on; rests cannot be controls.
    """
    return _native.events_to_ids(events, as_controls)


def from_ids(ids: Ids) -> Parsed:
    """Read ids, mode token left out. Controls count as notes, and what follows a boundary is later.

    A malformed triple is dropped and counted; an incomplete one at the end is dropped.
    """
    return Parsed(*_native.events_from_ids(np.asarray(ids, dtype=np.int32)))


def validate(ids: Ids) -> None:
    """Check that ids, mode token left out, are a sequence that the model was trained on.

    Raises:
        ValueError: a triple is malformed, mixes events and controls, or goes back in time; a rest
            has a duration; a triple is incomplete. The message names the first such triple.
    """
    if fault := _native.find_event_fault(np.asarray(ids, dtype=np.int32)):
        raise ValueError(fault)


def window(events: Events, start: int = 0, length: int = TIMES) -> Events:
    """The events with onsets in ``start .. start + length - 1`` ticks, from time 0 on.

    Raises:
        ValueError: the window is longer than the range of time ids.
    """
    if not 1 <= length <= TIMES:
        raise ValueError(f"length is {length}; 1..{TIMES} is wanted")
    inside = (events[:, 0] >= start) & (events[:, 0] < start + length)
    kept: Events = events[inside].copy()
    kept[:, 0] -= start
    return kept


def pad(events: Events, end: int = 0) -> Events:
    """Put rests into gaps of more than a second, between the events and up to ``end`` ticks."""
    return _native.pad_events(events, end)


def weave(events: Events, controls: Events) -> tuple[NDArray[np.int32], int]:
    """Put controls among padded events, each 5 s ahead of its time; both sorted by time.

    Returns:
        The ids, and how many controls come too late to be placed.

    Raises:
        ValueError: an event is out of range.
    """
    return _native.weave_events(events, controls)


def most_at_once(ids: Ids) -> int:
    """How often the commonest time id occurs; a piece with more than MOST_AT_ONCE is invalid."""
    times = np.asarray(ids)[::3]
    return int(np.unique(times, return_counts=True)[1].max(initial=0))
