"""Who acts in plans of more axes: a user with a value of an axis, with another one, or without any."""

from __future__ import annotations

from isolation_tests.model import Axis, NameSpec, UserSpec
from isolation_tests.plans.cells import Material

USER = "user"
_ALONE, _PAIR, OTHER, THIRD, _USUAL = 1, 50, 51, 52, 60
"""Groups of names: an unrelated user; two values that are related, or one; two that are not; those of all."""


def axis_of(material: Material, number: int) -> Axis:
    """The axis with this number, outer to inner and without the user."""
    return [axis for axis in material.axes if axis.name != USER][number - 1]


def actor(material: Material, user: NameSpec | None = None, **values: NameSpec | None) -> UserSpec:
    """A user with these values, None for an axis that is omitted; in all other axes, where all users are."""
    named = NameSpec() if user is None else user
    further = [axis.name for axis in material.axes if axis.name != USER]
    usual = {name: NameSpec(group=_USUAL + index) for index, name in enumerate(further)}
    return UserSpec(**named.model_dump(include=set(NameSpec.model_fields)), scope={**usual, **values})


def value(template: str = "{base}", group: int = _PAIR) -> NameSpec:
    """A value of an axis."""
    return NameSpec(template=template, group=group)


STRANGER = NameSpec(group=_ALONE)


def here(material: Material, axis: str, user: NameSpec | None = None) -> UserSpec:
    """A user with a value of the axis that is the same for all of them in a plan."""
    return actor(material, user, **{axis: value()})


def elsewhere(material: Material, axis: str, group: int = OTHER) -> UserSpec:
    """The same user with another value of the axis."""
    return actor(material, **{axis: value(group=group)})


def without(material: Material, axis: str, user: NameSpec | None = None) -> UserSpec:
    """A user who omits the axis."""
    return actor(material, user, **{axis: None})
