"""The documents: which files they are, and the blocks, tables, links and headings in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SITE = ROOT / "docs"
CONFIG = ROOT / "mkdocs.yml"
PAGES = tuple(sorted(SITE.rglob("*.md")))
PROJECT = tuple(ROOT / f"{name}.md" for name in ("ARCHITECTURE", "CONTRIBUTING", "SECURITY", "CHANGELOG"))
DOCUMENTS = (README, *PROJECT, *PAGES)
NOT_RUN = re.compile(r"<!-- not run: (.+) -->\s*\Z")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. not_run: why no test runs it, as the comment in front of it says; empty without one."""

    language: str
    text: str
    not_run: str

    @property
    def file(self) -> str:
        """The name of the file that the block is, from its first line; empty for any other block."""
        named = re.match(r"# ([\w./-]+\.(?:py|toml))\n", self.text)
        return named[1] if named else ""

    def lines(self) -> list[str]:
        """The commands of a shell block, each in one line."""
        return [line for line in self.text.replace("\\\n", " ").splitlines() if line.strip()]


def read(document: Path) -> str:
    """The text of a document."""
    return document.read_text(encoding="utf-8")


def named(document: Path) -> str:
    """The document's path in the repository."""
    return document.relative_to(ROOT).as_posix()


def blocks(document: Path, language: str | None = None) -> list[Block]:
    """The fenced blocks of a document, of one language or of all."""
    text = read(document)
    found = []
    for match in _FENCE.finditer(text):
        reason = NOT_RUN.search(text[: match.start()])
        found.append(Block(match[1], match[2], reason[1] if reason else ""))
    return [block for block in found if language in (None, block.language)]


def links(document: Path) -> Iterator[tuple[Path, str]]:
    """Where a document's links inside the repository lead: a file or folder, and the section or nothing."""
    text = _FENCE.sub("", read(document))
    for place, section in _LINK.findall(text):
        yield (document.parent / place).resolve() if place else document, section


def sections(document: Path) -> set[str]:
    """The names by which a document's headings are linked to."""
    plain = _FENCE.sub("", read(document))
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in _HEADING.findall(plain)}
