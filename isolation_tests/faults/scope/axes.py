"""S7, S8 and S9: an axis beside the user is dropped, opens too much when omitted, or is joined with another.

Each fault is planted in the first, second or third axis beside the user, outer to inner; its name ends in
that number. The store behind it keeps all axes apart, so it shows what one axis forgotten in one place does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Wrapper, call
from isolation_tests.faults.support.merged import ALL, BY_ID, READS, Merged, seeing
from isolation_tests.faults.support.places import Place, of_places

POSITIONS = (1, 2, 3)
SEPARATORS = {"slash": "/", "colon": ":"}
_JOINED = "{pair}, the user among them, are joined"
_ORDINAL = {1: "first", 2: "second", 3: "third"}

Sees = Callable[[Place, Place], bool]
Made = Callable[[Sequence[str], int], Sees]
"""Makes a predicate from all axes, outer to inner, and the position of one beside the user."""


class KeptSearch(Wrapper):
    """Caches searches under the user, the query and all axes but one, until anyone writes."""

    def __init__(self, inner: Any, axis: str) -> None:
        self._axis = axis
        self._kept: dict[Any, list[Memory]] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Any:
        self._kept.clear()
        return await call(self._inner.add, user, text, **keywords)

    async def _on_delete_all(self, user: Any) -> Any:
        self._kept.clear()
        return await call(self._inner.delete_all, user)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        if keywords or not isinstance(user, Place):
            return await call(self._inner.search, user, query, limit=limit, **keywords)  # type: ignore[no-any-return]
        rest = tuple(pair for pair in user.values if pair[0] != self._axis)
        asked = (repr(user.user), rest, query, limit)
        if asked not in self._kept:
            self._kept[asked] = list(await call(self._inner.search, user, query, limit=limit))
        return self._kept[asked]


def _beside(axes: Sequence[str], position: int) -> str:
    return [axis for axis in axes if axis != "user"][position - 1]


def _others_equal(axes: Iterable[str], viewer: Place, other: Place, *but: str) -> bool:
    return all(viewer.value(axis) == other.value(axis) for axis in axes if axis not in but)


def _dropped(axes: Sequence[str], position: int) -> Sees:
    """A given value is not applied: what was stored under any value of the axis is reached."""
    axis = _beside(axes, position)
    return lambda viewer, other: (
        viewer.value(axis) is not None
        and other.value(axis) is not None
        and _others_equal(axes, viewer, other, axis)
    )


def _by_prefix(axes: Sequence[str], position: int) -> Sees:
    """A given value also matches all values that begin with it."""
    axis = _beside(axes, position)
    return lambda viewer, other: (
        isinstance(viewer.value(axis), str)
        and str(other.value(axis)).startswith(viewer.value(axis))
        and _others_equal(axes, viewer, other, axis)
    )


def _folded(axes: Sequence[str], position: int) -> Sees:
    """Values that differ only in case are one value."""
    axis = _beside(axes, position)
    return lambda viewer, other: (
        viewer.value(axis) is not None
        and other.value(axis) is not None
        and str(viewer.value(axis)).casefold() == str(other.value(axis)).casefold()
        and _others_equal(axes, viewer, other, axis)
    )


def _everybody(axes: Sequence[str], position: int) -> Sees:
    """Without the axis, nothing inside of it is applied either: neither it nor the user."""
    axis = _beside(axes, position)
    return lambda viewer, other: (
        viewer.value(axis) is None and _others_equal(axes, viewer, other, axis, "user")
    )


def _fallen_back(axes: Sequence[str], position: int) -> Sees:
    """A given value also reaches what was stored without one."""
    axis = _beside(axes, position)
    return lambda viewer, other: (
        viewer.value(axis) is not None
        and other.value(axis) is None
        and _others_equal(axes, viewer, other, axis)
    )


def _joined(separator: str) -> Made:
    """Two neighbours among the axes, the user one of them, are joined to one key without an escape."""

    def made(axes: Sequence[str], position: int) -> Sees:
        outer, inner = axes[position - 1], axes[position]

        def key(place: Place) -> str | None:
            values = place.value(outer), place.value(inner)
            texts = [value for value in values if isinstance(value, str)]
            return separator.join(texts) if len(texts) == len(values) else None

        return lambda viewer, other: (
            key(viewer) is not None
            and key(viewer) == key(other)
            and _others_equal(axes, viewer, other, outer, inner)
        )

    return made


def _merging(made: Made, position: int, surfaces: Iterable[str], *, override: bool) -> Callable[[Any], Any]:
    def planted(flat: Any, axes: list[str]) -> Any:
        sees = made(axes, position)
        both = seeing(
            lambda one, other: isinstance(one, Place) and isinstance(other, Place) and sees(one, other)
        )
        return Merged(flat, both, surfaces, override=override)

    return of_places(planted, position)


def _caching(position: int) -> Callable[[Any], Any]:
    return of_places(lambda flat, axes: KeptSearch(flat, _beside(axes, position)), position)


def _in_each_position(  # noqa: PLR0913 - all that differs between the faults
    name: str,
    anomaly: str,
    summary: str,
    made: Made,
    surfaces: Iterable[str] = ALL,
    *,
    like: str | None = None,
    positions: Sequence[int] = POSITIONS,
    override: bool = False,
    more: tuple[str, ...] = (),
) -> list[Fault]:
    """One fault in each position. summary: with `{axis}` for the axis, or `{pair}` for it and a neighbour."""
    return [
        Fault(
            f"{name}-{position}",
            anomaly,
            summary.format(
                axis=f"the {_ORDINAL[position]} axis beside the user",
                pair=f"Of the axes, outer to inner, numbers {position} and {position + 1}",
            ),
            _merging(made, position, surfaces, override=override),
            like=like,
            needs=(f"axes.{position}", *more),
        )
        for position in positions
    ]


FAULTS = (
    *_in_each_position(
        "S7-dropped",
        "S7",
        "No call applies the value that it is given for {axis}.",
        _dropped,
        like="MemMachine#407",
    ),
    *_in_each_position(
        "S7-search-drops",
        "S7",
        "Only searches do not apply {axis}; lists, deletes and calls by id do.",
        _dropped,
        {"search"},
        like="agentmemory#817",
    ),
    *_in_each_position(
        "S7-delete-drops", "S7", "Only delete_all does not apply {axis}.", _dropped, {"delete_all"}
    ),
    *_in_each_position(
        "S7-by-id-drops", "S7", "Only calls by id do not apply {axis}.", _dropped, BY_ID, more=("get",)
    ),
    *_in_each_position(
        "S7-export-drops",
        "S7",
        "Only the export does not apply {axis}.",
        _dropped,
        {"export"},
        more=("export",),
    ),
    *_in_each_position(
        "S7-prefix", "S7", "A value of {axis} also matches every value that begins with it.", _by_prefix
    ),
    *_in_each_position("S7-folded", "S7", "Values of {axis} are compared without case.", _folded),
    *(
        Fault(
            f"S7-cached-{position}",
            "S7",
            f"Searches are cached under all but the {_ORDINAL[position]} axis beside the user.",
            _caching(position),
            needs=(f"axes.{position}",),
        )
        for position in POSITIONS
    ),
    *_in_each_position(
        "S8-omitted-opens",
        "S8",
        "A read that omits {axis} applies neither the axis nor the user.",
        _everybody,
        READS,
        like="agentmemory#849",
        override=True,
    ),
    *_in_each_position(
        "S8-omitted-deletes",
        "S8",
        "A delete_all that omits {axis} applies neither the axis nor the user.",
        _everybody,
        {"delete_all"},
        override=True,
    ),
    *_in_each_position(
        "S8-falls-back",
        "S8",
        "A value of {axis} also reaches what was stored without one.",
        _fallen_back,
        positions=(2, 3),
    ),
    *(
        fault
        for name, separator in SEPARATORS.items()
        for fault in _in_each_position(
            f"S9-joined-{name}",
            "S9",
            f"{_JOINED} with {separator!r}, without an escape.",
            _joined(separator),
            like="TanStack/ai#991",
        )
    ),
)
