"""The compiled core, as Python sees it; the C++ headers document each part."""

from collections.abc import Sequence, Set
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

class _TokenTypes(type):
    __members__: dict[str, TokenType]
    def __getattr__(self, name: str) -> TokenType: ...

class TokenType(metaclass=_TokenTypes):
    name: str
    value: int
    def __init__(self, value: int) -> None: ...
    def __int__(self) -> int: ...
    def __hash__(self) -> int: ...

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

# --- grammar ----------------------------------------------------------------------------------

class Constraint: ...

class GrammarConstraint(Constraint):
    def __init__(self) -> None: ...
    def set_exact_bars(self, bars: int) -> None: ...
    def set_max_bars(self, bars: int) -> None: ...
    def set_max_tracks(self, tracks: int) -> None: ...
    def set_require_notes(self, flag: bool) -> None: ...
    def set_autoregressive_mode(self, flag: bool) -> None: ...
    def set_mask_track_start(self, flag: bool) -> None: ...
    def set_mask_track_end(self, flag: bool) -> None: ...
    def set_header_without_bar_types(self, flag: bool) -> None: ...
    def set_fill_in_target_meter(self, flag: bool) -> None: ...
    def set_fill_end_is_final(self, flag: bool) -> None: ...

class PolyphonyConstraint(Constraint):
    def __init__(self, limit: int) -> None: ...

class DensityConstraint(Constraint):
    def __init__(self, limit: int) -> None: ...

class NoteBudget(Constraint):
    def __init__(self, least: int, most: int) -> None: ...

class AttributeValueConstraint(Constraint):
    def __init__(self, type: TokenType, value: int) -> None: ...

class BarAttributeValueConstraint(Constraint):
    def __init__(self, type: TokenType, track: int, bar: int, value: int) -> None: ...

class ConstraintGraph:
    def __init__(self) -> None: ...
    def add_constraint(self, constraint: Constraint) -> None: ...
    def step(self, id: int, vocab: Vocabulary) -> None: ...
    def get_mask(self, vocab: Vocabulary) -> list[bool]: ...
    def allowed(self, vocab: Vocabulary) -> NDArray[np.uint8]: ...
    def copy(self) -> ConstraintGraph: ...

# --- planning ---------------------------------------------------------------------------------

class GenerationStep:
    start_bar: int
    end_bar: int
    is_autoregressive: bool
    bars_to_generate: set[tuple[int, int]]
    def __init__(
        self,
        start_bar: int = 0,
        end_bar: int = 0,
        is_autoregressive: bool = False,
        bars_to_generate: Set[tuple[int, int]] = ...,
    ) -> None: ...

def plan_steps(
    selected: Sequence[Sequence[bool]],
    autoregressive: Sequence[bool],
    ignore: Sequence[bool],
    window_bars: int,
    bars_per_step: int,
    tracks_per_step: int,
    ar_overlap: float,
    min_overlap_bars: int,
) -> list[GenerationStep]: ...

# --- session ----------------------------------------------------------------------------------

class GeneratedNote:
    @property
    def track(self) -> int: ...
    @property
    def bar(self) -> int: ...
    @property
    def pitch(self) -> int: ...
    @property
    def onset(self) -> int: ...
    @property
    def duration(self) -> int: ...
    @property
    def velocity(self) -> int: ...
    @property
    def delta(self) -> int: ...

class SessionState:
    def __init__(
        self,
        context: Score,
        step: GenerationStep,
        vocab: Vocabulary,
        constraints: ConstraintGraph,
        encoder: Encoder,
        decoder: Decoder,
        use_span_masks: bool = False,
        remove_future_bars: bool = False,
        use_velocity: int = -1,
        use_microtiming: int = -1,
        genre: int = -1,
        *,
        stop_after_bars: bool = False,
        reference_defects: bool = False,
    ) -> None: ...
    def copy(self) -> SessionState: ...
    def context_tokens(self) -> list[int]: ...
    @property
    def prompt_length(self) -> int: ...
    def hidden_spans(self) -> list[tuple[int, int]]: ...
    def logit_mask(self) -> list[bool]: ...
    def logit_mask_view(self) -> NDArray[np.uint8]: ...
    def biased(self, logits: NDArray[np.float32]) -> NDArray[np.float32]: ...
    def advance(self, id: int) -> None: ...
    def complete(self) -> bool: ...
    def notes_since(self, index: int = 0) -> list[GeneratedNote]: ...
    @property
    def bars_done(self) -> int: ...
    def result(self) -> Score: ...

