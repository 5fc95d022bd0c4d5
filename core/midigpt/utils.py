"""The module under which scripts written for MIDI-GPT 0.4.2 find the cache."""

from midigpt.cache import cache_dir, cached_indices, file_cache_key

__all__ = ["cache_dir", "cached_indices", "file_cache_key"]
