"""A tiny random text-to-music Llama, folder and tokenizer, of numpy and tokenizers alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from midigpt import events
from midigpt.compose.prompt import SYSTEM
from midigpt.inference.model.llama_folder import LlamaConfig

BEGIN = "<|begin_of_text|>"
CAPTIONS = [
    f"{SYSTEM}{what} " for what in ("A slow waltz for piano", "Loud drums and bass, 120 BPM")
]


def write_tokenizer(folder: Path) -> Tokenizer:
    """A byte-level BPE that puts the begin-of-text token in front."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=[BEGIN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CAPTIONS, trainer)
    first = tokenizer.token_to_id(BEGIN)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, first)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def write_tiny_llama(folder: Path, context: int = 2048, seed: int = 0) -> Path:
    """Write config.json, model.safetensors and tokenizer.json; two unused rows at the end."""
    config = _config(folder, context, hidden_size=32, num_attention_heads=4, num_key_value_heads=2)
    rng = np.random.default_rng(seed)
    shapes = LlamaConfig.from_hugging_face(config).tensor_shapes(tied=True)
    tensors = {
        name: rng.normal(0, 0.3, shape).astype(np.float32)
        if len(shape) == 2
        else np.ones(shape, np.float32)
        for name, shape in shapes.items()
    }
    save_file(tensors, folder / "model.safetensors")
    return folder


def write_orderly_llama(folder: Path, context: int = 512, pace: float | None = None) -> Path:
    """A model that has learnt nothing but the order of slots: time, duration, note.

    With a pace, events follow each other after so many ticks on average; without, all times are
    alike.

    Layers add nothing; each slot's ids share an embedding that the next slot's rows answer to.
    """
    config = _config(folder, context, hidden_size=64, num_attention_heads=1, num_key_value_heads=1)
    config["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(config))
    shapes = LlamaConfig.from_hugging_face(config).tensor_shapes(tied=False)
    tensors = {
        name: (np.zeros if len(shape) == 2 else np.ones)(shape, np.float32)
        for name, shape in shapes.items()
    }
    embedding, head = tensors["model.embed_tokens.weight"], tensors["lm_head.weight"]
    first = len(embedding) - events.VOCABULARY - 2
    slots = [(0, events.DURATION_OFFSET), (events.DURATION_OFFSET, events.NOTE_OFFSET)]
    slots.append((events.NOTE_OFFSET, events.NOTE_OFFSET + 3 * 128))  # three instruments
    embedding[:, 2] = 1.0  # whatever comes before music, the mode token too, is like a note
    for slot, (low, high) in enumerate(slots):
        embedding[first + low : first + high] = 0.0
        embedding[first + low : first + high, slot] = 1.0
        head[first + low : first + high, (slot - 1) % 3] = 4.0
    if pace is not None:
        head[first : first + events.TIMES, 2] -= np.arange(events.TIMES) / (pace * 8)
    save_file(tensors, folder / "model.safetensors")
    return folder


def _config(folder: Path, context: int, **sizes: int) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": write_tokenizer(folder).get_vocab_size() + events.VOCABULARY + 2,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        **sizes,
        "head_dim": sizes["hidden_size"] // sizes["num_attention_heads"],
        "max_position_embeddings": context,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config))
    return config
