"""Tests of a request against a score and an encoder, before anything is generated.

One file per part of the request. The order of the tests, which decides what error a request with
several faults gets, is that of MIDI-GPT 0.4.2.
"""

from __future__ import annotations

import copy

from midigpt import _native
from midigpt.attributes import AttributeAnalyzer
from midigpt.encoder_config import EncoderConfig
from midigpt.inference.config import GenerationRequest
from midigpt.inference.errors import RequestValidationError
from midigpt.inference.validation.attributes import check_attributes, check_bar_attributes
from midigpt.inference.validation.config import (
    check_bounds,
    check_mask_filters,
    resolve_mask_mode,
    resolve_model_dim,
)
from midigpt.inference.validation.controls import (
    check_bar_controls,
    check_piece_controls,
    check_track_controls,
)
from midigpt.inference.validation.prompts import check_prompts, check_targets
from midigpt.inference.validation.score import check_meters, check_shape, warn_of_notes
from midigpt.score import Score

__all__ = ["validate_request"]


def validate_request(
    request: GenerationRequest,
    score: Score,
    encoder_config: EncoderConfig,
    analyzer: AttributeAnalyzer | None = None,
) -> GenerationRequest:
    """Test a request and complete it.

    Args:
        request: left as it is.
        score: the piece; every track needs a prompt in the request.
        encoder_config: of the checkpoint, with its attribute domains.
        analyzer: of that configuration; made from it if None.

    Returns:
        A copy in which "auto" window length, mask mode and tracks per step are decided, and the
        bars of a track to be written as a whole are listed.

    Raises:
        RequestValidationError: one line that names the argument, its value and the allowed range.
    """
    request = copy.deepcopy(request)
    analyzer = analyzer or AttributeAnalyzer.from_config(encoder_config)
    vocabulary = _native.Vocabulary(encoder_config)
    try:
        resolve_model_dim(request.config, score, encoder_config)
        check_bounds(request)
        check_mask_filters(request.config)
        check_shape(score, request.config)
        resolve_mask_mode(request.config, vocabulary)
        check_piece_controls(request, encoder_config, vocabulary)
        check_meters(score, encoder_config)
        warn_of_notes(score)
        check_prompts(request, score)
        check_attributes(request, score, analyzer)
        check_bar_attributes(request, score, analyzer)
        check_bar_controls(request, score, encoder_config)
        check_track_controls(request, encoder_config, vocabulary)
        check_targets(request, encoder_config)
    except RequestValidationError:
        raise
    except ValueError as error:
        raise RequestValidationError(str(error)) from None
    return request
