"""Every public name has a description that begins with a sentence, for ``help`` and for the reference."""

from __future__ import annotations

import inspect
import re
from types import ModuleType

import pytest
from torch import nn

import api_pages

MODULES = api_pages.public_modules()
OF_TORCH = {inspect.getdoc(member) for member in vars(nn.Module).values()}


def descriptions(name: str, module: ModuleType) -> dict[str, str]:
    """What the package says of a module, of its public names and of the methods of its classes."""
    texts = {"": module.__doc__ or ""}
    for member, value in api_pages.members(module).items():
        is_described = inspect.isclass(value) or api_pages.is_function(value)
        texts[member] = (
            inspect.getdoc(value) or "" if is_described else api_pages.constant_docstrings(name).get(member, "")
        )
        for method in api_pages.methods(value):
            texts[f"{member}.{method}"] = inspect.getdoc(getattr(value, method)) or ""
    return texts


def test_the_public_modules_are_those_that_all_names() -> None:
    assert "gantutor.data.toy" in MODULES and "gantutor.training.optim" in MODULES
    assert not {"gantutor.games.gan", "gantutor.training.trainer"} & set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_described_by_a_sentence(name: str) -> None:
    for member, text in descriptions(name, MODULES[name]).items():
        first = text.strip().split("\n\n")[0]
        assert re.search(r"[.:?]$", first), f"{name}.{member} has no docstring that begins with a sentence"
        assert text not in OF_TORCH, f"{name}.{member} says only what torch says"


@pytest.mark.parametrize("name", MODULES)
def test_its_page_names_all_of_them_and_nothing_private(name: str) -> None:
    page = api_pages.page(MODULES[name])
    for member in api_pages.members(MODULES[name]):
        assert re.search(rf":: ({name}\.)?{member}$", page, re.MULTILINE), f"{name}.{member} is not in the reference"
    assert not re.search(r"^\.\. \S+:: \S*\._", page, re.MULTILINE)


def test_a_name_that_leads_elsewhere_is_described_once() -> None:
    assert "GAN" not in api_pages.members(MODULES["gantutor"])
    assert ":py:obj:`gantutor.games.GAN`" in api_pages.page(MODULES["gantutor"])
