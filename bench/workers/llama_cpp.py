"""Times llama.cpp on a Q8_0 model of the same shape; one line of JSON.

Arguments: checkpoint (for its sizes), tokens of the prompt, tokens after it, threads, the compiled
llama_cpp.cpp. Weights are random; the GGUF file is written once, beside the checkpoint.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors import safe_open

rng = np.random.default_rng(0)


def main() -> None:
    path, prompt, tokens, threads, program = sys.argv[1:6]
    model = Path(path).with_suffix(".gguf") if Path(path).is_file() else Path(path) / "model.gguf"
    if not model.exists():
        part = model.with_suffix(".part")
        write(Path(path), part)
        part.rename(model)
    subprocess.run([program, model, prompt, tokens, threads], check=True)


def write(checkpoint: Path, out: Path) -> None:
    if checkpoint.is_dir():
        write_llama(json.loads((checkpoint / "config.json").read_text()), out)
    else:
        with safe_open(checkpoint, "np") as file:
            write_gpt2(json.loads(file.metadata()["config"]), out)


def write_gpt2(c: dict[str, Any], out: Path) -> None:
    width = c["n_embd"]
    writer = gguf.GGUFWriter(out, "gpt2")
    writer.add_context_length(c["n_positions"])
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(4 * width)
    writer.add_block_count(c["n_layer"])
    writer.add_head_count(c["n_head"])
    writer.add_layer_norm_eps(1e-5)
    writer.add_vocab_size(c["vocab_size"])
    writer.add_tokenizer_model("no_vocab")
    matrix(writer, "token_embd.weight", c["vocab_size"], width)
    writer.add_tensor("position_embd.weight", floats(c["n_positions"], width))
    matrix(writer, "output.weight", c["vocab_size"], width)
    norm(writer, "output_norm", width, bias=True)
    for layer in range(c["n_layer"]):
        block = f"blk.{layer}"
        norm(writer, f"{block}.attn_norm", width, bias=True)
        norm(writer, f"{block}.ffn_norm", width, bias=True)
        for name, rows, columns in [
            ("attn_qkv", 3 * width, width),
            ("attn_output", width, width),
            ("ffn_up", 4 * width, width),
            ("ffn_down", width, 4 * width),
        ]:
            matrix(writer, f"{block}.{name}.weight", rows, columns)
            writer.add_tensor(f"{block}.{name}.bias", floats(rows))
    finish(writer)


def write_llama(c: dict[str, Any], out: Path) -> None:
    width, inner = c["hidden_size"], c["intermediate_size"]
    keys = c["num_key_value_heads"] * c["head_dim"]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_context_length(c["max_position_embeddings"])
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_block_count(c["num_hidden_layers"])
    writer.add_head_count(c["num_attention_heads"])
    writer.add_head_count_kv(c["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(c["rms_norm_eps"])
    writer.add_rope_dimension_count(c["head_dim"])
    writer.add_rope_freq_base(c["rope_theta"])
    writer.add_vocab_size(c["vocab_size"])
    writer.add_tokenizer_model("no_vocab")
    matrix(writer, "token_embd.weight", c["vocab_size"], width)
    norm(writer, "output_norm", width, bias=False)
    for layer in range(c["num_hidden_layers"]):
        block = f"blk.{layer}"
        norm(writer, f"{block}.attn_norm", width, bias=False)
        norm(writer, f"{block}.ffn_norm", width, bias=False)
        for name, rows, columns in [
            ("attn_q", width, width),
            ("attn_k", keys, width),
            ("attn_v", keys, width),
            ("attn_output", width, width),
            ("ffn_gate", inner, width),
            ("ffn_up", inner, width),
            ("ffn_down", width, inner),
        ]:
            matrix(writer, f"{block}.{name}.weight", rows, columns)
    finish(writer)


def floats(*shape: int) -> np.ndarray:
    return (rng.random(shape, dtype=np.float32) - 0.5) * 0.1


def norm(writer: gguf.GGUFWriter, name: str, width: int, *, bias: bool) -> None:
    writer.add_tensor(f"{name}.weight", 1 + floats(width))
    if bias:
        writer.add_tensor(f"{name}.bias", floats(width))


def matrix(writer: gguf.GGUFWriter, name: str, rows: int, columns: int) -> None:
    """Random blocks of Q8_0: a float16 scale and 32 int8 weights each."""
    blocks = rng.integers(0, 256, (rows, columns // 32, 34), dtype=np.uint8)
    blocks[:, :, :2] = np.frombuffer(np.float16(4e-4).tobytes(), dtype=np.uint8)
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, blocks.reshape(rows, -1), raw_dtype=kind)


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
