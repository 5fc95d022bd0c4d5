"""The cache folder and its keys."""

import pytest

from midigpt import cache, utils


def test_the_environment_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MIDIGPT_CACHE", str(tmp_path / "a" / "b"))
    assert cache.cache_dir() == tmp_path / "a" / "b"
    assert cache.cache_dir().is_dir()
    assert cache.cached_indices("key") == tmp_path / "a" / "b" / "valid_key.npy"


def test_without_it_the_folder_is_in_the_home(tmp_path, monkeypatch):
    monkeypatch.delenv("MIDIGPT_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache.cache_dir() == tmp_path / ".midigpt"


def test_the_key_follows_file_and_settings(tmp_path):
    path = tmp_path / "data.parquet"
    path.write_bytes(b"a")
    key = cache.file_cache_key(path, min_bars=4)
    assert key == cache.file_cache_key(str(path), min_bars=4)
    assert key != cache.file_cache_key(path, min_bars=8)
    path.write_bytes(b"ab")
    assert key != cache.file_cache_key(path, min_bars=4)
    with pytest.raises(OSError):
        cache.file_cache_key(tmp_path / "absent")


def test_utils_is_another_name():
    assert utils.cache_dir is cache.cache_dir
