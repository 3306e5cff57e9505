"""Finds an adapter's factory by name: `module:factory` or `file.py:factory`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from isolation_tests.core.errors import UsageProblem


def is_file(spec: str) -> bool:
    """Whether a name has the form `file.py:factory`."""
    return spec.rpartition(":")[0].endswith(".py")


def code_file(spec: str, near: Path) -> Path | None:
    """The file in `file.py:factory`; None if the adapter is in a module."""
    return near / spec.rpartition(":")[0] if is_file(spec) else None


def factory(spec: str, near: Path) -> Callable[..., Any]:
    """The callable that `module:factory` or `file.py:factory` names; file paths are relative to `near`."""
    place, separator, attribute = spec.rpartition(":")
    if not separator or not place or not attribute:
        raise UsageProblem(f"{spec!r} is not an adapter's name; write module:factory or file.py:factory.")
    module = _module_of_file(near / place, place) if place.endswith(".py") else _module(place, near)
    factory = getattr(module, attribute, None)
    if factory is None:
        near_names = get_close_matches(attribute, vars(module), n=1)
        hint = (
            f"did you mean {near_names[0]!r}?" if near_names else "name the function that opens the adapter."
        )
        raise UsageProblem(f"{place} has no {attribute!r}; {hint}")
    if not callable(factory):
        raise UsageProblem(f"{spec} is not callable; name a factory or class that opens the adapter.")
    return factory  # type: ignore[no-any-return]  # callable() narrows Any to nothing more exact


def _module(name: str, near: Path) -> Any:
    # A console script does not look in the current folder. At the end of the path, it shadows no package.
    sys.path.extend(place for place in (str(near.resolve()), str(Path.cwd())) if place not in sys.path)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise UsageProblem(
                f"There is no module {name!r}. Check the spelling and that it is installed, "
                "or name the file as path/to/file.py:factory."
            ) from error
        raise _not_imported(name, error) from error
    except (Exception, SystemExit) as error:
        raise _not_imported(name, error) from error


def _module_of_file(path: Path, shown: str) -> Any:
    if not path.is_file():
        raise UsageProblem(f"There is no file {shown}; check the path.")
    name = f"isolation_target_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise UsageProblem(f"{shown} can't be imported as Python; check that it is a Python file.")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _not_imported(shown, error) from error
    return module


def _not_imported(place: str, error: BaseException) -> UsageProblem:
    """Why a file or module can't be imported, and what to do."""
    if isinstance(error, SyntaxError):
        return UsageProblem(
            f"{place} is not valid Python: {error.msg} (line {error.lineno}); fix it and run again."
        )
    if isinstance(error, ModuleNotFoundError):
        return UsageProblem(
            f"{place} imports {error.name!r}, which is not installed; install it and run again."
        )
    if isinstance(error, ImportError) and "relative import" in str(error):
        return UsageProblem(f"{place} uses relative imports; name it as package.module:factory.")
    if isinstance(error, SystemExit):
        return UsageProblem(
            f"{place} exits when it is imported (exit {error.code}); put the code that it runs under "
            'if __name__ == "__main__".'
        )
    return UsageProblem(f"{place} can't be imported: {type(error).__name__}: {error}; fix it and run again.")
