"""The site: every page is reached, every link leads somewhere, and the README stays short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from meta_tests.docs.pages import (
    CONFIG,
    DOCUMENTS,
    PAGES,
    PROJECT,
    README,
    ROOT,
    SITE,
    blocks,
    links,
    named,
    read,
    sections,
)

MOST_LINES = 170
KINDS = ("Home", "Tutorial", "How to", "Reference", "Explanation", "Project")


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_each_link_leads_to_a_file_and_a_section_that_exist(document: Path) -> None:
    for target, section in links(document):
        assert target.exists(), f"{target} does not exist"
        assert target.is_relative_to(ROOT), f"{target} is not in the repository"
        if section:
            assert target.suffix == ".md", f"#{section} of {target} is not a section of a document"
            assert section in sections(target), f"{named(target)} has no section {section}"


def navigation(entries: list[Any]) -> Iterator[str]:
    """The pages of the navigation, in order."""
    for entry in entries:
        [(_, inner)] = entry.items()
        if isinstance(inner, str):
            yield inner
        else:
            yield from navigation(inner)


def test_each_page_stands_once_in_the_navigation() -> None:
    site = yaml.safe_load(read(CONFIG))
    beside = [f"project/{path.stem.lower()}.md" for path in PROJECT]

    assert [next(iter(entry)) for entry in site["nav"]] == list(KINDS)
    assert sorted(navigation(site["nav"])) == sorted(
        [*(path.relative_to(SITE).as_posix() for path in PAGES), *beside]
    )


def test_the_first_page_links_to_every_other() -> None:
    first = SITE / "index.md"

    assert {target for target, _ in links(first)} >= {*PAGES, *PROJECT} - {first}


def test_the_readme_stays_short_and_leads_to_the_documentation() -> None:
    assert len(read(README).splitlines()) <= MOST_LINES
    assert {SITE / "index.md", SITE / "tutorial.md"} <= {target for target, _ in links(README)}


def test_each_page_begins_with_its_one_title() -> None:
    for page in PAGES:
        lines = read(page).splitlines()
        inside = {line for block in blocks(page) for line in block.text.splitlines()}
        assert lines[0].startswith("# "), page
        assert not [line for line in lines[1:] if line.startswith("# ") and line not in inside], page


def test_a_shared_file_is_told_apart_from_a_page() -> None:
    """What the site copies has to be a file: a folder has no page there."""
    for page in PAGES:
        folders = [target for target, _ in links(page) if target.is_dir()]
        assert not folders, f"{named(page)} links to {folders}"
