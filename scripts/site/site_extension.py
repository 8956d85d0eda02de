"""What Sphinx does besides: formulas without a script, descriptions of pictures, links to the reference."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import api_pages
import site_sources
from docutils import nodes
from math_core import LatexToMathML
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

FORMULAS = LatexToMathML()
LONG_FORMULA = 30
"""The length in LaTeX from which a formula may be wider than a telephone: browsers do not break it."""
NAME = re.compile(r"gt(\.\w+)+$")


def formula(self: Any, node: nodes.Element, displaystyle: bool) -> None:
    """Write a formula as MathML, which browsers draw without a script."""
    html = FORMULAS.convert_with_local_state(node.astext(), displaystyle=displaystyle)
    if displaystyle:
        html = f'<div class="math-block">{html}</div>'
    elif len(node.astext()) > LONG_FORMULA:
        html = f'<span class="math-long">{html}</span>'
    self.body.append(html)
    raise nodes.SkipNode


def describe_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Give the pictures of a notebook the alternative text that their outputs carry."""
    texts = json.loads((Path(app.srcdir) / site_sources.ALT_TEXTS).read_text(encoding="utf-8"))
    for image in doctree.findall(nodes.image):
        description = texts.get(Path(image["uri"]).stem)
        if description is not None:
            image["alt"] = description
        elif not image.get("alt"):
            picture = image["uri"][:60]
            raise ExtensionError(f"{app.env.docname}: the picture {picture} has no alternative text")


def link_names(app: Sphinx, doctree: nodes.document) -> None:
    """Make each ``gt.name`` of the prose a link to its description."""
    for literal in list(doctree.findall(nodes.literal)):
        if not NAME.match(literal.astext()) or isinstance(literal.parent, nodes.reference):
            continue
        target = api_pages.documented_name(literal.astext())
        link = addnodes.pending_xref(
            "", refdomain="py", reftype="obj", reftarget=target, refdoc=app.env.docname, refwarn=False
        )
        literal.replace_self(link)
        link += literal


def link_terms(app: Sphinx, doctree: nodes.document) -> None:
    """Give each entry of the glossary an address of its own, such as ``glossary.html#term-batch-norm``."""
    if app.env.docname != "docs/glossary":
        return
    for item in doctree.findall(nodes.list_item):
        term = next(iter(item.findall(nodes.strong)), None)
        if term is not None:
            name = f"term-{site_sources.slug(term.astext())}"
            item["ids"].append(name)
            link = nodes.reference("", "", refid=name, classes=["term"])
            term.replace_self(link)
            link += term


def mend_buttons(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Let the button that edits a page lead to its source; pages made from docstrings have none."""
    for button in context.get("header_buttons", []):
        parts = button.get("buttons", [])
        for part in [button, *parts]:
            if "url" in part:
                part["url"] = part["url"].replace("/edit/main/index.md", "/edit/main/docs/index.md")
        if page.startswith("reference/"):
            parts[:] = [part for part in parts if part.get("label") != "source-edit-button"]


def mend_docstring(lines: list[str]) -> None:
    """Write in reStructuredText what docstrings write as it is read: bars, a plural, and tables of bars."""
    mended: list[str] = []
    in_example = False
    for line in lines:
        text = line.strip()
        in_example = bool(text) and (in_example or text.startswith(">>>"))
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        if in_example or not re.fullmatch(r"\|.*\|", text) or len(cells) < 2:
            mended.append(line if in_example else _mend_line(line))
            continue
        if not mended or not mended[-1].startswith(ROW):
            mended += [".. list-table::", "   :header-rows: 1", ""]
        if not set(text) <= set("|-: "):
            mended += [f"{'   * - ' if i == 0 else ROW}{_mend_line(cell)}" for i, cell in enumerate(cells)]
    lines[:] = mended


ROW = "     - "


def _mend_line(line: str) -> str:
    parts = re.split(r"(``.*?``)", line)
    for i in range(0, len(parts), 2):
        plural = "\\ " if i and re.match(r"\w", parts[i]) else ""  # as in ``Module``s
        parts[i] = plural + parts[i].replace("|", r"\|")
    return "".join(parts)


def mend_signature(*given: Any) -> tuple[str | None, str | None]:
    """Write ``...`` for a default that has no name, such as ``<factory>``."""
    signature, result = given[-2:]
    return re.sub(r"<[^<>]+>", "...", signature) if signature else signature, result


def setup(app: Sphinx) -> dict[str, Any]:
    """Add all of this to Sphinx."""
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(lambda self, node: formula(self, node, False), None),
        block_renderers=(lambda self, node: formula(self, node, True), None),
    )
    for change in (describe_pictures, link_names, link_terms):
        app.connect("doctree-read", change)
    app.connect("html-page-context", mend_buttons, priority=900)
    app.connect("autodoc-process-signature", mend_signature)
    # Before napoleon, which puts sections into reStructuredText.
    app.connect("autodoc-process-docstring", lambda *given: mend_docstring(given[-1]), priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
