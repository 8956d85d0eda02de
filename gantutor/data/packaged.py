"""Data files that other packages carry: read as they lie there, without importing the package."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from gantutor.errors import DataUnavailable


def packaged_file(what: str, package: str, path: str, checksum: str, versions: str) -> bytes:
    """The bytes of a file inside an installed package, which is not imported.

    ``what`` names the data in messages, ``path`` is relative to the package's folder, ``checksum`` is the
    file's sha256, and ``versions`` says which releases carry it. Raises DataUnavailable where the package or
    the file is missing, or the file is another one.

    >>> packaged_file("the digits", "no_such_package", "digits.csv", "", "any")
    Traceback (most recent call last):
    ...
    gantutor.errors.DataUnavailable: the digits come with the package no_such_package, which is missing: ...
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataUnavailable(
            f"{what} come with the package {package}, which is missing: pip install {package}"
        )
    file = Path(next(iter(spec.submodule_search_locations))) / path
    try:
        content = file.read_bytes()
    except OSError:
        raise DataUnavailable(
            f"{file.name} is missing from the package {package}: pip install --force-reinstall {package}"
        ) from None
    if hashlib.sha256(content).hexdigest() != checksum:
        raise DataUnavailable(
            f"{file.name} of the package {package} is damaged or another file: install {versions} anew"
        )
    return content
