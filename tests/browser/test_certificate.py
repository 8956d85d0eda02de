"""A certificate is printed on one sheet, whatever name and however many exercises it shows."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gantutor.course.commands.certificate import Certificate, titles_of
from gantutor.course.exercises import numbers

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "runs" / "browser"


@pytest.mark.parametrize("name", ["Ada Lovelace", "An uncommonly long name that takes more than a line " * 2])
def test_it_is_printed_on_one_sheet(browser: Any, tmp_path: Path, name: str) -> None:
    titles = titles_of(ROOT / "notebooks")
    certificate = Certificate(name[:80], set(numbers()[::2]), numbers(), titles, "1.0.0", date(2026, 12, 1))
    page = browser.new_page(viewport={"width": 900, "height": 1000})
    page.goto(certificate.write(tmp_path)[0].as_uri())
    for paper in ("A4", "Letter"):
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper))) == 1
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"certificate_{len(name)}.png", full_page=True)
    page.set_viewport_size({"width": 375, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.close()
