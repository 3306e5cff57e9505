"""What is seen at a glance is what the full search finds; a text that is passed over can hold no canary."""

from __future__ import annotations

import base64
import os
import random
import string
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.adapter import Memory
from isolation_tests.model import UserNumber
from isolation_tests.scale.seeing import Eyes
from isolation_tests.testdata.canaries import Canary, Mint, holds_none

MINT = Mint(bytes(range(32)))
MINE, THEIRS = Canary(UserNumber(7), 0), Canary(UserNumber(8), 3)
OWN = {f"My code is {MINT.token(MINE)}.": MINE}
texts = st.sampled_from(
    [
        *OWN,
        MINT.token(THEIRS),
        MINT.token(THEIRS).upper(),
        "-".join(MINT.token(THEIRS)),
        quote(" ".join(MINT.token(THEIRS))),
        base64.b64encode(f"cursor {MINT.token(THEIRS)}".encode()).decode(),
        "plain",
        "caf\u00e9 \uff5a\uff4b",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "z and k and more than twenty-six letters",
    ]
)
leaves = st.one_of(texts, st.integers(), st.floats(), st.none(), st.booleans(), st.binary(max_size=9))
values = st.recursive(
    leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3))
)
rows = st.builds(Memory, id=st.one_of(st.none(), texts), text=texts, raw=values)


@given(st.lists(rows, max_size=4))
def test_a_glance_sees_what_the_full_search_finds(answer: list[Memory]) -> None:
    def searched(row: Memory) -> set[Canary]:
        found = [*MINT.scan(row.text, ""), *MINT.scan(row.id, ""), *MINT.scan(row.raw, "")]
        return {one.canary for one in found}

    seen = Eyes(MINT).seen(answer, OWN)

    assert seen.canaries == frozenset().union(*map(searched, answer))
    assert seen.blank == sum(not searched(row) for row in answer)


@given(st.one_of(texts, st.text(alphabet=string.printable + "\u00e9\uff5a", max_size=60)), st.data())
def test_a_text_that_is_passed_over_holds_no_canary_however_it_is_decoded(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    part = text[start : start + data.draw(st.integers(0, 60))]

    assert not (holds_none(part) and MINT._found(part))


def test_no_token_of_any_mint_is_passed_over() -> None:
    chance = random.Random(3)  # noqa: S311 - figures
    for _ in range(300):
        token = Mint(os.urandom(32)).token(
            Canary(UserNumber(chance.randrange(2**40)), chance.randrange(2**16))
        )
        for shown in (token, token.upper(), "-".join(token), base64.b64encode(token.encode()).decode()):
            assert not holds_none(shown) or "=" in shown
