"""The tables of the documents are what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from isolation_tests.reporting.board.published import folders
from isolation_tests.reporting.board.verdict_table import VERDICTS, board
from isolation_tests.targets.settings import TABLE
from meta_tests.docs.pages import DOCUMENTS, README, ROOT, SITE, named, read
from meta_tests.docs.tables import MARKED, TABLES, WRITE, plain, written


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_each_table_is_up_to_date(document: Path) -> None:
    text = read(document)

    assert text.count("<!-- table: ") == len(MARKED.findall(text)), "a mark has no end"
    assert written(text) == text, f"run `{WRITE}`"


def test_each_table_stands_in_a_document() -> None:
    placed = {name for document in DOCUMENTS for _, name, _ in MARKED.findall(read(document))}

    assert placed == set(TABLES)


def test_no_table_is_empty() -> None:
    for name, make in TABLES.items():
        lines = make().splitlines()
        assert len(lines) > 2, name
        assert all(re.match(r"\| \S|\|---|#|[^|]|$", line) for line in lines), name


def test_a_table_that_is_out_of_date_is_written_again() -> None:
    text = read(README)
    old = text.replace("| 4 | A bug in this suite. |", "| 4 | Nothing. |")

    assert old != text
    assert written(old) == text


def test_a_text_shows_as_it_is() -> None:
    assert (
        plain("a has '*' | b has '_',\n  `x|*_` in get_all")
        == r"a has '\*' \| b has '\_', `x\|*_` in get_all"
    )


@pytest.mark.process
def test_the_published_verdicts_are_those_of_the_evidence(tmp_path: Path) -> None:
    """Each row has evidence, and the reverse. The smallest are read again; all would take a minute."""
    text = read(SITE / "reference" / "published-verdicts.md")
    rows = text.partition(VERDICTS[0])[2].partition(VERDICTS[1])[0].strip().splitlines()
    published = sorted(
        folders(ROOT / "reports"), key=lambda one: sum(f.stat().st_size for f in one.iterdir())
    )
    for one in published[:4]:
        (tmp_path / one.name).symlink_to(one, target_is_directory=True)

    assert len(rows[2:]) == len(published)
    assert set(board(tmp_path).splitlines()) <= set(rows)


def test_what_writes_into_a_document_finds_its_place_there() -> None:
    """`report table` and the benchmark write between marks in the file that the documents name."""
    found = {
        (place, mark)
        for document in DOCUMENTS
        for place in re.findall(r"--into (\S+\.md)", read(document))
        for mark in re.findall(r"<!-- (\w+): written by", read(ROOT / place))
    }

    assert found == {
        ("docs/reference/published-verdicts.md", "verdicts"),
        ("docs/explanation/search.md", "detection"),
    }


def test_the_settings_name_their_table_in_pyproject() -> None:
    assert f"[tool.{TABLE}]" in read(SITE / "reference" / "settings.md")


def test_contributors_are_told_how_to_write_the_tables() -> None:
    assert WRITE in read(README.with_name("CONTRIBUTING.md"))
