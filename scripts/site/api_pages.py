"""The pages of the reference: one for each public module, on which Sphinx puts the docstrings.

What is public is what ``__all__`` says: of ``gantutor``, and of the modules that it names.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import gantutor

HIDDEN = frozenset({"forward"})
"""Methods without a description: how a network is called stands in the docstring of its class."""


def public_modules(module: ModuleType = gantutor) -> dict[str, ModuleType]:
    """Return a module and those that its ``__all__`` names, and so on, by name; what loads late is loaded."""
    modules = {module.__name__: module}
    for name in getattr(module, "__all__", ()):
        member = vars(module)[name] = getattr(module, name)
        if isinstance(member, ModuleType):
            modules |= public_modules(member)
    return modules


def members(module: ModuleType) -> dict[str, Any]:
    """Return what a module's page describes, by name: no modules, and nothing at home elsewhere."""
    elsewhere = gantutor._HOMES if module is gantutor else {}
    values = {name: getattr(module, name) for name in _names(module) if name not in elsewhere}
    return {name: value for name, value in values.items() if not isinstance(value, ModuleType)}


def _names(module: ModuleType) -> list[str]:
    """The names of ``__all__``; without one those of the module's own functions, classes and constants."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    constants = constant_docstrings(module.__name__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (getattr(value, "__module__", "") == module.__name__ or name in constants)
    ]


def methods(value: Any) -> Iterator[str]:
    """Yield the public methods and the described properties that a class of the package defines itself."""
    if not inspect.isclass(value):
        return
    for name, member in vars(value).items():
        function = getattr(member, "__func__", getattr(member, "fget", member))
        is_ours = str(getattr(function, "__module__", "")).startswith("gantutor")
        # The class describes an attribute, and a base class a hook that is overridden.
        bases = [base for base in value.__mro__[1:] if base.__module__.startswith("gantutor")]
        elsewhere = isinstance(member, property) or any(name in vars(base) for base in bases)
        is_hidden = name.startswith("_") or name in HIDDEN or (elsewhere and not member.__doc__)
        if is_ours and callable(function) and not is_hidden:
            yield name


def is_function(value: Any) -> bool:
    """Whether a value is a function, also where it keeps its results or checks its arguments."""
    return inspect.isfunction(inspect.unwrap(value)) if callable(value) else False


def documented_name(name: str) -> str:
    """Return the full name under which the reference describes ``gt.…``.

    >>> documented_name("gt.GAN.of"), documented_name("gt.exercises.check"), documented_name("gt.data.digits")
    ('gantutor.games.GAN.of', 'gantutor.course.exercises.check', 'gantutor.data.digits')
    """
    _, first, *rest = name.split(".")
    home = gantutor._HOMES.get(first)
    value = getattr(gantutor, first, None)
    if isinstance(value, ModuleType):
        return ".".join([value.__name__, *rest])
    return ".".join([home or "gantutor", first, *rest])


@cache
def constant_docstrings(module: str) -> dict[str, str]:
    """Return the docstrings of the constants of a module and of the modules inside it, by name.

    The docstring of a constant is the string below it.

    >>> _ = importlib.import_module("gantutor.live.time_machine")
    >>> constant_docstrings("gantutor.live.time_machine")["MAX_SAMPLES"]
    'The number of samples that are drawn at one moment.'
    """
    texts: dict[str, str] = {}
    for name in [module, *sorted(sys.modules)]:
        if name == module or name.startswith(f"{module}."):
            body = ast.parse(inspect.getsource(sys.modules[name])).body
            for assignment, below in pairwise(body):
                constant = _constant(assignment)
                if constant and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                    texts.setdefault(constant, inspect.cleandoc(str(below.value.value)))
    return texts


def _constant(statement: ast.stmt) -> str | None:
    """The name that a statement of a module gives a value, if it gives it to one name."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    target = statement.target if isinstance(statement, ast.AnnAssign) else target
    return target.id if isinstance(target, ast.Name) else None


def page(module: ModuleType) -> str:
    """Return the page of a module, in reStructuredText."""
    title = module.__name__
    blocks = [f"{title}\n{'=' * len(title)}", f".. automodule:: {title}\n   :no-members:"]
    if module is gantutor:
        blocks.append(_overview())
    kinds: dict[str, list[str]] = {"Classes": [], "Functions": [], "Constants": []}
    for name, value in sorted(members(module).items(), key=lambda item: item[0].lower()):
        full = f"{title}.{name}"
        if inspect.isclass(value):
            directive = "autoexception" if issubclass(value, BaseException) else "autoclass"
            shown = ", ".join(methods(value))
            lines = f"\n   :members: {shown}" if shown else "\n   :no-members:"
            kinds["Classes"].append(f".. {directive}:: {full}{lines}")
        elif is_function(value):
            kinds["Functions"].append(f".. autofunction:: {full}")
        else:
            text = constant_docstrings(title).get(name, "").replace("\n", "\n   ")
            kinds["Constants"].append(f".. py:data:: {name}\n   :module: {title}\n\n   {text}")
    for kind, entries in kinds.items():
        if entries:
            blocks += [f"{kind}\n{'-' * len(kind)}", *entries]
    return "\n\n".join(blocks) + "\n"


def _overview() -> str:
    """The names that ``import gantutor as gt`` gives, and where each is described."""
    lines = ["``import gantutor as gt`` gives these names:", ""]
    for name in gantutor.__all__:
        value = getattr(gantutor, name)
        if isinstance(value, ModuleType):
            lines.append(f"- ``gt.{name}``: :doc:`{value.__name__}`")
        else:
            lines.append(f"- ``gt.{name}``: :py:obj:`{documented_name(f'gt.{name}')}`")
    return "\n".join(lines)


def write(folder: Path) -> list[str]:
    """Write the pages into a folder, with an index; returns the names of the modules that have a page."""
    folder.mkdir(parents=True, exist_ok=True)
    modules = public_modules()
    for name, module in modules.items():
        importlib.import_module(name)
        (folder / f"{name}.rst").write_text(page(module), encoding="utf-8")
    listed = "\n   ".join(sorted(modules))
    index = (
        "Reference\n=========\n\nEvery public function and class, described by its docstring. "
        "In a notebook ``help(gt.train)`` shows the same text.\n\n"
        f".. toctree::\n   :maxdepth: 1\n\n   {listed}\n"
    )
    (folder / "index.rst").write_text(index, encoding="utf-8")
    return list(modules)