# --- engine -----------------------------------------------------------------------------------

class Family(Enum):
    GPT2 = 0
    LLAMA = 1

class WeightType(Enum):
    FLOAT32 = 0
    BFLOAT16 = 1
    INT8 = 2

class CacheType(Enum):
    FLOAT32 = 0
    FLOAT16 = 1
    INT8 = 2

class RopeScaling:
    def __init__(
        self,
        *,
        factor: float,
        low_frequency_factor: float,
        high_frequency_factor: float,
        original_positions: int,
    ) -> None: ...

class ModelShape:
    family: Family
    vocab_size: int
    n_positions: int
    width: int
    inner: int
    n_layer: int
    n_head: int
    n_kv_head: int
    head_size: int
    def __init__(
        self,
        *,
        family: Family,
        vocab_size: int,
        n_positions: int,
        width: int,
        inner: int,
        n_layer: int,
        n_head: int,
        n_kv_head: int,
        head_size: int,
        norm_eps: float = 1e-5,
        rope_theta: float = 10000.0,
        rope_scaling: RopeScaling = ...,
    ) -> None: ...

class CachedSequence:
    @property
    def length(self) -> int: ...
    @property
    def capacity(self) -> int: ...
    @property
    def ids(self) -> list[int]: ...
    @property
    def next_position(self) -> int: ...
    def cut(self, length: int) -> None: ...
    def copy(self) -> CachedSequence: ...
    def nullify(self, first: int, last: int) -> None: ...
    def shared_prefix(
        self,
        ids: NDArray[np.int32],
        positions: NDArray[np.int32] | None = None,
        shown: NDArray[np.bool_] | None = None,
    ) -> int: ...

class CancelFlag:
    def __init__(self) -> None: ...
    def set(self) -> None: ...
    def clear(self) -> None: ...
    def is_set(self) -> bool: ...

class Transformer:
    def __init__(
        self,
        shape: ModelShape,
        files: list[str],
        *,
        weights: WeightType = ...,
        cache: CacheType = ...,
        threads: int = 0,
        cache_directory: str = "",
        kernels: str = "",
    ) -> None: ...
    @property
    def shape(self) -> ModelShape: ...
    @property
    def threads(self) -> int: ...
    @property
    def kernels(self) -> str: ...
    @property
    def weight_bytes(self) -> int: ...
    def new_sequence(self) -> CachedSequence: ...
    def forward(
        self,
        sequences: list[CachedSequence],
        ids: list[NDArray[np.int32]],
        positions: list[NDArray[np.int32]] | None = None,
        key_masks: list[NDArray[np.bool_]] | None = None,
        every: bool = False,
        slices: list[tuple[int, int]] = ...,
        cancel: CancelFlag | None = None,
    ) -> NDArray[np.float32] | None: ...
    def last_attention(self, ids: NDArray[np.int32]) -> NDArray[np.float32]: ...

def kernel_variants() -> list[str]: ...

# --- generation -------------------------------------------------------------------------------

class TokenSampler:
    def __init__(
        self,
        *,
        temperature: float,
        top_k: int = 0,
        top_p: float = 1.0,
        mask_k: int = 0,
        mask_p: float = 0.0,
        note_content: NDArray[np.bool_],
        weights: NDArray[np.float32] | None = None,
        seed: int,
    ) -> None: ...
    def draw(self, logits: NDArray[np.float32], allowed: NDArray[np.bool_]) -> int: ...

class StepStatus(Enum):
    RUNNING = 0
    COMPLETE = 1
    FULL = 2
    NO_LEGAL_TOKEN = 3
    CANCELLED = 4

class MeterRule:
    def __init__(
        self,
        *,
        signature_id: int,
        bar_id: int,
        signatures: NDArray[np.bool_],
        content: NDArray[np.bool_],
    ) -> None: ...

