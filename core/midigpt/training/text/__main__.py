"""``python -m midigpt.training.text``: train a small text-to-music Llama, or fine-tune a large one.

    python -m midigpt.training.text --data train.parquet -o OUT --width 192 --layers 6
    accelerate launch -m midigpt.training.text --base meta-llama/Llama-3.2-1B \\
        --midicaps train.json --lakh lmd_full -o OUT --length 2048 --full-softmax
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.trainer_utils import get_last_checkpoint

from midigpt import events
from midigpt.cli.arguments import Parser
from midigpt.compose.prompt import Prompter
from midigpt.training.text.anticipation import MIXTURE
from midigpt.training.text.examples import Recipe, collate, descriptions
from midigpt.training.text.sources import Piece, cached, from_midicaps, from_parquet
from midigpt.training.text.structured import StructuredLlama, number_tokens
from midigpt.training.text.tokenizer import save_tokenizer, train_tokenizer
from midigpt.training.text.trainer import (
    EventTrainer,
    Examples,
    UntilDeadline,
    arguments,
    extend_vocabulary,
    muon,
    start_from_clock,
)

_WARM_UP = 60


def main(argv: list[str] | None = None) -> int:
    """Train; the folder has a model that ``midigpt compose --model`` takes."""
    parser = Parser(prog="python -m midigpt.training.text", description=__doc__)
    data = parser.add_argument_group("music")
    data.add_argument("--data", type=Path, help="Parquet file with a column midi (and genre)")
    data.add_argument("--midicaps", type=Path, help="MidiCaps: JSON lines, location and caption")
    data.add_argument("--lakh", type=Path, help="folder of the Lakh MIDI dataset, for --midicaps")
    data.add_argument("--pieces", type=int, help="use so many pieces at the most")
    model = parser.add_argument_group("model")
    model.add_argument("--base", help="language model to fine-tune; without it, a new small one")
    model.add_argument("--text-vocabulary", type=int, default=1024, help="of a new model")
    model.add_argument("--width", type=int, default=192)
    model.add_argument("--layers", type=int, default=6)
    model.add_argument("--heads", type=int, default=6)
    model.add_argument("--key-heads", type=int, default=2)
    run = parser.add_argument_group("run")
    run.add_argument("-o", "--output", type=Path, required=True, help="folder for everything")
    run.add_argument("--length", type=int, default=1024, help="of a sequence, prompt included")
    run.add_argument("--batch", type=int, default=8, help="sequences a step and device")
    run.add_argument("--accumulate", type=int, default=1, help="batches a step")
    run.add_argument("--rate", type=float, default=1.5e-3, help="highest learning rate")
    run.add_argument("--steps", type=int, default=20_000, help="most steps")
    run.add_argument(
        "--minutes", type=float, help="end the run, and the learning rate, after so many"
    )
    run.add_argument("--plain", type=float, help="weight of sequences without controls (of 10: 1)")
    run.add_argument("--vary", action="store_true", help="other keys and speeds")
    run.add_argument("--recast", type=float, default=0.0, help="share with other instruments")
    run.add_argument(
        "--structured", action="store_true", help="rows share parts, Muon: for a new small model"
    )
    run.add_argument("--full-softmax", action="store_true", help="learn to tell slots apart too")
    run.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic")
    run.add_argument("--flash", action="store_true", help="FlashAttention 2 (a GPU, flash-attn)")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--save-steps", type=int, default=500)
    options = parser.parse_args(argv)
    try:
        train(options)
    except (ValueError, OSError, ImportError) as error:
        print(f"{parser.prog}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def train(options: argparse.Namespace) -> None:
    """Make or load the model, train it, save it."""
    pieces = read_pieces(options)
    checkpoints = options.output / "checkpoints"
    prompter, model = build(options, pieces)
    plain = MIXTURE[0] if options.plain is None else options.plain
    mixture = (plain, *MIXTURE[1:])
    recipe = Recipe(options.length, mixture, vary=options.vary, recast=options.recast)
    per_step = options.batch * options.accumulate
    examples = Examples(pieces, prompter, recipe, options.steps * per_step, options.seed)
    callbacks = []
    if options.minutes is not None:
        start, end = schedule(options)
        callbacks.append(UntilDeadline(start, end, options.rate, _WARM_UP))
    trainer = EventTrainer(
        model=model,
        args=arguments(
            output_dir=str(checkpoints),
            max_steps=options.steps,
            per_device_train_batch_size=options.batch,
            gradient_accumulation_steps=options.accumulate,
            learning_rate=options.rate,
            lr_scheduler_type="constant" if options.minutes is not None else "cosine",
            warmup_steps=0 if options.minutes is not None else min(_WARM_UP, options.steps // 10),
            weight_decay=0.1,
            adam_beta2=0.95,
            max_grad_norm=1.0,
            bf16=options.bf16,
            logging_steps=min(20, options.steps),
            save_steps=options.save_steps,
            seed=options.seed,
            use_cpu=not torch.cuda.is_available(),
        ),
        data_collator=partial(collate, first_event=prompter.first_event),
        train_dataset=examples,
        callbacks=callbacks,
        first_event=prompter.first_event,
        full=options.full_softmax,
        optimizers=(muon(model, options.rate) if options.structured else None, None),
    )
    last = None
    if checkpoints.is_dir():
        last = get_last_checkpoint(str(checkpoints))  # type: ignore[no-untyped-call]
    trainer.train(resume_from_checkpoint=last)
    save(trainer, options)


def schedule(options: argparse.Namespace) -> tuple[float, float]:
    """Start and end of a run by the clock; a run that is resumed keeps those it had."""
    file = options.output / "schedule.json"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([time.time(), time.time() + 60 * options.minutes]))
    start, end = json.loads(file.read_text())
    return float(start), float(end)


def read_pieces(options: argparse.Namespace) -> list[Piece]:
    """All pieces that the options name.

    Raises:
        ValueError: there are none.
    """
    if options.data is not None:
        find = partial(from_parquet, options.data, options.pieces, options.seed)
    elif options.midicaps is not None and options.lakh is not None:
        find = partial(from_midicaps, options.midicaps, options.lakh)
    else:
        raise ValueError("--data, or --midicaps with --lakh, is wanted")
    pieces = cached(
        options.output / "pieces.npz",
        lambda: tqdm(islice(find(), options.pieces), desc="pieces", leave=False),
    )
    if not pieces:
        raise ValueError("there are no pieces to train on")
    return pieces


def build(options: argparse.Namespace, pieces: list[Piece]) -> tuple[Prompter, Any]:
    """The model to train, and what makes its prompts; the tokenizer is in the output folder."""
    if options.base is not None:
        return _extended(options)
    if not (options.output / "tokenizer.json").is_file():
        texts = descriptions(pieces, 20_000, options.seed)
        save_tokenizer(train_tokenizer(texts, options.text_vocabulary), options.output)
    rows = _text_size(options.output) + events.VOCABULARY
    config = LlamaConfig(
        vocab_size=rows,
        hidden_size=options.width,
        intermediate_size=-(-options.width * 8 // 3 // 16) * 16,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        num_key_value_heads=options.key_heads,
        max_position_embeddings=options.length,
        tie_word_embeddings=True,
        rms_norm_eps=1e-5,
        bos_token_id=0,
        eos_token_id=1,
    )
    torch.manual_seed(options.seed)
    model = LlamaForCausalLM(config)
    prompter = Prompter.from_folder(options.output, rows)
    if options.structured:
        numbers = number_tokens(prompter.tokenizer)
        return prompter, StructuredLlama(model, prompter.first_event, numbers)
    start_from_clock(model, prompter.first_event)
    return prompter, model


def _extended(options: argparse.Namespace) -> tuple[Prompter, Any]:
    """A language model with rows for events."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.base)
    options.output.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(options.output)
    model = LlamaForCausalLM.from_pretrained(
        options.base,
        dtype=torch.bfloat16 if torch.cuda.is_available() else torch.float32,
        attn_implementation="flash_attention_2" if options.flash else "sdpa",
    )
    first = _text_size(options.output)
    extend_vocabulary(model, first)
    return Prompter.from_folder(options.output, model.config.vocab_size), model


def _text_size(folder: Path) -> int:
    from tokenizers import Tokenizer

    size: int = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    return size


def save(trainer: EventTrainer, options: argparse.Namespace) -> None:
    """Write the model beside its tokenizer, and the course of the losses."""
    if not trainer.is_world_process_zero():
        return
    model = trainer.accelerator.unwrap_model(trainer.model)
    if isinstance(model, StructuredLlama):
        model = model.fold()
    if not torch.cuda.is_available():
        model = model.to(torch.bfloat16)
    model.save_pretrained(options.output)
    log = [entry for entry in trainer.state.log_history if "loss" in entry]
    (options.output / "losses.json").write_text(json.dumps(log))


if __name__ == "__main__":
    sys.exit(main())
