"""The rule from a MIDI file to events, restated with mido's reader and clock."""

import io

import mido


def by_mido(data: bytes) -> list[list[int]]:
    """Onset, duration and note of each note; see midi_events.hpp for the rule."""
    programs, waiting, notes, now = [0] * 16, {}, [], 0.0
    for message in mido.MidiFile(file=io.BytesIO(data)):
        now += message.time
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type in ("note_on", "note_off"):
            instrument = 128 if message.channel == 9 else programs[message.channel]
            queue = waiting.setdefault((instrument, message.note, message.channel), [])
            if message.type == "note_on" and message.velocity:
                queue.append((len(notes), now))
                notes.append([round(100 * now), 25, 128 * instrument + message.note])
            elif queue:
                index, onset = queue.pop(0)
                notes[index][1] = min(round(100 * (now - onset)), 999)
    return notes
