"""Sentences that certificates sign, each in the wording of every certificate form.

A verifier computes a certificate anew and compares it with the signed one. So a wording that was ever signed
has to stay available. To change a sentence, raise `LATEST_FORM` and append the new wording.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["LATEST_FORM", "SignedText"]

LATEST_FORM = 2


class SignedText(Enum):
    """Base for enums of sentences. A member holds its wordings by form, oldest first.

    A member with fewer wordings than forms keeps its last one. Its text is a template for `str.format`.
    """

    _value_: tuple[str, ...]

    def at(self, form: int, **values: object) -> str:
        """The sentence in the wording of a certificate form, with the values filled in."""
        return self._value_[min(form, len(self._value_)) - 1].format(**values)
