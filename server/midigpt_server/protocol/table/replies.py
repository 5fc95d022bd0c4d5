"""Messages to the client."""

from __future__ import annotations

from midigpt_server.protocol.row import Outbound

ROWS = (
    Outbound(
        "/midigpt/capabilities",
        "s",
        ("json",),
        "First reply to init. JSON object of booleans: what this checkpoint offers.",
    ),
    Outbound(
        "/midigpt/model",
        "s",
        ("json",),
        "Second reply to init. JSON object: `attributes` (name to `size`, the number of levels, "
        "`level`, track or bar, and `track_type`), `window_lengths` in bars, `meters` and "
        "`mask_mode` (the default).",
        False,
    ),
    Outbound(
        "/midigpt/session/id",
        "s",
        ("session_id",),
        "Third reply to init: under this id others may watch the session or attach to it.",
        False,
    ),
    Outbound("/midigpt/session/ready", "", (), "Last reply to init."),
    Outbound("/midigpt/session/started", "", (), "The session runs."),
    Outbound(
        "/midigpt/session/stopped",
        "",
        (),
        "Reply to every stop. No message of a generation follows it.",
    ),
    Outbound(
        "/midigpt/status",
        "s",
        ("state",),
        "`generating` when a generation begins, `ready` when it has ended, in whatever way.",
    ),
    Outbound(
        "/midigpt/prompt/state",
        "s",
        ("json",),
        "Once per generation, before its bars. JSON object: `target_bar`; `start_bar` and "
        "`end_bar`, the half-open window that the model sees; `tracks`, each with `id` (position "
        "in creation order), `track_id`, `is_agent` and `states`, one letter a bar: C context, T "
        "to be generated, M or A hidden.",
    ),
    Outbound(
        "/midigpt/generated/open",
        "iii",
        ("track_id", "bar_index", "note_count"),
        "A bar begins; its notes follow.",
    ),
    Outbound(
        "/midigpt/generated/note",
        "iiiiff",
        ("track_id", "bar_index", "pitch", "velocity", "onset", "duration"),
        "One note of the open bar. Onset 0..0.9999 and duration from 0.0001 on are fractions of "
        "the bar; duration is at most 1.0 unless the parameter long_notes is set.",
    ),
    Outbound("/midigpt/generated/close", "ii", ("track_id", "bar_index"), "The bar is complete."),
    Outbound(
        "/midigpt/generated/features",
        "iifffifiii",
        (
            "track_id",
            "bar_index",
            "note_density",
            "mean_pitch",
            "mean_velocity",
            "max_polyphony",
            "mean_duration",
            "min_polyphony",
            "min_note_duration",
            "max_note_duration",
        ),
        "Right after close, unless the bar is empty. Density is notes per beat of the numerator, "
        "polyphony is notes on one onset, mean duration is in bars, the last two are in ticks at "
        "the decoder's resolution.",
    ),
    Outbound(
        "/midigpt/sampled/attrs",
        "s",
        ("json",),
        "After the last bar. JSON object: `start_bar`, `end_bar` (half open), `track_id`, `attrs`, "
        "the attribute levels of these bars by name, and `requested`, those asked for. Left out "
        "when there are none.",
    ),
    Outbound(
        "/midigpt/error", "is", ("code", "text"), "A request was refused. Look at the code only."
    ),
    Outbound(
        "/midigpt/warning",
        "ss",
        ("topic", "text"),
        "Something was accepted but changed or is unlikely to be meant.",
        False,
    ),
    Outbound(
        "/midigpt/bar/gap",
        "ii",
        ("first_bar", "last_bar"),
        "A bar/end skipped these bars; they were closed with the notes they had.",
        False,
    ),
    Outbound(
        "/midigpt/bar/buffering",
        "iii",
        ("bar_index", "bars_missing", "first_target"),
        "A bar ended and nothing is generated yet: so many more bars must end before the bar "
        "first_target is generated.",
        False,
    ),
    Outbound(
        "/midigpt/generation/skipped",
        "iiis",
        ("track_id", "first_bar", "last_bar", "reason"),
        "These bars will not be generated, because a newer target has taken their place.",
        False,
    ),
    Outbound(
        "/midigpt/prompt/dropped",
        "s",
        ("json",),
        "After prompt/state, when conditioning tracks were left out because the prompt was too "
        "long. JSON object: `target_bar`, `tracks` (a list of track_id) and `reason`.",
        False,
    ),
    Outbound("/midigpt/pong", "ss", ("text", "version"), "Reply to ping.", False),
    Outbound(
        "/midigpt/session/state",
        "s",
        ("json",),
        "Reply to session/query. JSON object: `state`, `name`, `playhead`, `tracks`, `parameters`, "
        "`once`, `attributes`, `generating` and `waiting` (target bars or null).",
        False,
    ),
    Outbound(
        "/midigpt/sessions",
        "s",
        ("json",),
        "Reply to sessions/query. JSON object: `sessions`, a list of objects with `id`, `name`, "
        "`state`, `playhead`, `idle_seconds`, `players` and `watchers`.",
        False,
    ),
    Outbound(
        "/midigpt/stats",
        "s",
        ("json",),
        "Reply to stats. JSON object: `version`, `uptime_seconds`, `queue` (bars waiting), "
        "`generating` (bars being written), `counters` (of messages), and since the start of the "
        "server, together and "
        "in `sessions` by id: `bars` and `notes` sent; `bar_ms` and `first_note_ms`, the p50, p95 "
        "and p99 of the last 1000 bars from being wanted to being complete, or to their first "
        "note; `isr`, the share of the notes due that were sent in time; `staleness_bars`, the "
        "mean distance from the newest bar heard to the bar written; `fallbacks`, `late`, "
        "`skipped`, `failures` (bars); `tokens_per_second` while writing.",
        False,
    ),
    Outbound(
        "/midigpt/session/snapshot",
        "s",
        ("json",),
        "Reply to session/watch and session/attach. JSON object: `id`, `revision`, all that "
        "session/state has, and the notes of the last bars: `tracks` have `bars`, an object from "
        "bar index to a list of [pitch, velocity, onset, duration], and `takes`, from bar index to "
        "[take, takes] where generated/take would tell them.",
        False,
    ),
    Outbound(
        "/midigpt/session/resumed",
        "sis",
        ("session_id", "playhead", "state"),
        "Last reply to session/resume: the session goes on, and the bar `playhead` is next.",
        False,
    ),
    Outbound(
        "/midigpt/session/saved",
        "i",
        ("playhead",),
        "The journal is on disk up to the end of the bar before `playhead`: nothing of it is lost "
        "whatever happens to the server.",
        False,
    ),
    Outbound(
        "/midigpt/session/mirror",
        "sisss",
        ("session_id", "revision", "direction", "address", "arguments"),
        "To watchers: a message that a session has accepted (`in`) or sent (`out`), its arguments "
        "as JSON list. The revision goes up by one with each; after a gap watch again.",
        False,
    ),
    Outbound(
        "/midigpt/track/list",
        "s",
        ("json",),
        "Reply to track/query. JSON object: `tracks`, as in session/state.",
        False,
    ),
    Outbound(
        "/midigpt/param/list",
        "s",
        ("json",),
        "Reply to param/query. JSON object from name to `value`, `default`, `type`, `range` and "
        "`meaning`.",
        False,
    ),
    Outbound(
        "/midigpt/generated/count",
        "iii",
        ("track_id", "bar_index", "note_count"),
        "Before close: how many notes of this bar were sent. With streaming, open has -1.",
        False,
    ),
    Outbound(
        "/midigpt/generated/revision",
        "iii",
        ("track_id", "bar_index", "revision"),
        "Before open, when a bar is sent again: it replaces the versions before.",
        False,
    ),
    Outbound(
        "/midigpt/generated/take",
        "iiii",
        ("track_id", "bar_index", "take", "takes"),
        "A bar has been written several times: which take is played, from 0 (-1: none), and how "
        "many there are.",
        False,
    ),
    Outbound(
        "/midigpt/generation/done",
        "s",
        ("json",),
        "After the last bar. JSON object: `track_id`, `start_bar`, `end_bar` (half open), `tokens` "
        "sampled, `milliseconds` from the beginning of the generation, `temperature` and `seed` "
        "(-1: random).",
        False,
    ),
    Outbound(
        "/midigpt/generated/flush",
        "ii",
        ("track_id", "bar_index"),
        "Drop what you hold of this track (-1: all) from this bar on (-1: all), and end its notes.",
        False,
    ),
    Outbound(
        "/midigpt/bar/fallback",
        "iiss",
        ("track_id", "bar_index", "policy", "reason"),
        "Before open: this bar is not the model's; the agent's fallback policy has filled it.",
        False,
    ),
    Outbound(
        "/midigpt/bar/late",
        "iifi",
        ("track_id", "bar_index", "seconds", "notes_dropped"),
        "This bar was so much later than its time; notes whose time had passed were left out.",
        False,
    ),
    Outbound(
        "/midigpt/play/on",
        "iiii",
        ("track_id", "bar_index", "pitch", "velocity"),
        "With note_offs, at its time: the note begins.",
        False,
    ),
    Outbound(
        "/midigpt/play/off",
        "iii",
        ("track_id", "bar_index", "pitch"),
        "With note_offs, at its time: the note ends.",
        False,
    ),
    Outbound(
        "/midigpt/seq",
        "i",
        ("number",),
        "With sequence, first in the bundle of each message: numbered from 1 without gaps.",
        False,
    ),
)
