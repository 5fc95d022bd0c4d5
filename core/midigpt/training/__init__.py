"""Training: pieces to samples, samples to batches, batches to a checkpoint."""

from midigpt.training.config import TrainConfig
from midigpt.training.fresh_samples import DatasetBuilder, MidiGPTCollator, MidiGPTDataset
from midigpt.training.trainer import train

__all__ = ["DatasetBuilder", "MidiGPTCollator", "MidiGPTDataset", "TrainConfig", "train"]
