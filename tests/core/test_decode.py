"""Decoded scores against MIDI-GPT 0.4.2."""

import pytest
from golden import cases, encoder_config, read_score, read_track

from midigpt import _core, _native
from midigpt.tokenizer import Tokenizer


def tokenizer(name):
    return Tokenizer(encoder_config(name))


YELLOW = tokenizer("yellow")
BAR, BAR_END, TRACK_END = 5, 6, 4
MELODIC, DRUM = 2, 3
FOUR_FOUR, SEVEN_EIGHT = 20, 28
PLACEHOLDER, FILL_START, FILL_END = 602, 603, 604


def note_tokens(pitch, ticks=12):
    return [154 + pitch, 282 + ticks - 1]


def decoded(*ids):
    return YELLOW.decode(list(ids), resample=False)


def pitches(score):
    return [[[n.pitch for n in bar.notes] for bar in track.bars] for track in score.tracks]


@pytest.mark.parametrize("case", cases("decode"), ids=lambda c: c["encoder"])
def test_scores_are_those_of_the_reference(case):
    tok = tokenizer(case["encoder"])
    grid = tok.decode(case["ids"], resample=False)
    assert grid.tracks == [read_track(track) for track in case["grid"]]
    score = tok.decode(case["ids"])
    levels = [track.attributes for track in grid.tracks]
    expected = read_score(case["score"])
    for track, attributes in zip(expected.tracks, levels, strict=True):
        track.attributes = attributes
    assert score == expected


def test_resolutions_are_labelled_honestly():
    ids = [0, 152, MELODIC, BAR, FOUR_FOUR, *note_tokens(60), BAR_END, TRACK_END]
    assert YELLOW.decode(ids, resample=False).resolution == 12
    assert YELLOW.decode(ids).resolution == 1920


def test_bar_lengths_are_exact():
    score = decoded(MELODIC, BAR, SEVEN_EIGHT, BAR_END, BAR, FOUR_FOUR, BAR_END)
    assert [bar.beat_length for bar in score.tracks[0].bars] == [3.5, 4.0]


def test_fill_blocks_go_to_their_placeholders_in_order():
    ids = [1, MELODIC, BAR, PLACEHOLDER, BAR_END, BAR, PLACEHOLDER, BAR_END, TRACK_END]
    ids += [FILL_START, *note_tokens(60), FILL_END, FILL_START, *note_tokens(62), FILL_END]
    assert pitches(decoded(*ids)) == [[[60], [62]]]


def test_an_unfinished_fill_block_counts_and_a_missing_one_does_not():
    ids = [1, MELODIC, BAR, PLACEHOLDER, BAR_END, BAR, PLACEHOLDER, BAR_END, TRACK_END]
    assert pitches(decoded(*ids, FILL_START, *note_tokens(60))) == [[[60], []]]
    assert _native.resolve_fills([*ids, FILL_START, 7, 8], YELLOW.vocabulary) == [
        1, MELODIC, BAR, 7, 8, BAR_END, BAR, PLACEHOLDER, BAR_END, TRACK_END,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([TRACK_END], []),
        ([TRACK_END, MELODIC, BAR, *note_tokens(60), BAR_END], [[[60]]]),
        ([MELODIC, TRACK_END, TRACK_END, MELODIC, BAR, BAR_END], [[], [[]]]),
        ([BAR, *note_tokens(60), BAR_END], []),
        ([MELODIC, *note_tokens(60)], [[]]),
        ([MELODIC, BAR, *note_tokens(60), TRACK_END, *note_tokens(61), BAR_END], [[[60]]]),
        # a track that was never ended goes on
        ([MELODIC, BAR, *note_tokens(60), MELODIC, BAR, *note_tokens(61)], [[[60], [61]]]),
        # a melodic note needs its duration, right after it
        ([MELODIC, BAR, 154 + 60, BAR_END], [[[]]]),
        ([MELODIC, BAR, 154 + 60, BAR_END, 282], [[[]]]),
        ([DRUM, BAR, 154 + 36, 154 + 38, BAR_END], [[[36, 38]]]),
        ([DRUM, BAR, *note_tokens(36), BAR_END], [[[36, 36]]]),  # a duration adds a second note
        ([FILL_START, *note_tokens(60), FILL_END, MELODIC, BAR], []),
        ([PLACEHOLDER, 605, 630, 378, 570, FOUR_FOUR, 43, 152, 0, BAR_END], []),
    ],
)
def test_damaged_sequences_decode_to_what_makes_sense(ids, expected):
    assert pitches(decoded(*ids)) == expected


def test_a_duration_before_the_first_bar_is_an_attribute():
    assert decoded(MELODIC, 284).tracks[0].attributes == {"note_duration_dist": 2}


def test_onset_polyphony_shares_its_type_with_the_bar_attribute():
    tok = tokenizer("prism")
    shared = tok.vocabulary.encode_val(_core.TokenType.BarLevelOnsetPolyphonyMax, 3)
    bar, track = (tok.vocabulary.range(t)[0] for t in (_core.TokenType.Bar, _core.TokenType.Track))
    assert tok.decode([track, shared, bar, shared + 1]).tracks[0].attributes == {
        "onset_polyphony": 3,
        "bar_BarLevelOnsetPolyphonyMax_0": 4,
    }


@pytest.mark.parametrize("outside", [-1, 647, 2**31 - 1])
def test_ids_outside_the_vocabulary_are_refused(outside):
    with pytest.raises(IndexError, match=f"token id {outside} at position 1 outside 0..646"):
        YELLOW.decode([0, outside])
