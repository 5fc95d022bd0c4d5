"""Training: pieces to samples, samples to batches, batches to a checkpoint."""

from midigpt.training.config import TrainConfig
from midigpt.training.trainer import train

__all__ = ["TrainConfig", "train"]
