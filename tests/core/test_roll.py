"""The picture shows every note where and when it sounds."""

import xml.etree.ElementTree as ET

from midigpt import Bar, Note, Score, Track
from midigpt.roll import svg

SVG = "{http://www.w3.org/2000/svg}"


def notes_of(document: str) -> list[ET.Element]:
    rects = ET.fromstring(document).iter(f"{SVG}rect")
    return [rect for rect in rects if rect.find(f"{SVG}title") is not None]


def test_every_note_is_drawn_left_to_right_and_high_above_low() -> None:
    score = Score(
        [Track([Bar([Note(60, 90, 0, 480), Note(72, 90, 960, 480)]), Bar([Note(60, 90, 0, 1920)])])]
    )
    low, high, next_bar = notes_of(svg(score))
    assert float(low.get("x")) < float(high.get("x")) < float(next_bar.get("x"))
    assert float(high.get("y")) < float(low.get("y")) == float(next_bar.get("y"))
    assert float(next_bar.get("width")) > 3 * float(low.get("width"))


def test_answered_tracks_have_a_colour_of_their_own() -> None:
    score = Score([Track([Bar([Note(60, 90, 0, 480)])]), Track([Bar([Note(40, 90, 0, 480)])])])
    played, answered = notes_of(svg(score, answered={1}))
    assert played.get("fill") != answered.get("fill")
    assert "the agent" in svg(score, answered={1})


def test_an_empty_score_is_a_valid_picture() -> None:
    assert ET.fromstring(svg(Score())).tag == f"{SVG}svg"
    assert not notes_of(svg(Score([Track([Bar()])])))
