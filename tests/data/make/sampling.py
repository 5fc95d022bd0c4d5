"""Record how MIDI-GPT 0.4.2 turns logits into the probabilities it draws from.

Run where the reference is installed (pip install "midigpt[inference]==0.4.2"), from the root:

    python tests/data/make/sampling.py

A model with random weights fills two bars. One run without filters chooses the tokens; runs with
each setting follow the same tokens, so that all settings are seen in the same states. Writes
tests/data/golden/sampling.json: per state the legal ids with their logits and whether they are note
content, and per setting the ids with a probability above 0.
"""

import contextlib
import copy
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import torch

import midigpt
import midigpt._core as core
from midigpt import Bar, Note, Score, Track
from midigpt.inference import GenerationRequest, InferenceConfig, InferenceEngine, TrackPrompt
from midigpt.inference.model import GPT2Config, GPT2LMHeadModel
from midigpt.tokenizer.tokenizer import Tokenizer

ROOT = Path(__file__).parents[3]
SETTINGS = [
    {"temperature": 1.0},
    {"temperature": 0.7},
    {"top_k": 5},
    {"top_p": 0.6},
    {"top_k": 12, "top_p": 0.8},
    {"top_k": 10000, "mask_k": 2, "top_p": 0.9},
    {"top_k": 9, "mask_k": 2},
    {"top_k": 8, "mask_p": 0.3},
    {"top_k": 3, "mask_k": 2, "mask_p": 0.5, "top_p": 0.95},
    {"temperature": 1.4, "top_k": 10, "top_p": 0.7, "mask_k": 1, "mask_p": 0.2},
]
CONTENT = ("TimeAbsolutePos", "NoteOnset", "NotePitch", "NoteDuration", "VelocityLevel")
CONTENT += ("Delta", "DeltaDirection")


def make_engine(folder: str) -> InferenceEngine:
    encoder = json.loads((ROOT / "models/encoders/ghost.json").read_text())
    config = core.EncoderConfig.from_json(json.dumps(encoder))
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(Tokenizer(config).vocab_size(), 1024, 32, 2, 4))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    model.save_pretrained(f"{folder}/x.safetensors", encoder_config=encoder)
    return InferenceEngine.from_checkpoint(f"{folder}/x.safetensors")


def run(
    engine: InferenceEngine, setting: dict, forced: list[int] | None
) -> tuple[list, list, list]:
    """One session; returns logits, probabilities and tokens of every draw."""
    bars = [Bar(notes=[Note(60 + b, 80, 480 * k, 240) for k in range(4)]) for b in range(4)]
    request = GenerationRequest(
        tracks=[TrackPrompt(0, [1, 2])],
        config=InferenceConfig(
            model_dim=4, seed=3, novelty_check=False, silence_check=False, max_attempts=1, **setting
        ),
    )
    logits, probs, tokens = [], [], []
    draw, forward = torch.multinomial, GPT2LMHeadModel.forward

    def recording_draw(p, *args, **kwargs):
        token = draw(p, *args, **kwargs)
        if forced is not None and len(tokens) < len(forced):
            token = torch.full_like(token, forced[len(tokens)])
        probs.append(p.detach().flatten().numpy().copy())
        tokens.append(int(token))
        return token

    def recording_forward(self, *args, **kwargs):
        result = forward(self, *args, **kwargs)
        result[0][..., structural(engine)] += 2  # or they would never be among the most likely
        logits.append(result[0][0, -1].detach().numpy().copy())
        return result

    torch.multinomial, GPT2LMHeadModel.forward = recording_draw, recording_forward
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            engine.session(copy.deepcopy(Score(tracks=[Track(bars=bars)])), request).run()
    finally:
        torch.multinomial, GPT2LMHeadModel.forward = draw, forward
    return logits, probs, tokens


def structural(engine: InferenceEngine) -> list[int]:
    vocab = engine._tokenizer._vocab
    return [i for i in range(vocab.size()) if vocab.get_type(i).name not in CONTENT]


def chosen_states(probs: list, structural: list[int]) -> list[int]:
    """The first four states, and four where one of the three most likely tokens is structural."""
    mixed = [n for n, p in enumerate(probs) if n > 3 and {*p.argsort()[-3:]} & {*structural}]
    return [0, 1, 2, 3, *mixed[:4]]


def main() -> None:
    midigpt.set_verbosity(0)
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(folder)
    vocab = engine._tokenizer._vocab
    logits, plain, tokens = run(engine, SETTINGS[0], None)
    runs = [run(engine, setting, tokens)[1] for setting in SETTINGS]
    states = []
    for n in chosen_states(plain, structural(engine)):
        legal = np.flatnonzero(plain[n])
        states.append(
            {
                "legal": legal.tolist(),
                "logits": [float(str(logits[n][i])) for i in legal],
                "content": [int(vocab.get_type(int(i)).name in CONTENT) for i in legal],
                "probs": [
                    {str(i): float(str(probs[n][i])) for i in np.flatnonzero(probs[n])}
                    for probs in runs
                ],
            }
        )
    data = {"vocab_size": vocab.size(), "settings": SETTINGS, "states": states}
    text = json.dumps(data, separators=(",", ":"))
    (ROOT / "tests/data/golden/sampling.json").write_text(text)
    print(len(tokens), [len(s["legal"]) for s in states], [sum(s["content"]) for s in states])


main()
