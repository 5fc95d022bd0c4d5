"""The checkpoint reader under the name it has in MIDI-GPT 0.4.2."""

from midigpt.inference.model import SAFETENSORS_FORMAT_VERSION, CheckpointBundle, load_checkpoint

__all__ = ["SAFETENSORS_FORMAT_VERSION", "CheckpointBundle", "load_checkpoint"]
