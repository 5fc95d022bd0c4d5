"""Text to music through vLLM, for GPUs: many pieces at once, 8-bit floats if wanted.

vLLM draws by itself, out of the event ids; it knows nothing of slots. A triple that comes out
malformed is dropped when the piece is saved.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from midigpt import events
from midigpt.compose.backend import Batch, Progress, Sampling, context_for
from midigpt.inference.model.llama_folder import open_llama


class VllmBackend:
    """A :class:`midigpt.compose.backend.Backend` that hands prompts to a vLLM engine."""

    def __init__(self, vllm: Any, engine: Any, context: int) -> None:
        self._vllm = vllm
        self._engine = engine
        self.context = context

    @classmethod
    def open(
        cls, folder: Path, max_tokens: int, fp8: bool = False, gpu_memory: float = 0.9
    ) -> VllmBackend:
        """Start an engine.

        Args:
            folder: of the model.
            max_tokens: most ids in a piece.
            fp8: quantize the weights to 8-bit floats while loading.
            gpu_memory: share of the GPU's memory, above 0 and at most 1.

        Raises:
            ImportError: vLLM is not installed.
            RuntimeError: the engine does not start, as without a GPU.
            ValueError: ``gpu_memory`` is out of range, or the folder is no Llama.
        """
        if not 0 < gpu_memory <= 1:
            raise ValueError(f"gpu_memory is {gpu_memory}; above 0 and at most 1 is wanted")
        context = context_for(open_llama(folder).config.n_positions, max_tokens)
        try:
            vllm = importlib.import_module("vllm")
        except ImportError as error:
            raise ImportError(
                f'--backend vllm needs vLLM ({error}): pip install "midigpt-live[vllm]"'
            ) from None
        try:
            engine = vllm.LLM(
                model=str(folder),
                tokenizer=str(folder),
                skip_tokenizer_init=True,
                quantization="fp8" if fp8 else None,
                gpu_memory_utilization=gpu_memory,
                max_model_len=context,
            )
        except Exception as error:  # whatever the engine's processes report
            reason = (str(error) or type(error).__name__).strip().splitlines()[0]
            raise RuntimeError(
                f"vLLM does not start ({reason}); it needs a GPU it knows, or --backend native"
            ) from None
        return cls(vllm, engine, context)

    def generate(
        self,
        prompt: Sequence[int],
        first_event: int,
        seeds: Sequence[int],
        sampling: Sampling,
        progress: Progress,
    ) -> Batch:
        """Write one piece for each seed; see :meth:`Backend.generate`."""
        if sampling.hold_key:
            raise ValueError(f"hold_key is {sampling.hold_key}; vLLM holds no key, 0 is wanted")
        most = sampling.within(self.context - len(prompt))
        allowed = list(range(first_event, first_event + events.REST + 1))
        parameters = [
            self._vllm.SamplingParams(
                n=1,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=most,
                allowed_token_ids=allowed,
                seed=seed,
                detokenize=False,
                ignore_eos=True,
            )
            for seed in seeds
        ]
        prompts = [self._vllm.TokensPrompt(prompt_token_ids=list(prompt)) for _ in seeds]
        finished = self._engine.generate(prompts, parameters, use_tqdm=False)
        pieces = [[i - first_event for i in one.outputs[0].token_ids] for one in finished]
        progress(0.0, 1.0)
        return Batch(pieces)
