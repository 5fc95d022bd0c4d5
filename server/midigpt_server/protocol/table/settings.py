"""Messages about parameters and attributes."""

from __future__ import annotations

from midigpt_server.protocol.fields import Field
from midigpt_server.protocol.row import Inbound
from midigpt_server.protocol.states import ALWAYS, State
from midigpt_server.protocol.table.arguments import ATTRIBUTE, LEVEL, NAME, VALUE

ROWS = (
    Inbound(
        "/midigpt/param/set",
        "wishes.set_parameter",
        "Set a parameter until it is changed; counts from the next bar end.",
        fields=(NAME, VALUE),
    ),
    Inbound(
        "/midigpt/param/set_once",
        "wishes.set_parameter_once",
        "Set a parameter for the next generation that starts; dropped when one has succeeded with "
        "it.",
        fields=(NAME, VALUE),
    ),
    Inbound(
        "/midigpt/param/reset",
        "wishes.reset_parameter",
        "Set a parameter back to its default.",
        fields=(NAME,),
    ),
    Inbound(
        "/midigpt/param/reset_all",
        "wishes.reset_all_parameters",
        "Set all parameters back to their defaults.",
    ),
    Inbound(
        "/midigpt/attr/set",
        "wishes.set_attribute",
        "Ask for an attribute level of the agent's music, as capabilities lists them; a negative "
        "level removes the wish.",
        fields=(
            ATTRIBUTE,
            LEVEL,
        ),
    ),
    Inbound(
        "/midigpt/prompt/text",
        "roster.set_prompt_text",
        "Tell agents with model=llama in words what to play, also while they do; it counts from "
        "the next generation on; words such as sparse or busy also weigh the choice of notes. An "
        "empty text: what is known of the session. Error 2.",
        ALWAYS - {State.UNINITIALIZED},
        (
            Field("text", "string", "a description, such as: A slow, sparse jazz ballad"),
            Field("track_id", "int", "of an agent; left out or -1 = all agents", default=-1),
        ),
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/attr/reset_all", "wishes.reset_all_attributes", "Remove all attribute wishes."
    ),
    Inbound(
        "/midigpt/param/query",
        "query_parameters",
        "Ask for the parameters: values, defaults, types, ranges.",
        answers="param/list",
        since_0_4_2=False,
        private=True,
    ),
    Inbound(
        "/midigpt/model/query",
        "query_model",
        "Ask what the checkpoint offers.",
        answers="capabilities, model",
        since_0_4_2=False,
        private=True,
    ),
)
