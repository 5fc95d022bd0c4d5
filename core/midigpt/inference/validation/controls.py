"""Tests of the controls of the piece, of tracks and of bars."""

from __future__ import annotations

from typing import Any

from midigpt._native import TokenType, Vocabulary
from midigpt.encoder_config import EncoderConfig
from midigpt.inference import checks
from midigpt.inference.config import GenerationRequest, TrackPrompt
from midigpt.inference.pitch_mask import validate_pitch_mask
from midigpt.inference.remix import validate_remix
from midigpt.inference.rhythm_mask import resolve_rhythm_schedule, validate_rhythm_mask
from midigpt.inference.validation.attributes import check_target_bar
from midigpt.inference.validation.score import signature_of
from midigpt.score import Score

PIECE_CONTROLS = ("velocity", "microtiming", "genre")
TRACK_CONTROLS = ("time_signature", "pitch_mask", "rhythm_mask", "remix")
BAR_CONTROLS = ("time_signature",)


def check_piece_controls(
    request: GenerationRequest, encoder: EncoderConfig, vocabulary: Vocabulary
) -> None:
    """Test ``velocity``, ``microtiming`` and ``genre``."""
    controls = checks.mapping("controls", request.controls, PIECE_CONTROLS)
    switches = (
        ("velocity", TokenType.VelocityLevel, encoder.switchable_velocity),
        ("microtiming", TokenType.Delta, encoder.switchable_microtiming),
    )
    for name, token, switchable in switches:
        if name not in controls:
            continue
        if checks.boolean(f"controls[{name!r}]", controls[name]):
            if not vocabulary.has(token):
                raise ValueError(f"controls[{name!r}] is True; this checkpoint has no such tokens")
        elif not switchable:
            raise ValueError(f"controls[{name!r}] is False; this checkpoint cannot switch it off")
    if "genre" in controls:
        _check_genre(controls["genre"], encoder)


def check_bar_controls(request: GenerationRequest, score: Score, encoder: EncoderConfig) -> None:
    """Test ``bar_controls``; they act on a track written from bar 0 on only (defect tag D9)."""
    wanted: dict[int, int] = {}
    for prompt in request.tracks:
        bars = score.tracks[prompt.id].bars
        for bar, controls in prompt.bar_controls.items():
            where = f"track {prompt.id}: bar_controls[{bar}]"
            check_target_bar(f"track {prompt.id}: bar_controls", bar, prompt, len(bars))
            checks.mapping(where, controls, BAR_CONTROLS)
            if "time_signature" not in controls:
                continue
            index = _check_signature_index(where, controls["time_signature"], encoder)
            if not prompt.writes_from_start:
                raise ValueError(
                    f"{where}: time_signature acts on tracks written from bar 0 on only; "
                    "autoregressive with bar 0 is wanted"
                )
            if wanted.setdefault(bar, index) != index:
                raise ValueError(
                    f"{where}: time_signature is {index}; "
                    f"{wanted[bar]} is wanted, as for another track"
                )
            if tuple(encoder.time_signatures[index]) != signature_of(bars[bar]):
                numerator, denominator = signature_of(bars[bar])
                raise ValueError(
                    f"{where}: time_signature is {index}; "
                    f"the index of the bar's own {numerator}/{denominator} is wanted"
                )


def check_track_controls(
    request: GenerationRequest, encoder: EncoderConfig, vocabulary: Vocabulary
) -> None:
    """Test ``controls`` of each track; sets an "auto" ``tracks_per_step`` to 1 if need be."""
    for prompt in request.tracks:
        where = f"track {prompt.id}: controls"
        controls = checks.mapping(where, prompt.controls, TRACK_CONTROLS)
        if "time_signature" in controls:
            _check_signature_index(where, controls["time_signature"], encoder)
        for name in ("pitch_mask", "rhythm_mask", "remix"):
            if name in controls and prompt.ignore:
                raise ValueError(f"{where}[{name!r}] is set, but the track is ignored")
        try:
            _check_note_controls(controls, vocabulary)
        except ValueError as error:
            raise ValueError(f"track {prompt.id}: {error}") from None
        if "remix" in controls or "positions" in controls.get("rhythm_mask", {}):
            _need_one_track_per_step(prompt, request)


def _check_genre(genre: Any, encoder: EncoderConfig) -> None:
    grouping = encoder.genre_grouping
    if not isinstance(genre, str):
        raise ValueError(f"controls['genre'] is {genre!r}; a name is wanted")
    if grouping is None:
        raise ValueError(f"controls['genre'] is {genre!r}; this checkpoint knows no genres")
    if not grouping.contains(genre):
        names = ", ".join(sorted(grouping.groups))
        raise ValueError(f"controls['genre'] is {genre!r}; one of {names} is wanted")


def _check_note_controls(controls: Any, vocabulary: Vocabulary) -> None:
    if "pitch_mask" in controls:
        validate_pitch_mask(controls["pitch_mask"])
    positions = vocabulary.domain_size(TokenType.TimeAbsolutePos)
    for name in ("rhythm_mask", "remix"):
        if name in controls and not positions:
            raise ValueError(f"{name} needs a checkpoint with TimeAbsolutePos tokens")
    if "rhythm_mask" in controls:
        validate_rhythm_mask(controls["rhythm_mask"])
        if "positions" in controls["rhythm_mask"]:
            for position, _ in resolve_rhythm_schedule(controls["rhythm_mask"]):
                checks.integer("rhythm_mask.positions: pos", position, 0, positions - 1)
    if "remix" in controls:
        validate_remix(controls["remix"])
        if "rhythm_mask" in controls:
            raise ValueError("controls has both remix and rhythm_mask; at most one is wanted")


def _need_one_track_per_step(prompt: TrackPrompt, request: GenerationRequest) -> None:
    config = request.config
    if config.tracks_per_step == 0:
        config.tracks_per_step = 1
    elif config.tracks_per_step != 1:
        raise ValueError(
            f"tracks_per_step is {config.tracks_per_step}; 1 is wanted, as track {prompt.id} "
            "has a remix or rhythm positions"
        )


def _check_signature_index(where: str, index: Any, encoder: EncoderConfig) -> int:
    if not encoder.time_signatures:
        raise ValueError(f"{where}: time_signature is {index!r}; this checkpoint has none")
    return checks.integer(f"{where}: time_signature", index, 0, len(encoder.time_signatures) - 1)
