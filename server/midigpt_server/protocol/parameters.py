"""The parameters that a client may set: one table for validation and the manual.

Source: the parameter table of MIDI-GPT 0.4.2's OSC server; names, defaults and ranges are equal
except where a value could never work (docs/compatibility.md, D01, D26).
"""

from __future__ import annotations

from midigpt_server.protocol.fields import Field

FALLBACKS = ("none", "repeat", "vary", "hold", "rest")
MODELS = ("gpt2", "llama")
MASK_MODES = ("token", "attention", "attention_approx", "attention_skip", "remove")

PARAMETERS: dict[str, Field] = {
    field.name: field
    for field in (
        Field(
            "lookahead_bars",
            "int",
            "k: the target is bar playhead + k; 0 = the very next bar, see lead_beats",
            0,
            8,
            default=1,
        ),
        Field(
            "buffer_bars",
            "int",
            "B: bars that must exist before the first generation; at most model_dim at start",
            2,
            64,
            default=4,
        ),
        Field("num_anticipated_bars", "int", "j: bars delivered per generation", 1, 8, default=1),
        Field(
            "model_dim",
            "int",
            "D: window of the model in bars; one of the lengths that the checkpoint knows",
            1,
            16,
            default=8,
        ),
        Field("adapt_buffer", "bool", "the lookahead counts towards the buffer", default=True),
        Field(
            "warmup_policy",
            "string",
            "what the agent's bars before its first target are: silent context (a_empty), hidden "
            "(a_masked), generated too (b, b_collapse)",
            choices=("a_empty", "a_masked", "b", "b_collapse"),
            default="a_empty",
        ),
        Field(
            "mask_mode",
            "string",
            "how bars not yet played are hidden from the model; the default is token where the "
            "checkpoint has that token, else attention_skip",
            choices=MASK_MODES,
            default="token",
        ),
        Field("temperature", "float", "sampling temperature", 0.1, 5.0, default=1.0),
        Field(
            "temperature_escalation", "float", "temperature factor per retry", 1.0, 3.0, default=1.0
        ),
        Field("top_p", "float", "nucleus sampling mass", 0.0, 1.0, open_low=True, default=1.0),
        Field("top_k", "int", "sample among the k likeliest; 0 = off", 0, 10000, default=0),
        Field(
            "mask_p",
            "float",
            "drop the likeliest mass; below top_p",
            0.0,
            1.0,
            open_high=True,
            default=0.0,
        ),
        Field("mask_k", "int", "drop the k likeliest; below top_k; 0 = off", 0, 10000, default=0),
        Field(
            "sampling_seed",
            "int",
            "negative: random; else each bar's seed derives from this one and the bar index",
            default=-1,
        ),
        Field("max_attempts", "int", "attempts per generation", 1, 10, default=3),
        Field("novelty_check", "bool", "refuse a result equal to what was there", default=True),
        Field("silence_check", "bool", "refuse a result without notes", default=True),
        Field("polyphony_hard_limit", "int", "notes per onset; 0 = off", 0, 128, default=0),
        Field("density_hard_limit", "int", "onsets per bar; 0 = off", 0, 1000, default=0),
        Field(
            "hold_density",
            "bool",
            "the notes of each generated bar stay within the agent's level of note_density, if it "
            "was given one; off: the model is only told, as in MIDI-GPT 0.4.2",
            default=True,
        ),
        Field(
            "follow_kick",
            "float",
            "how strongly a bass begins its notes with the kick drum, as last heard; 0: as the "
            "model likes, as in MIDI-GPT 0.4.2; 1: hardly anywhere else",
            0.0,
            1.0,
            default=1.0,
        ),
        Field("gen_timeout", "float", "seconds; 0 = none", 0.0, default=0.0),
        Field(
            "long_notes",
            "bool",
            "generated durations may exceed one bar; off for clients of MIDI-GPT 0.4.2, which "
            "expect at most 1.0",
            default=False,
        ),
        Field(
            "lead_beats",
            "float",
            "with lookahead_bars 0: generation starts so many beats before the bar line, with what "
            "has been heard so far; 0 = at the bar end",
            0.0,
            4.0,
            default=1.0,
        ),
        Field(
            "fallback",
            "string",
            "what fills a bar that cannot be ready in time: none (it comes late, as in MIDI-GPT "
            "0.4.2), the agent's last bar (repeat), a variation of it (vary), its last chord "
            "(hold), silence (rest)",
            choices=FALLBACKS,
            default="none",
        ),
        Field(
            "output_latency",
            "float",
            "seconds that the client needs: bars are due so much before their bar line",
            0.0,
            1.0,
            default=0.02,
        ),
        Field(
            "streaming",
            "bool",
            "open at once (note_count -1), each note when it is sampled, count and close",
            default=False,
        ),
        Field(
            "timetags",
            "bool",
            "generated notes come in bundles dated by the tempo map",
            default=False,
        ),
        Field(
            "note_offs",
            "bool",
            "the server plays: play/on and play/off at their times, besides the generated bars",
            default=False,
        ),
        Field(
            "sequence",
            "bool",
            "each message comes in a bundle after its number (seq), so that losses are seen and "
            "may be asked for (resend)",
            default=False,
        ),
        Field(
            "clock",
            "string",
            "who ends the bars: the client (bar/end), or the server by tempo and transport",
            choices=("client", "internal"),
            default="client",
        ),
    )
}

#: parameters that an agent may have of its own
_OF_AGENTS = (
    *("lookahead_bars", "lead_beats", "fallback", "sampling_seed"),
    *("top_p", "top_k", "mask_p", "mask_k", "max_attempts"),
)

TRACK_PARAMETERS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("temperature", "float", "of this agent, instead of the global one", 0.1, 5.0),
        Field("min_pitch", "int", "lowest pitch this agent may play", 0, 127, default=0),
        Field("max_pitch", "int", "highest pitch this agent may play", 0, 127, default=127),
        Field("mute", "bool", "the agent rests", default=False),
        Field("instrument", "int", "General MIDI program", 0, 127),
        Field(
            "model",
            "string",
            "what this agent plays with: gpt2, the checkpoint of bar tokens, or llama, a "
            "text-to-music model, if the server has one",
            choices=MODELS,
            default="gpt2",
        ),
        Field(
            "prompt_text",
            "string",
            "of a llama: the music in words, as prompt/text sets it; empty: what is known of the "
            "session",
            default="",
        ),
        Field(
            "density",
            "float",
            "of a llama: how many times as many notes as its instrument usually has",
            0.1,
            10.0,
            default=1.0,
        ),
        *(PARAMETERS[name] for name in _OF_AGENTS),
    )
}

CONDITIONING_PARAMETERS: dict[str, Field] = {
    "ignore": Field("ignore", "bool", "leave the track out of the prompt", default=False)
}
