"""An embedding with no model, no download and no network: the same text has the same vector everywhere."""

from __future__ import annotations

import math
import re
from collections import Counter
from hashlib import blake2b

__all__ = ["DIMENSIONS", "embed"]

DIMENSIONS = 64
_PLACES_PER_TOKEN = 4
_TOKEN = re.compile(r"\w+")


def embed(text: str) -> list[float]:
    """Return the text's unit vector: texts that share words are near, equal texts are equal.

    DIMENSIONS numbers, none of them negative; upper and lower case are one.
    """
    places = Counter(place for token in _TOKEN.findall(text.casefold()) for place in _places(token))
    # A text without words still needs a direction: a zero vector has no cosine with anything.
    counts = [places[place] for place in range(DIMENSIONS)] if places else [1] * DIMENSIONS
    length = math.hypot(*counts)
    return [count / length for count in counts]


def _places(token: str) -> list[int]:
    # No signs, unlike the usual hashing trick: a negative similarity falls below the thresholds that
    # systems apply, and would hide a user's own memory from them.
    digest = blake2b(token.encode("utf-8", "surrogatepass"), digest_size=_PLACES_PER_TOKEN).digest()
    return [byte % DIMENSIONS for byte in digest]
