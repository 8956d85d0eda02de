"""Reading data files that other installed packages carry, without importing these packages."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import torch

from gantutor._errors import DataUnavailable


def bundled_file(description: str, package: str, path: str, checksum: str, versions: str) -> bytes:
    """Read a file inside an installed package, without importing the package.

    Args:
        description: what error messages call the data, such as "the digits".
        package: the package's name, for import and for pip alike.
        path: the file, relative to the package's folder.
        checksum: the sha256 of the file, in hexadecimal.
        versions: the releases that carry this file, for the error message.

    Raises:
        DataUnavailable: if the package or the file is missing, or the checksum differs.

    >>> bundled_file("the digits", "no_such_package", "digits.csv", "", "any")
    Traceback (most recent call last):
    ...
    gantutor.DataUnavailable: the digits come with the package no_such_package, which is missing: ...
    """
    return bundled_files(description, package, [path], checksum, versions)[0]


def bundled_files(
    description: str, package: str, paths: Sequence[str], checksum: str, versions: str
) -> list[bytes]:
    """Read several files inside an installed package, without importing the package.

    Args:
        description: what error messages call the data, such as "the photographs of faces".
        package: the package's name, for import and for pip alike.
        paths: the files, relative to the package's folder.
        checksum: the sha256 of all files concatenated in the order of ``paths``, in hexadecimal.
        versions: the releases that carry these files, for the error message.

    Raises:
        DataUnavailable: if the package or a file is missing, or the checksum differs.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataUnavailable(
            f"{description} come with the package {package}, which is missing: pip install {package}"
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
        several = (
            f"one of the {len(paths)} files of {description} in the package {package} is damaged or another"
        )
        raise DataUnavailable(f"{one if len(paths) == 1 else several}: reinstall {versions}")
    return contents


def missing_package(name: str, package: str) -> DataUnavailable:
    """Return the error to raise where torchvision or torchaudio cannot be imported.

    Args:
        name: the data set that needs the package.
        package: ``"torchvision"`` or ``"torchaudio"``.

    >>> print(missing_package("mnist", "torchvision"))
    mnist comes through torchvision, which is missing or not made for torch ...: install the two together
    """
    return DataUnavailable(
        f"{name} comes through {package}, which is missing or not made for torch {torch.__version__}: "
        "install the two together"
    )
