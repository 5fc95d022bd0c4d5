"""Checkpoints by name: bundled with the package, or on the Hugging Face hub.

``models/models.json`` lists what is bundled: ``{"default": name, "models": {name: {"file": ...,
"description": ...}}}``.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

HUB_REPOSITORY = "Metacreation/MIDI-GPT"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BundledModel:
    """A checkpoint that comes with the package."""

    name: str
    file: Path
    description: str
    is_default: bool


def bundled_models() -> list[BundledModel]:
    """All bundled checkpoints whose file is there."""
    folder = models_folder()
    manifest = _manifest(folder)
    models = [
        BundledModel(
            name, folder / entry["file"], entry.get("description", ""), name == manifest["default"]
        )
        for name, entry in manifest["models"].items()
    ]
    return [model for model in models if model.file.is_file()]


def bundled_checkpoint(name: str | None) -> Path | None:
    """File of a bundled checkpoint; None if there is none of this name.

    Args:
        name: None is the default.

    Raises:
        ValueError: the default is wanted and the package has no models.
    """
    for model in bundled_models():
        if model.name == name or (name is None and model.is_default):
            return model.file
    if name is None:
        raise ValueError(
            f"no model is bundled in {models_folder()}; "
            "give the name of one on the hub, or use InferenceEngine.from_checkpoint(path)"
        )
    return None


def bundled_llama(name: str | None) -> Path | None:
    """Folder of a text-to-music Llama that comes with the package; None if there is none such.

    Args:
        name: None is the only one.
    """
    for known in _manifest(models_folder()).get("llamas", {}):
        folder = models_folder() / str(known)
        if name in (None, known) and (folder / "config.json").is_file():
            return folder
    return None


def models_folder() -> Path:
    """Where the bundled models are: in the package, or in the source tree it runs from."""
    installed = Path(str(resources.files("midigpt"))) / "models"
    source_tree = Path(__file__).resolve().parents[3] / "models"
    return installed if installed.is_dir() else source_tree


def hub_checkpoint(name: str, repository: str = HUB_REPOSITORY, token: str | None = None) -> Path:
    """Local file of a checkpoint on the hub, downloaded if need be.

    Of the files ``<name>-final.safetensors`` and ``<name>-step<N>.safetensors`` the final one is
    taken, else the one of the highest step. If the hub cannot be reached, a copy that an earlier
    download left in the cache serves, with a warning.

    Raises:
        ValueError: the repository has no such file.
        PermissionError: the repository is gated.
        ConnectionError: no connection and no copy.
        ImportError: the package huggingface-hub is not installed.
    """
    try:
        import huggingface_hub as hub
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
    except ImportError:
        raise ImportError(
            f"the model {name!r} is not bundled, and downloading it needs the extra hub: "
            'pip install "midigpt-live[hub]"'
        ) from None
    try:
        files = hub.list_repo_files(repository, token=token)
        file = choose_file(name, files, repository)
        return Path(hub.hf_hub_download(repository, file, token=token))
    except GatedRepoError:
        raise PermissionError(
            f"{repository} is gated: accept its terms on https://huggingface.co/{repository}, "
            "then log in with `hf auth login` or pass token="
        ) from None
    except RepositoryNotFoundError:
        raise ValueError(
            f"hf_repo is {repository!r}; no such repository, or it is private: pass token="
        ) from None
    except ValueError:
        raise
    except Exception as error:  # the HTTP library below the hub has its own error types
        return _cached(hub, name, repository, error)


def choose_file(name: str, files: list[str], where: str) -> str:
    """The file of a model among ``files``: the final one, else the one of the highest step.

    Raises:
        ValueError: there is none; the message lists the models that are there.
    """
    steps = {}
    for file in files:
        match = re.fullmatch(r"(.+?)-(?:final|step(\d+))\.safetensors", Path(file).name)
        if match and match[1] == name:
            steps[file] = float("inf") if match[2] is None else int(match[2])
    if not steps:
        known = sorted(
            {
                re.sub(r"-(final|step\d+)\.safetensors$", "", f)
                for f in files
                if f.endswith(".safetensors")
            }
        )
        raise ValueError(f"name is {name!r}; {where} has {', '.join(known) or 'no models'}")
    return max(steps, key=lambda file: steps[file])


def _cached(hub: Any, name: str, repository: str, error: Exception) -> Path:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    try:
        folder = Path(hub.snapshot_download(repository, local_files_only=True))
        file = choose_file(name, [path.name for path in folder.iterdir()], str(folder))
    except (OSError, ValueError):
        raise ConnectionError(
            f"cannot download {name!r} from {repository} ({reason}), and it was not downloaded "
            "before; InferenceEngine.from_pretrained() without a name needs no network"
        ) from None
    _log.warning("cannot reach %s (%s); using the copy in %s", repository, reason, folder)
    return folder / file


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / "models.json"
    if not file.is_file():
        return {"default": None, "models": {}}
    manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return manifest
