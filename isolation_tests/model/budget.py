"""Budgets: how much a run may send to a target, how fast, and how much it may leave to be stored."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field

from isolation_tests.model.plan import Frozen

NO_LIMIT = "none"


def _lifted(value: Any) -> Any:
    return None if value == NO_LIMIT else value


def _bytes(value: Any) -> Any:
    return value.replace("_", "") if isinstance(value, str) else value


Whole = Annotated[int | None, BeforeValidator(_lifted), BeforeValidator(_bytes)]
Number = Annotated[float | None, BeforeValidator(_lifted)]


class Budget(Frozen):
    """The limits of one run, over all of its processes. "none" lifts a limit that is there by default."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    requests: Whole = Field(default=None, ge=1)
    """Most requests; a call of an adapter that does not count its requests is one."""

    requests_per_second: Number = Field(default=None, ge=0.1, allow_inf_nan=False)
    """Most requests in a second."""

    concurrency: Whole = Field(default=None, ge=1)
    """Most calls at once."""

    seconds: Number = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds after which the run only cleans up."""

    bytes: Whole = Field(default=None, ge=1)
    """Most bytes of text and metadata that are written to the target, deleted ones included."""

    def over(self, other: Budget) -> Self:
        """This budget, with the limits of `other` where this one says nothing."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        taken = {name: getattr(other, name) for name in other.model_fields_set}
        return self.model_copy(update={**taken, **said})

    def figures(self) -> dict[str, float]:
        """Every limit that there is, by its name."""
        found = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: limit for name, limit in found if limit is not None}
