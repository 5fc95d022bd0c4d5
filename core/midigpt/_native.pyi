"""The compiled core, as Python sees it; the C++ headers document each part."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

from midigpt import score as dataclasses

# --- score ------------------------------------------------------------------------------------

class TrackType(Enum):
    Melodic = 0
    Drum = 1
    def __int__(self) -> int: ...

class Note:
    pitch: int
    velocity: int
    onset_ticks: int
    duration_ticks: int
    delta: int
    def __init__(
        self,
        pitch: int = ...,
        velocity: int = ...,
        onset_ticks: int = ...,
        duration_ticks: int = ...,
        delta: int = 0,
    ) -> None: ...

class Bar:
    note_indices: list[int]
    ts_numerator: int
    ts_denominator: int
    beat_length: float
    future: bool
    @property
    def has_notes(self) -> bool: ...

class Track:
    bars: list[Bar]
    instrument: int
    type: TrackType
    attributes: dict[str, int]

class Score:
    tracks: list[Track]
    notes: list[Note]
    resolution: int
    tempo: int

def to_cpp(score: dataclasses.Score) -> Score: ...
def from_cpp(score: Score) -> dataclasses.Score: ...

# --- tokens -----------------------------------------------------------------------------------

class TokenType:
    name: str
    value: int
    __members__: dict[str, TokenType]
    def __init__(self, value: int) -> None: ...
    def __int__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __getattr__(self, name: str) -> TokenType: ...

def token_type_from_name(name: str) -> TokenType: ...

class GenreGrouping:
    def __init__(self, groups: dict[str, list[str]] = ...) -> None: ...
    def encode(self, name: str) -> int: ...
    def decode(self, index: int) -> str: ...
    def contains(self, name: str) -> bool: ...
    def num_genres(self) -> int: ...
    @property
    def groups(self) -> dict[str, list[str]]: ...

class EncoderConfig:
    resolution: int
    decode_resolution: int
    pitch_min: int
    pitch_max: int
    velocity_levels: int
    velocity_sticky: bool
    note_duration_max_beats: int
    emit_delta_tokens: bool
    switchable_velocity: bool
    switchable_microtiming: bool
    supports_infill: bool
    supports_mask_bar_token: bool
    num_bars_map: list[int]
    time_signatures: list[tuple[int, int]]
    instrument_merge_groups: list[list[int]]
    genre_grouping: GenreGrouping | None
    token_domains: list[tuple[TokenType, int]]
    attribute_controls_json: str
    model_dim: int
    def __init__(self, other: EncoderConfig = ...) -> None: ...
    def derive_token_domains(self) -> None: ...
    def add_attribute_token_domains(self, domains: Sequence[tuple[str, int]]) -> None: ...

class Vocabulary:
    def __init__(self, config: EncoderConfig) -> None: ...
    def size(self) -> int: ...
    def has(self, type: TokenType) -> bool: ...
    def domain_size(self, type: TokenType) -> int: ...
    def range(self, type: TokenType) -> tuple[int, int]: ...
    def encode_val(self, type: TokenType, value: int) -> int: ...
    def decode(self, id: int) -> tuple[TokenType, int]: ...
    def get_type(self, id: int) -> TokenType: ...
    def is_type(self, id: int, type: TokenType) -> bool: ...
    def config(self) -> Any: ...

class EncodeOptions:
    partial_encode_track_index: int
    partial_encode_track_bars: int
    multi_fill: set[tuple[int, int]]
    window_bars: int
    use_span_masks: bool
    remove_future_bars: bool
    use_velocity: int
    use_microtiming: int
    genre: int

class EncodeResult:
    @property
    def tokens(self) -> list[int]: ...
    @property
    def hidden_spans(self) -> list[tuple[int, int]]: ...

class Encoder:
    def __init__(self, vocabulary: Vocabulary, pitch_class_sets: bool = False) -> None: ...
    def encode(self, score: Score, opts: EncodeOptions = ...) -> list[int]: ...
    def encode_full(self, score: Score, opts: EncodeOptions = ...) -> EncodeResult: ...

class Decoder:
    def __init__(self, vocabulary: Vocabulary) -> None: ...
    def decode(self, ids: Sequence[int]) -> Score: ...

def resolve_fills(ids: Sequence[int], vocabulary: Vocabulary) -> list[int]: ...
def resample(score: Score, source: int, target: int, use_delta: bool) -> None: ...
