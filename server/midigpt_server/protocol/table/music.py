"""Messages about notes, bars and time."""

from __future__ import annotations

from midigpt_server.protocol.fields import Field
from midigpt_server.protocol.row import Inbound
from midigpt_server.protocol.states import RUNNING, SET_UP
from midigpt_server.protocol.table.arguments import BAR, DENOMINATOR, MAX_BAR, NUMERATOR, TRACK_ID

MAX_DURATION = 64  # bars

ROWS = (
    Inbound(
        "/midigpt/note",
        "note",
        "A note of a conditioning track. A note for a bar that has ended is merged into it and "
        "counts from the next generation on; one of the same pitch and onset as a note that is "
        "there replaces it. Errors 2 (unknown track), 8 (the agent's track).",
        RUNNING,
        (
            TRACK_ID,
            Field("pitch", "int", "MIDI pitch", 0, 127),
            Field("velocity", "int", "MIDI velocity; 0 is taken as 80, with one warning", 0, 127),
            Field("onset", "float", "fraction of the bar; 1 is the next bar line", 0.0, 1.0),
            Field(
                "duration",
                "float",
                "fraction of the bar, may exceed 1; negative: the note began one bar earlier and "
                "lasted one bar longer",
                -1.0,
                MAX_DURATION,
                open_low=True,
            ),
            BAR,
        ),
    ),
    Inbound(
        "/midigpt/note/remove",
        "remove_note",
        "Take a note of a conditioning track back; in a bar that has ended it counts from the next "
        "generation on. Errors 2 (unknown track), 8 (the agent's track), 4 (there is none).",
        RUNNING,
        (
            TRACK_ID,
            Field("pitch", "int", "MIDI pitch", 0, 127),
            Field("onset", "float", "fraction of the bar, to 0.001", 0.0, 1.0),
            BAR,
        ),
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/bar/end",
        "timekeeper.end_bar",
        "A bar has ended, for all tracks; sent when the next one begins. Skipped bars are closed "
        "too. May start a generation.",
        RUNNING,
        (
            BAR,
            NUMERATOR,
            DENOMINATOR,
        ),
        "see Scheduling",
    ),
    Inbound(
        "/midigpt/tempo",
        "timekeeper.set_tempo",
        "The tempo from now on. Without it the tempo is estimated from the times of the bar ends.",
        SET_UP,
        (Field("bpm", "float", "quarter notes a minute", 15.0, 600.0),),
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/meter",
        "timekeeper.announce_meter",
        "The meter from a coming bar on (D49); what bar/end says of an ended bar stays in force.",
        SET_UP,
        (BAR, NUMERATOR, DENOMINATOR),
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/transport",
        "timekeeper.transport",
        "play: the bar at the playhead begins now. stop: the music stands, scheduled notes are "
        "flushed. pause: the same, but bars written ahead are kept and none is late until the next "
        "bar line. locate BAR: that bar is the next to sound. loop A B: bar A follows bar B - 1; "
        "loop 0 0 ends the loop.",
        RUNNING,
        (
            Field("action", "string", choices=("play", "stop", "pause", "locate", "loop")),
            Field("bar", "int", "to locate; first bar of the loop", 0, MAX_BAR, default=0),
            Field("end", "int", "bar after the loop", 0, MAX_BAR, default=0),
        ),
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/panic",
        "panic",
        "End every sounding note, drop everything scheduled and whatever is being generated.",
        answers="play/off for sounding notes, generated/flush",
        since_0_4_2=False,
    ),
)
