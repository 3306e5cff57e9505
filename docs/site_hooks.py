"""Makes one site of the pages of docs/ and the documents beside it, which are written to be read in place.

A link to a file of the repository leads to a copy of it in the site. A link to a folder or a published report
becomes its text, because the site has no page for it. Links between documents lead to their pages.
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
        if (_place(target := _target(page.src_uri, link)) or "").startswith(f"{COPIES}/")
    }
    for target in sorted(linked):
        files.append(File.generated(config, _place(target) or "", content=target.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead each link to where its target is in the site."""
    here = page.file.src_uri

    def replaced(match: re.Match[str]) -> str:
        text, link, section = match[1], match[2], match[3] or ""
        target = _target(here, link)
        place = _place(target)
        if place is None:
            return text if target.exists() else match[0]  # a strict build tells what does not exist
        return f"[{text}]({os.path.relpath(place, Path(here).parent)}{section})"

    return LINK.sub(replaced, markdown)


def _target(page: str, link: str) -> Path:
    """The file in the repository to which a page links."""
    source = next((source for source, place in PROJECT.items() if place == page), DOCS / page)
    return (source.parent / link).resolve()


def _place(target: Path) -> str | None:
    """Where a file of the repository is in the site; None for what has no place there."""
    if target in PROJECT:
        return PROJECT[target]
    if DOCS in target.parents:
        return target.relative_to(DOCS).as_posix()
    if not target.is_file() or target.suffix == ".html":
        return None
    # A folder that is hidden in the repository is not hidden in the site.
    return "/".join([COPIES, *(part.removeprefix(".") for part in target.relative_to(ROOT).parts)])