class Pause(Enum):
    NEVER = 0
    AT_NEWS = 1
    AT_TOKEN = 2

class Loop:
    def run(self, most: int) -> StepStatus: ...
    @property
    def status(self) -> StepStatus: ...
    @property
    def prompt_left(self) -> int: ...

class StepLoop(Loop):
    def __init__(
        self,
        *,
        transformer: Transformer,
        sequence: CachedSequence,
        state: SessionState,
        sampler: TokenSampler,
        ids: NDArray[np.int32],
        positions: NDArray[np.int32],
        shown: NDArray[np.bool_],
        permitted: NDArray[np.bool_],
        meter: MeterRule | None = None,
        first_position: int,
        budget: int,
        pause: Pause = ...,
        cancel: CancelFlag | None = None,
    ) -> None: ...
    @property
    def tokens(self) -> list[int]: ...

class DensityMethod(Enum):
    IMAGINE = ...
    THIN = ...

class BarLoop(Loop):
    def __init__(
        self,
        *,
        transformer: Transformer,
        sequence: CachedSequence,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        prompt: NDArray[np.int32],
        first_id: int,
        begin: int,
        end: int,
        instrument: int,
        band: Sequence[int] = ...,
        lowest: int = 0,
        highest: int = 127,
        method: DensityMethod = ...,
        wanted: float = 0.0,
        wanted_before: float = 0.0,
        played_before: int = 0,
        most_notes: int = 64,
        budget: int = 600,
        seed: int = 0,
        pause: Pause = ...,
        cancel: CancelFlag | None = None,
    ) -> None: ...
    @property
    def notes(self) -> list[tuple[int, int, int]]: ...
    @property
    def drawn(self) -> int: ...

def run_together(loops: Sequence[Loop], most: int, interrupt: CancelFlag | None = None) -> None: ...

# --- events -------------------------------------------------------------------------------------

EVENT_TIMES: int
EVENT_DURATIONS: int
EVENT_DRUMS: int
EVENT_REST_NOTE: int
EVENT_DURATION_OFFSET: int
EVENT_NOTE_OFFSET: int
EVENT_REST: int
EVENT_CONTROL_OFFSET: int
EVENT_SEPARATOR: int
EVENT_AUTOREGRESS: int
EVENT_ANTICIPATE: int
EVENT_VOCABULARY: int
EVENT_MOST_AT_ONCE: int

def events_from_midi(file: bytes) -> NDArray[np.int32]: ...
def events_to_midi(
    events: NDArray[np.int32], velocity: int, ons_first: bool
) -> tuple[bytes, int]: ...
def event_channels(instruments: Sequence[int]) -> list[int]: ...
def events_to_ids(events: NDArray[np.int32], as_controls: bool) -> NDArray[np.int32]: ...
def events_from_ids(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]: ...
def find_event_fault(ids: NDArray[np.int32]) -> str: ...
def pad_events(events: NDArray[np.int32], end: int) -> NDArray[np.int32]: ...
def weave_events(
    events: NDArray[np.int32], controls: NDArray[np.int32]
) -> tuple[NDArray[np.int32], int]: ...

class EventGrammar:
    def __init__(self) -> None: ...
    @property
    def slot(self) -> int: ...
    @property
    def time(self) -> int: ...
    @property
    def legal(self) -> list[tuple[int, int]]: ...
    def advance(self, id: int) -> None: ...

class SliceSampler:
    def __init__(
        self, *, temperature: float, top_k: int = 0, top_p: float = 1.0, seed: int
    ) -> None: ...
    def draw(self, logits: NDArray[np.float32], ranges: Sequence[tuple[int, int]]) -> int: ...

class EventLoop:
    def __init__(
        self,
        *,
        transformer: Transformer,
        sequences: Sequence[CachedSequence],
        samplers: Sequence[SliceSampler],
        logits: NDArray[np.float32],
        first_id: int,
        most_ids: int,
        end: int = ...,
        before: Sequence[int] = ...,
        note_bias: Sequence[float] = ...,
    ) -> None: ...
    def run(self, most: int, cancel: CancelFlag | None = None) -> bool: ...
    def ids(self, piece: int) -> list[int]: ...
    @property
    def times(self) -> list[int]: ...
