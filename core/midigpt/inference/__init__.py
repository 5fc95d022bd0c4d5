"""Generation: requests, sampling sessions and the engine that starts them."""

from midigpt.inference.config import GenerationRequest, InferenceConfig, TrackPrompt
from midigpt.inference.engine import InferenceEngine
from midigpt.inference.errors import GenerationCancelled, RequestValidationError
from midigpt.inference.prefix_cache import PrefixCache
from midigpt.inference.session import SamplingSession
from midigpt.inference.validation import validate_request

__all__ = [
    "GenerationCancelled",
    "GenerationRequest",
    "InferenceConfig",
    "InferenceEngine",
    "PrefixCache",
    "RequestValidationError",
    "SamplingSession",
    "TrackPrompt",
    "validate_request",
]
