"""Laws about searches among many users."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, words
from isolation_tests.plans.crowds import starvation


@law("own-facts-stay-found", level=Level.CORE, cells=starvation.STARVATION_CELLS)
def test_own_facts_stay_found(check: Check, cell: Cell) -> None:
    """What a user's search found before others stored nearer facts it still finds afterwards.

    1. The nearest memories of all users are fetched first and filtered by owner afterwards.
    2. The system fetches some more than requested, but a crowd uses them up.
    3. An approximate index stops after a number of candidates, whoever owns them.
    """
    check.run()


@law("old-facts-stay", level=Level.HARDENED, cells=starvation.CROWD_CELLS)
def test_old_facts_stay(check: Check, cell: Cell) -> None:
    """What a user stored first is still there when hundreds of others have stored theirs.

    1. One limit counts everybody's memories, and the oldest make room.
    2. An index that is full, or is built anew, leaves out what it held before.
    """
    check.run()


@law("others-words-find-nothing", level=Level.HARDENED, cells=words.WORD_CELLS)
def test_others_words_find_nothing(check: Check, cell: Cell) -> None:
    """A word that only others have stored finds no more of a user's memories than a word that nobody has.

    1. A delete or an update leaves the old terms in the index, and the next row takes their place.
    2. What is kept by row number, hash or key is not dropped with the row.
    3. A vocabulary of all users decides whether a search finds anything.
    """
    check.run()
