"""Configurations and vocabularies against the published ones."""

import json

import pytest
from golden import DATA, ENCODER_NAMES, complete_config, domains, encoder_config

from midigpt import _core
from midigpt.encoder_config import EncoderConfig
from midigpt.tokenizer.vocabulary import Vocabulary


@pytest.mark.parametrize("name", ENCODER_NAMES)
def test_ids_are_those_of_the_published_encoder(name):
    vocabulary = Vocabulary(complete_config(name))
    expected = domains(name)
    for kind, first, count in expected:
        token_type = getattr(_core.TokenType, kind)
        assert vocabulary.range(token_type) == (first, first + count), kind
        assert vocabulary.domain_size(token_type) == count
        for value in (0, count - 1):
            assert vocabulary.encode_val(token_type, value) == first + value
            assert vocabulary.decode(first + value) == (token_type, value)
            assert vocabulary.is_type(first + value, token_type)
    assert vocabulary.size() == sum(count for _, _, count in expected)


@pytest.mark.parametrize("name", ENCODER_NAMES)
def test_configuration_survives_vocabulary_and_json(name):
    config = complete_config(name)
    config.attribute_controls_json = '[{"name": "tension"}]'
    copy = Vocabulary(config).config()
    assert isinstance(copy, EncoderConfig)
    assert json.loads(copy.to_json())["attribute_controls"] == [{"name": "tension"}]
    assert EncoderConfig.from_json(copy.to_json()).to_json() == config.to_json()


def test_token_types_have_the_published_integers_and_names():
    for integer, name, others in json.loads((DATA / "token_types.json").read_text())["types"]:
        assert int(getattr(_core.TokenType, name)) == integer
        assert getattr(_core.TokenType, name).name == name
        for other in others:
            config = EncoderConfig.from_dict({"token_domains": [{"type": other, "domain_size": 1}]})
            assert [int(kind) for kind, _ in config.token_domains] == [integer]


def test_explicit_domains_replace_the_derived_ones():
    config = EncoderConfig.from_dict({"token_domains": [{"type": "TOKEN_BAR", "domain_size": 3}]})
    vocabulary = Vocabulary(config)
    assert vocabulary.size() == 3
    assert not vocabulary.has(_core.TokenType.Track)


def test_genres_are_sorted_and_known_by_their_aliases():
    groups = {"rock": ["Punk"], "jazz": ["swing", "punk"]}
    genres = EncoderConfig.from_dict({"genre_groups": groups}).genre_grouping
    assert genres.num_genres() == 2
    assert (genres.decode(0), genres.decode(1)) == ("jazz", "rock")
    assert genres.encode("PUNK") == 1  # listed twice: the alphabetically last group
    assert not genres.contains("polka")
    with pytest.raises(ValueError, match="polka"):
        genres.encode("polka")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"pitch_range": [0]}, "pitch_range"),
        ({"time_signatures": ["44"]}, "44"),
        ({"time_signatures": ["4/0"]}, "4/0"),
        ({"token_domains": [{"type": "Nonsense", "domain_size": 1}]}, "Nonsense"),
        ({"resolution": "twelve"}, "resolution"),
        ([], "JSON object"),
    ],
)
def test_bad_configurations_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        EncoderConfig.from_dict(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"velocity_levels": 1}, "velocity_levels is 1"),
        ({"pitch_range": [127, 0]}, "NoteOnset"),
        ({"resolution": 0}, "resolution is 0"),
        ({"token_domains": [{"type": "Bar", "domain_size": 0}]}, "Bar"),
        ({"token_domains": [{"type": "Bar", "domain_size": 1}] * 2}, "Bar"),
    ],
)
def test_configurations_without_a_vocabulary_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary(EncoderConfig.from_dict(data))


def test_ids_and_values_outside_are_refused():
    vocabulary = Vocabulary(encoder_config("yellow"))
    for outside in (-1, vocabulary.size()):
        with pytest.raises(IndexError, match=f"token id {outside}"):
            vocabulary.decode(outside)
    with pytest.raises(IndexError, match="Track value 2"):
        vocabulary.encode_val(_core.TokenType.Track, 2)
