"""Models by name: bundled ones, and those of a hub that is gated, silent or not there."""

import json
import sys

import pytest
from tiny_model import write_tiny_checkpoint

from midigpt.inference import InferenceEngine, pretrained

REPOSITORY = pretrained.HUB_REPOSITORY
FILES = [
    "README.md",
    "yellow_small-step100.safetensors",
    "yellow_small-step9000.safetensors",
    "yellow_medium-final.safetensors",
    "yellow_medium-step99.safetensors",
]


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A models folder with one model; returns the folder."""
    write_tiny_checkpoint(tmp_path / "one.safetensors", "yellow")
    manifest = {
        "default": "one",
        "models": {
            "one": {"file": "one.safetensors", "description": "a tiny model"},
            "two": {"file": "missing.safetensors"},
        },
    }
    (tmp_path / "models.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(pretrained, "models_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def hub(monkeypatch):
    """The hub's package with nothing behind it."""
    package = pytest.importorskip("huggingface_hub")

    def nothing(*_, **__):
        raise OSError("no network in tests")

    for name in ("list_repo_files", "hf_hub_download", "snapshot_download"):
        monkeypatch.setattr(package, name, nothing)
    return package


def test_the_bundled_default(models):
    assert [(m.name, m.is_default) for m in pretrained.bundled_models()] == [("one", True)]
    for name in (None, "one"):
        engine = InferenceEngine.from_pretrained(name)
        assert engine.tokenizer.vocab_size() == engine.model.vocab_size == 647
    engine.warmup()


def test_no_bundled_model(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "models_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match="from_checkpoint"):
        InferenceEngine.from_pretrained()


def test_the_manifest_names_its_default():
    manifest = json.loads((pretrained.models_folder() / "models.json").read_text())
    assert manifest["default"] in manifest["models"]
    for entry in manifest["models"].values():
        assert entry["file"].endswith(".safetensors") and entry["description"]


def test_the_final_file_else_the_last_step():
    choose = pretrained.choose_file
    assert choose("yellow_small", FILES, "here") == "yellow_small-step9000.safetensors"
    assert choose("yellow_medium", FILES, "here") == "yellow_medium-final.safetensors"
    with pytest.raises(ValueError, match="here has yellow_medium, yellow_small"):
        choose("yellow", FILES, "here")


def test_download(models, hub, monkeypatch):
    asked = []

    def download(repository, file, token=None):
        asked.append((repository, file, token))
        return models / "one.safetensors"

    monkeypatch.setattr(hub, "list_repo_files", lambda repository, token=None: FILES)
    monkeypatch.setattr(hub, "hf_hub_download", download)
    InferenceEngine.from_pretrained("yellow_small", token="secret")
    assert asked == [(REPOSITORY, "yellow_small-step9000.safetensors", "secret")]
    with pytest.raises(ValueError, match="yellow_medium, yellow_small"):
        InferenceEngine.from_pretrained("purple")


def one_line(error):
    text = str(error.value)
    assert "\n" not in text
    return text


def test_offline_without_a_copy(models, hub):
    with pytest.raises(ConnectionError) as error:
        InferenceEngine.from_pretrained("yellow_small")
    text = one_line(error)
    assert "yellow_small" in text and "no network in tests" in text and "without a name" in text


def test_offline_with_a_copy(models, hub, monkeypatch, caplog):
    (models / "one.safetensors").rename(models / "yellow_small-final.safetensors")
    monkeypatch.setattr(hub, "snapshot_download", lambda *_, **__: str(models))
    path = pretrained.hub_checkpoint("yellow_small")
    assert path == models / "yellow_small-final.safetensors"
    assert "cannot reach" in caplog.text


def test_a_gated_repository(models, hub, monkeypatch):
    errors = pytest.importorskip("huggingface_hub.errors")

    class Gated(errors.GatedRepoError):
        def __init__(self):
            Exception.__init__(self, "403")

    def refuse(*_, **__):
        raise Gated

    monkeypatch.setattr(hub, "list_repo_files", lambda *_, **__: FILES)
    monkeypatch.setattr(hub, "hf_hub_download", refuse)
    with pytest.raises(PermissionError) as error:
        InferenceEngine.from_pretrained("yellow_small")
    text = one_line(error)
    assert REPOSITORY in text and "terms" in text and "token=" in text


def test_without_the_extra(models, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError) as error:
        InferenceEngine.from_pretrained("yellow_small")
    assert 'pip install "midigpt-live[hub]"' in one_line(error)


def test_unusable_arguments(tmp_path, models):
    with pytest.raises(ValueError, match="existing"):
        InferenceEngine.from_checkpoint(tmp_path / "nothing.safetensors")
    with pytest.raises(ValueError, match="existing"):
        InferenceEngine.from_checkpoint(tmp_path / "nothing.pt")
    with pytest.raises(ValueError, match="auto, native, torch"):
        InferenceEngine.from_checkpoint(models / "one.safetensors", backend="gpu")
    with pytest.raises(ValueError, match="weights"):
        InferenceEngine.from_checkpoint(models / "one.safetensors", weights="int3")
