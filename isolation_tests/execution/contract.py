"""The contract, enforced: what an adapter offers, and whether its answers have the promised shape."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS, Memory, Page
from isolation_tests.model import Axis, Operation
from isolation_tests.plans.cells import axis_need

KEYWORDS = {
    "filters": (("search", "filters"), ("get_all", "filters")),
    "metadata": (("add", "metadata"),),
    "key": (("add", "key"),),
    "update_metadata": (("update", "metadata"),),
}
"""Capabilities that are keywords: capability -> the (method, keyword) pairs it needs."""


class BrokenContract(Exception):  # noqa: N818 - it is the adapter that is broken
    """An adapter's answer is not what its contract promises; the text tells its author what to mend."""


NEEDED = ("add", "search")
"""The methods without which nothing can be asked. Without the other core methods, no level can be reached."""


def missing_methods(adapter: object) -> list[str]:
    """The core methods that the adapter lacks."""
    return [name for name in CORE_METHODS if not callable(getattr(adapter, name, None))]


def claimed(adapter: object, axes: Sequence[Axis] = ()) -> tuple[str, ...]:
    """The optional capabilities that an adapter claims by offering the method or the keyword.

    axes: those that it declares; each but the user is a capability too, numbered outer to inner.
    """
    methods = [name for name in OPTIONAL_METHODS if callable(getattr(adapter, name, None))]
    keywords = [
        capability
        for capability, places in KEYWORDS.items()
        if all(_takes(getattr(adapter, method, None), keyword) for method, keyword in places)
    ]
    numbered = [axis_need(number) for number in range(1, len(axes))]
    return tuple(sorted([*methods, *keywords, *numbered, *(["async"] if is_async(adapter) else [])]))


def is_async(adapter: object) -> bool:
    """Whether any of the adapter's methods is an `async def`."""
    names = (*CORE_METHODS, *OPTIONAL_METHODS, "close")
    return any(inspect.iscoroutinefunction(getattr(adapter, name, None)) for name in names)


def _takes(method: object, keyword: str) -> bool:
    if not callable(method):
        return False
    try:
        return keyword in inspect.signature(method).parameters
    except (TypeError, ValueError):
        return False


def police(op: Operation, answer: object, *, limit: int = 0) -> Any:
    """Return the answer in its promised shape, or raise `BrokenContract` in words its author can act on."""
    return _RULES[op](op, answer, limit)


def _blame(op: Operation, got: object, due: str) -> BrokenContract:
    return BrokenContract(f"the adapter's {op}() returned {_article(got)}; it must return {due}")


def _article(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _rows(op: Operation, answer: object, limit: int) -> list[Memory]:
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        raise _blame(op, answer, "a sequence of isolation_tests.adapter.Memory")
    rows = [_memory(op, row) for row in answer]
    ids = [row.id for row in rows if row.id is not None]
    if len(ids) != len(set(ids)) and op is not Operation.HISTORY:
        raise BrokenContract(f"the adapter's {op}() returned two memories with one id; ids must be unique")
    if limit and len(rows) > limit:
        raise BrokenContract(f"the adapter's {op}() returned {len(rows)} memories for limit={limit}")
    return rows


def _memory(op: Operation, row: object) -> Memory:
    if not isinstance(row, Memory):
        raise _blame(op, row, "isolation_tests.adapter.Memory objects")
    if row.id is not None and not (isinstance(row.id, str) and row.id):
        raise BrokenContract(
            f"the adapter's {op}() returned a memory whose id is {_article(row.id)}; "
            "it must be a non-empty str, or None where the system gives no ids"
        )
    if not isinstance(row.text, str):
        raise BrokenContract(
            f"the adapter's {op}() returned a memory whose text is {_article(row.text)}; it must be a str"
        )
    return row


def _one_or_none(op: Operation, answer: object, _limit: int) -> list[Memory]:
    return [] if answer is None else [_memory(op, answer)]


def _nothing(op: Operation, answer: object, _limit: int) -> None:
    if answer is not None:
        raise _blame(op, answer, "nothing (None)")


def _written(op: Operation, answer: object, limit: int) -> list[Memory] | bool | None:
    """What a write by id may answer: nothing, whether it found the memory, the memory, or memories."""
    if answer is None or isinstance(answer, bool):
        return answer
    if isinstance(answer, Memory):
        return [_memory(op, answer)]
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        raise _blame(op, answer, "nothing, a boolean, an isolation_tests.adapter.Memory or several")
    return _rows(op, answer, limit)


def _number(op: Operation, answer: object, _limit: int) -> int:
    if isinstance(answer, bool) or not isinstance(answer, int) or answer < 0:
        raise _blame(op, answer, "a whole number of memories")
    return answer


def _page(op: Operation, answer: object, limit: int) -> Page:
    if not isinstance(answer, Page):
        raise _blame(op, answer, "an isolation_tests.adapter.Page")
    if answer.cursor is not None and not (isinstance(answer.cursor, str) and answer.cursor):
        raise _blame(op, answer.cursor, "a page whose cursor is a non-empty str, or None at the end")
    return Page(_rows(op, answer.items, limit), answer.cursor)


_RULES: dict[Operation, Callable[[Operation, object, int], Any]] = {
    Operation.ADD: _rows,
    Operation.SEARCH: _rows,
    Operation.GET_ALL: _rows,
    Operation.EXPORT: _rows,
    Operation.HISTORY: _rows,
    Operation.GET: _one_or_none,
    Operation.DELETE_ALL: _nothing,
    Operation.DELETE: _written,
    Operation.UPDATE: _written,
    Operation.MAINTAIN: _nothing,
    Operation.COUNT: _number,
    Operation.PAGE: _page,
    Operation.INTRUDE: _rows,
}
