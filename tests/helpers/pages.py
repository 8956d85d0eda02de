"""What stands for a page and for a clock in the tests of live views."""

from __future__ import annotations

from typing import Any


class Display:
    """Stands for the page: remembers what was put there."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self.updated: list[dict[str, Any]] = []

    def __call__(
        self, bundle: dict[str, Any], raw: bool, display_id: bool, metadata: dict[str, Any]
    ) -> Display:
        assert raw and display_id
        if "image/png" in bundle:
            assert metadata == {"image/png": {"alt": bundle["text/plain"]}}
        self.shown.append(bundle)
        return self

    def update(self, bundle: dict[str, Any], raw: bool, metadata: dict[str, Any]) -> None:
        self.updated.append(bundle)


class FakeTime:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now
