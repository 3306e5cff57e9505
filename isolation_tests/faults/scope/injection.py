"""S6: a user's name is read as query syntax."""

from __future__ import annotations

import ast
import fnmatch
import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from isolation_tests.adapter import Refused
from isolation_tests.faults.support.base import Fault
from isolation_tests.faults.support.merged import folded, merged, names, seeing
from isolation_tests.faults.support.sql import looked_up

_OPERATORS: dict[str, Callable[[str, Any], bool]] = {
    "$ne": operator.ne,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$in": lambda name, given: name in given,
    "$nin": lambda name, given: name not in given,
    "$regex": lambda name, given: re.search(given, name) is not None,
    "$exists": lambda _name, given: bool(given),
}
_COMPARISONS = {ast.Eq: operator.eq, ast.NotEq: operator.ne}


def _matches_operators(viewer: Any, other: Any) -> bool:
    if not isinstance(viewer, Mapping) or not viewer or not isinstance(other, str):
        return False
    try:
        return all(_OPERATORS[name](other, given) for name, given in viewer.items())
    except (KeyError, TypeError, re.error):
        return False


def _read_from_json(viewer: Any, others: Sequence[Any]) -> list[Any]:
    if not isinstance(viewer, str):
        return []
    try:
        read = json.loads(f'{{"user_id": "{viewer}"}}', strict=False)["user_id"]
    except ValueError as error:
        raise Refused("The request is not valid JSON; use a plain name.") from error
    return [other for other in others if other == read]


def _read_from_expression(viewer: Any, others: Sequence[Any]) -> list[Any]:
    if not isinstance(viewer, str):
        return []
    try:
        # Backslashes are escaped, because unknown escapes make the parser warn.
        tree = ast.parse(f'(user == "{viewer}")'.replace("\\", "\\\\"), mode="eval").body
        # Evaluated for an empty user first, so that a bad name is refused even if there are no other users.
        found = [v for v in ("", *others) if _value(tree, {"user": v, "true": True, "false": False})]
    except (KeyError, SyntaxError, ValueError) as error:
        raise Refused("The filter expression is not understood: use a plain name.") from error
    return [v for v in found if v != ""]


def _value(node: ast.expr, variables: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return variables[name]
        case ast.BoolOp(op=op, values=values):
            join = any if isinstance(op, ast.Or) else all
            return join(_value(value, variables) for value in values)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _COMPARISONS[type(op)](_value(left, variables), _value(right, variables))
    raise ValueError(type(node).__name__)


def _matches_as_json(viewer: Any, other: Any) -> bool:
    try:
        return isinstance(viewer, str) and _matches_operators(json.loads(viewer), other)
    except ValueError:
        return False


def _is_alternative(separator: str) -> Callable[[str, str], bool]:
    """Whether another name matches one of the alternatives in a name; these may contain wildcards."""

    def matches(viewer: str, other: str) -> bool:
        terms = [term.strip('" ') for term in viewer.split(separator)]
        return viewer == "*:*" or any(term == "*:*" or fnmatch.fnmatchcase(other, term) for term in terms[1:])

    return matches


def _rendered(name: str) -> str:
    """A name with the products in `${...}` and `{{...}}` evaluated, as by a template engine."""
    product = r"(\d{1,9})\*(\d{1,9})"
    return re.sub(
        rf"\$\{{{product}\}}|\{{\{{{product}\}}\}}",
        lambda found: str(int(found[1] or found[3]) * int(found[2] or found[4])),
        name,
    )


FAULTS = (
    Fault(
        "S6-sql-name",
        "S6",
        "The user's name is pasted into SQL, and a quote in it ends the SQL text.",
        merged(looked_up("user_id = '{name}'")),
    ),
    Fault(
        "S6-sql-name-in-brackets",
        "S6",
        "The user's name is pasted into SQL in brackets; a quote and a bracket in it end both.",
        merged(looked_up("(user_id = '{name}')")),
    ),
    Fault(
        "S6-expression-name",
        "S6",
        "The user's name is pasted into a filter expression, and a double quote in it ends the string.",
        merged(_read_from_expression),
        like="mem0#5744",
    ),
    Fault(
        "S6-json-name",
        "S6",
        "The user's name is pasted into JSON; a double quote in it can add a second user, which wins.",
        merged(_read_from_json),
    ),
    Fault(
        "S6-mongo-operator",
        "S6",
        "A user that is a mapping is applied as query operators instead of being compared.",
        merged(seeing(_matches_operators), override=True),
    ),
    Fault(
        "S6-mongo-text",
        "S6",
        "A user that is JSON text is parsed, and a mapping in it is applied as query operators.",
        merged(seeing(_matches_as_json)),
    ),
    Fault(
        "S6-lucene",
        "S6",
        "The user's name is pasted into a full-text query, and `OR` in it adds an alternative.",
        merged(names(_is_alternative(" OR "))),
    ),
    Fault(
        "S6-tags",
        "S6",
        "The user's name is pasted between the braces of a tag filter, and `}|{` in it adds an alternative.",
        merged(names(_is_alternative("}|{"))),
    ),
    Fault(
        "S6-template",
        "S6",
        "The user's name is rendered as a template before it is used.",
        merged(folded(_rendered)),
    ),
)
