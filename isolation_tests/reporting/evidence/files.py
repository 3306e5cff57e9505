"""Writes the files of a run and its reports."""

from __future__ import annotations

from pathlib import Path

from isolation_tests.reporting.evidence.errors import NotWritable

__all__ = ["write_whole"]


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file atomically, with its folder; return its path. Raises `NotWritable` on failure."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        return partial.replace(path)
    except OSError as error:
        raise NotWritable(path.parent, error.strerror or type(error).__name__) from error
