"""How the two values read in which a user's view alone and beside others differs."""

from __future__ import annotations


def spelled(what: str, alone: object, together: object) -> str:
    """Both values of what was compared, but for texts, which may hold anything."""
    if isinstance(alone, str) or isinstance(together, str):
        return ""
    return f": {_spell(what, alone)} alone, {_spell(what, together)} with them"


def _spell(what: str, value: object) -> str:
    if what == "outcome" and isinstance(value, tuple):
        return f"{value[0]}{'' if value[2] is None else ' with a row' if value[2] else ' without a row'}"
    if what in ("facts", "order", "id"):
        return "nothing" if not value else "facts " + " ".join(map(str, _flat(value)))
    if what == "moved":
        return "another than before" if value else "as before"
    if what == "best":
        return "the text itself" if value else "another text"
    if value is None:
        return "nothing"
    return f"{value:g}" if isinstance(value, float) else ascii(value)


def _flat(value: object) -> list[object]:
    """The facts in an aspect: of rows with how often they stand, of rows in their order, or of one row."""
    if not isinstance(value, tuple):
        return [value]
    counted = all(isinstance(part, tuple) and part and isinstance(part[0], tuple) for part in value)
    rows: list[object] = [part[0] for part in value for _ in range(part[1])] if counted else [*value]
    return [fact for row in rows for fact in (row if isinstance(row, tuple) else (row,))]
