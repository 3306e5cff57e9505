"""An embedding without a model, a download or a network: a text has the same vector everywhere."""

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
    """Return the text's unit vector. Texts that share words are near each other; equal texts are equal.

    The vector has DIMENSIONS numbers, none of them negative. Case does not matter.
    """
    places = Counter(place for token in _TOKEN.findall(text.casefold()) for place in _places(token))
    # A text without words still needs a direction, because a zero vector has no cosine.
    counts = [places[place] for place in range(DIMENSIONS)] if places else [1] * DIMENSIONS
    length = math.hypot(*counts)
    return [count / length for count in counts]


def _places(token: str) -> list[int]:
    # Unlike the usual hashing trick, this has no signs: a negative similarity is below the thresholds that
    # systems apply, so it would hide a user's own memory.
    digest = blake2b(token.encode("utf-8", "surrogatepass"), digest_size=_PLACES_PER_TOKEN).digest()
    return [byte % DIMENSIONS for byte in digest]
