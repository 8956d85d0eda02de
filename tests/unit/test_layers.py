"""The house: no module imports from a floor above, nothing runs in a circle, nothing is too long."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gantutor

PACKAGE = Path(gantutor.__file__).parent
FLOORS = {
    0: """augment calling conditions errors files nested parameters optimization objectives tensors
        latent metrics networks data plots results""".split(),  # noqa: SIM905
    1: """averages gan history run settings
        inversion rejection translation unpaired video""".split(),  # noqa: SIM905
    2: ["control", "checkpoint", "device", "distributed", "graphs", "memory", "rehearsal"],
    3: ["orders", "step", "companions", "loop", "train"],
    4: ["live", "doctor", "environment", "exercises", "collect", "recipes", "launching", "__main__"],
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names}
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


ROOT = PACKAGE.parent
FILES = sorted(path for folder in ("gantutor", "scripts", "tests") for path in (ROOT / folder).rglob("*.py"))
FILE, FUNCTION = 300, 50
"""Lines that a file may have, and a function without its head and its docstring."""


def imports(module: str) -> set[str]:
    """The modules of the package that one imports, wherever in the file; what only type checkers read counts
    too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module} imports by a relative name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name for name in found if name in MODULES} - {module}


def part(module: str) -> str:
    """The file or folder of the package that a module belongs to."""
    return module.split(".")[1]


INNER = sorted(name for name in MODULES if name != "gantutor")


def test_the_reader_of_imports_sees_them() -> None:
    assert {
        "gantutor.games.gan",
        "gantutor.training.run",
        "gantutor.training.device",
        "gantutor.training.control",
    } <= imports("gantutor.training.trainer")
    assert "gantutor.metrics.score" in imports("gantutor.metrics") and imports("gantutor._errors") == set()


@pytest.mark.parametrize("module", INNER)
def test_every_module_stands_on_a_floor(module: str) -> None:
    assert part(module) in FLOOR, f"{module} stands on no floor: say here on which"


def test_the_page_of_the_house_names_every_part() -> None:
    page = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    assert not [name for name in FLOOR if f"`{name}`" not in page]


@pytest.mark.parametrize("module", INNER)
def test_no_module_imports_from_a_floor_above(module: str) -> None:
    own = FLOOR[part(module)]
    above = sorted(name for name in imports(module) if name != "gantutor" and FLOOR[part(name)] > own)
    assert not above, f"{module} (floor {own}) imports {', '.join(above)}"


@pytest.mark.parametrize("module", [name for name in INNER if FLOOR.get(part(name), 0) < 4])
def test_below_the_top_nobody_imports_the_package_as_a_whole(module: str) -> None:
    assert "gantutor" not in {name for name in imports(module) if name == "gantutor"} or all(
        f"gantutor.{alias}" in MODULES for alias in whole_imports(module)
    )


def whole_imports(module: str) -> list[str]:
    """What a module takes by ``from gantutor import …``, and the package itself by ``import gantutor``."""
    found = []
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "gantutor":
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [""] * any(alias.name == "gantutor" for alias in node.names)
    return found


def test_nothing_runs_in_a_circle() -> None:
    graph = {name: {other for other in imports(name) if other != "gantutor"} for name in INNER}
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join([*path[path.index(name) :], name])
        if name not in done:
            for other in sorted(graph[name]):
                if not name.startswith(other + ".") and not other.startswith(name + "."):
                    walk(other, (*path, name))
            done.add(name)

    for name in INNER:
        walk(name, ())


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How long a function is to read: from its first statement to its last, the docstring left out."""
    rest = function.body[ast.get_docstring(function) is not None :]
    return function.body[-1].end_lineno - rest[0].lineno + 1 if rest else 0  # type: ignore[operator]


def test_lines_are_counted_without_head_and_docstring() -> None:
    text = 'def f(\n    x,\n):\n    """One.\n\n    Two.\n    """\n    y = x\n\n    return y'
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef) and lines_of(function) == 3


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_no_file_and_no_function_is_too_long(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert lines_of(node) <= FUNCTION, f"{node.name} has {lines_of(node)} lines"
