"""Several models behind one backend: each agent plays the one it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from midigpt.inference.task import Task
from midigpt_server.generation.engine_backend import EngineBackend
from midigpt_server.generation.job import GenerationError, Job, Listener, Result
from midigpt_server.generation.llama_backend import LlamaBackend
from midigpt_server.generation.model_info import ModelInfo


class Models:
    """The bar-token model of all agents, and the Llama of those that ask for it."""

    def __init__(self, engine: EngineBackend, llama: LlamaBackend | None) -> None:
        self._by_name: Mapping[str, EngineBackend | LlamaBackend] = {
            "gpt2": engine,
            **({"llama": llama} if llama else {}),
        }
        self._engine = engine
        self.info: ModelInfo = replace(engine.info, models=tuple(self._by_name))

    @property
    def slots(self) -> int:
        """As the engine's."""
        return self._engine.slots

    def start(self, job: Job, listener: Listener) -> Task[Result]:
        """See :class:`.job.Backend`."""
        return self._of(job).start(job, listener)

    def foresee(self, job: Job) -> Task[None]:
        """See :class:`.job.Backend`."""
        return self._of(job).foresee(job)

    def settle(self, job: Job, result: Result) -> Task[None]:
        """See :class:`.job.Backend`."""
        return self._of(job).settle(job, result)

    def _of(self, job: Job) -> EngineBackend | LlamaBackend:
        try:
            return self._by_name[job.model]
        except KeyError:
            raise GenerationError(f"this server has no model {job.model!r}") from None
