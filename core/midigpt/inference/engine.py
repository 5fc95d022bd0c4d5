"""Model, tokenizer and analyzer together: what sessions are started from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeAlias

from midigpt.attributes import AttributeAnalyzer
from midigpt.encoder_config import EncoderConfig
from midigpt.inference.config import GenerationRequest
from midigpt.inference.model.checkpoint import load_checkpoint, read_checkpoint_header
from midigpt.inference.model.interface import LanguageModel
from midigpt.inference.model.native import NativeModel, Weights
from midigpt.inference.prefix_cache import PrefixCache
from midigpt.inference.pretrained import HUB_REPOSITORY, bundled_checkpoint, hub_checkpoint
from midigpt.inference.session import SamplingSession
from midigpt.score import Score
from midigpt.tokenizer.tokenizer import Tokenizer

#: What computes the model: compiled code on the CPU, or PyTorch. "auto" takes the first that can.
Backend: TypeAlias = Literal["auto", "native", "torch"]


class InferenceEngine:
    """A loaded checkpoint. Sessions of one engine may run in several threads.

    Args:
        model: the language model; its vocabulary must be the tokenizer's.
        tokenizer: of the checkpoint.
        analyzer: by default the tokenizer's.

    Raises:
        ValueError: the sizes of the vocabularies differ.
    """

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        analyzer: AttributeAnalyzer | None = None,
    ) -> None:
        if model.vocab_size != tokenizer.vocab_size():
            raise ValueError(
                f"model has {model.vocab_size} token ids; {tokenizer.vocab_size()} are wanted, "
                "as the tokenizer has"
            )
        self._model = model
        self._tokenizer = tokenizer
        self._analyzer = analyzer or tokenizer.analyzer

    @classmethod
    def from_pretrained(
        cls,
        name: str | None = None,
        hf_repo: str = HUB_REPOSITORY,
        analyzer: AttributeAnalyzer | None = None,
        device: str | None = None,
        token: str | None = None,
        *,
        backend: Backend = "auto",
        weights: Weights = "float32",
        threads: int | None = None,
    ) -> InferenceEngine:
        """Load a checkpoint by its name.

        Args:
            name: of a bundled model, see :func:`~midigpt.inference.pretrained.bundled_models`, or
                the beginning of a file name in ``hf_repo``. None is the bundled default.
            hf_repo: repository on the Hugging Face hub.
            analyzer: see :class:`InferenceEngine`.
            device: see :meth:`from_checkpoint`.
            token: access token for gated repositories.
            backend, weights, threads: see :meth:`from_checkpoint`.

        Raises:
            ValueError: no such model.
            PermissionError: the repository is gated; the message says what to do.
            ConnectionError: the hub cannot be reached and no copy is in its local cache.
            ImportError: the extra "hub" is needed and not installed.
        """
        path = bundled_checkpoint(name)
        if path is None:
            assert name is not None  # there is always a bundled default
            path = hub_checkpoint(name, hf_repo, token)
        return cls.from_checkpoint(
            path, analyzer, device, backend=backend, weights=weights, threads=threads
        )

    @classmethod
    def from_checkpoint(
        cls,
        path: str | os.PathLike[str],
        analyzer: AttributeAnalyzer | None = None,
        device: str | None = None,
        *,
        backend: Backend = "auto",
        weights: Weights = "float32",
        threads: int | None = None,
    ) -> InferenceEngine:
        """Load a checkpoint file, or a directory of the legacy format.

        Args:
            path: see :func:`midigpt.inference.model.load_checkpoint`.
            analyzer: by default made from the encoder configuration in the checkpoint.
            device: of PyTorch: "cpu", "cuda", "mps" or "auto" for the first that is there.
            backend: "native" reads ``.safetensors`` of the architecture "gpt2"; "auto" prefers it
                unless a device is given.
            weights: of the native backend: "float32", "bfloat16" or "int8" (fastest).
            threads: CPU threads; None leaves the choice to the backend.

        Raises:
            ValueError: the path or an argument is not usable, or the checkpoint is damaged.
            FileNotFoundError: a file of a legacy directory is missing.
            RuntimeError: the device is not available.
            ImportError: PyTorch is needed and not installed.
        """
        if backend not in ("auto", "native", "torch"):
            raise ValueError(f"backend is {backend!r}; one of auto, native, torch is wanted")
        file = Path(path)
        if backend == "auto":
            backend = "native" if device is None and file.suffix == ".safetensors" else "torch"
        model: LanguageModel
        if backend == "native":
            config, model = _load_native(file, weights, threads)
        else:
            bundle = load_checkpoint(file, device, threads)
            assert bundle.model is not None
            config, model = bundle.encoder_config, bundle.model
        return cls(model, Tokenizer(config, analyzer), analyzer)

    @property
    def model(self) -> LanguageModel:
        """The language model."""
        return self._model

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer."""
        return self._tokenizer

    @property
    def analyzer(self) -> AttributeAnalyzer:
        """The attribute analyzer."""
        return self._analyzer

    def warmup(self) -> None:
        """Run the model once, so that the first session does not wait for memory."""
        cache = self._model.new_cache()
        self._model.prefill([0], cache)
        self._model.step([0], cache)

    def session(
        self,
        score: Score,
        request: GenerationRequest,
        *,
        stop_after_bars: int = 0,
        parity: bool = False,
        cache: PrefixCache | None = None,
    ) -> SamplingSession:
        """Validate and plan a request; see :class:`SamplingSession`."""
        return SamplingSession(
            self, score, request, stop_after_bars=stop_after_bars, parity=parity, cache=cache
        )


def _load_native(
    file: Path, weights: Weights, threads: int | None
) -> tuple[EncoderConfig, LanguageModel]:
    if not file.is_file():
        raise ValueError(f"path is {str(file)!r}; an existing checkpoint is wanted")
    header = read_checkpoint_header(file)
    if header.encoder_config is None:
        raise ValueError(f"{file} has no encoder_config, so it cannot be used for music")
    config = EncoderConfig.from_dict(header.encoder_config)
    return config, NativeModel.from_checkpoint(file, weights, threads)
