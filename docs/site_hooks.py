"""Makes one site of the pages of docs/ and the documents beside it, which are written to be read in place.

A link to a file of the repository leads to a copy of it in the site, and a link to a folder becomes its text,
because the site has no page for it. Links between documents lead to their pages.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PROJECT = {
    ROOT / f"{name}.md": f"project/{name.lower()}.md"
    for name in ("ARCHITECTURE", "CONTRIBUTING", "SECURITY", "CHANGELOG")
}
COPIES = "repository"
LINK = re.compile(r"\[([^\[\]]*)\]\((?!https?://|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the documents beside docs/ as pages, and every file that a page links to."""
    for source, place in PROJECT.items():
        files.append(File.generated(config, place, content=source.read_text(encoding="utf-8")))
    linked = {
        target
        for page in files.documentation_pages()
        for _, link, _ in LINK.findall(page.content_string)
        if (target := _target(page.src_uri, link)).is_file() and not _is_page(target)
    }
    for target in sorted(linked):
        files.append(File.generated(config, _copy(target), content=target.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead each link to where its target is in the site."""
    here = page.file.src_uri

    def replaced(match: re.Match[str]) -> str:
        text, link, section = match[1], match[2], match[3] or ""
        target = _target(here, link)
        if target.is_dir() or target.suffix == ".html":
            return text
        place = _place(target) if target.is_file() else None
        if place is None:
            return match[0]
        return f"[{text}]({os.path.relpath(place, Path(here).parent).replace(os.sep, '/')}{section})"

    return LINK.sub(replaced, markdown)


def _target(page: str, link: str) -> Path:
    """The file in the repository to which a page links."""
    source = next((source for source, place in PROJECT.items() if place == page), DOCS / page)
    return (source.parent / link).resolve()


def _is_page(target: Path) -> bool:
    return target in PROJECT or DOCS in target.parents


def _place(target: Path) -> str:
    if target in PROJECT:
        return PROJECT[target]
    return target.relative_to(DOCS).as_posix() if DOCS in target.parents else _copy(target)


def _copy(target: Path) -> str:
    """Where the copy of a file is in the site; hidden folders are no longer hidden there."""
    parts = target.relative_to(ROOT).parts
    return "/".join([COPIES, *(part.removeprefix(".") for part in parts)])
