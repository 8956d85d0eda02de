"""Write the reference of the package, made from its docstrings, as pages for a browser.

    python scripts/site/reference.py runs/reference      # then open runs/reference/index.html

What is public is what ``__all__`` says: of ``gantutor``, and of the modules that it names. A warning of pdoc,
such as a name that leads nowhere, ends it.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pdoc
from pdoc.doc import Doc, Module
from torch import nn

import gantutor


def public_modules(module: ModuleType = gantutor) -> list[str]:
    """The names of a module and of those that its ``__all__`` names, and so on; what loads late is loaded."""
    found = [module.__name__]
    for name in getattr(module, "__all__", ()):
        member = vars(module)[name] = getattr(module, name)
        if isinstance(member, ModuleType):
            found += public_modules(member)
    return found


def public_names(module: str) -> Iterator[Doc]:
    """All that a module's page must describe: its names, and the methods of its classes.

    How a network is called stands in the docstring of its class, and not of ``forward``.
    """
    for each in Module.from_name(module).members.values():
        if each.kind != "module" and not each.name.startswith("_"):
            yield each
            for own in each.own_members if each.kind == "class" else ():
                if _is_ours(own) and not own.name.startswith("_") and own.name != "forward":
                    yield own


def said(doc: Doc) -> str:
    """What a docstring of the package says; nothing where only the classes say something that it builds on.

    The docstring of a constant stands beside its value, wherever ``__all__`` took it from.
    """
    if doc.kind == "variable" and not doc.docstring:
        return _of_constants(doc.modulename).get(doc.qualname, "")
    foreign = doc.kind == "function" and not _is_ours(doc)
    return "" if foreign or doc.docstring in _of_torch() else doc.docstring


def _is_ours(doc: Doc) -> bool:
    """Whether this is a function of the package: matplotlib writes some into a class that builds on its."""
    return doc.kind == "function" and str(getattr(doc.obj, "__module__", "")).startswith("gantutor")


@cache
def _of_torch() -> set[str]:
    return {inspect.getdoc(member) or "" for member in vars(nn.Module).values()}


@cache
def _of_constants(module: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, inner in list(sys.modules.items()):
        if name.startswith(f"{module}."):
            found |= pdoc.doc_ast.walk_tree(inner).var_docstrings
    return found


def write(folder: Path) -> list[str]:
    """The pages, an index and a search, in ``folder``; returns the names of the modules that have a page."""
    modules = public_modules()
    others = rf"!(?!({'|'.join(modules)})$)"  # pdoc takes the file of data.digits() for a public module
    pdoc.render.configure(
        docformat="google",
        footer_text=f"GANTutor {gantutor.__version__}",
        template_directory=Path(__file__).parent / "templates",
    )
    pdoc.render.env.globals["said"] = said
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.pdoc("gantutor", others, output_directory=folder)
    return modules


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/reference")
    print(f"{len(write(target))} pages of reference: open {target / 'index.html'}")
