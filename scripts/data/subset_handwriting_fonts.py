"""Make ``data/handwriting_fonts.zip``: ``python scripts/data/subset_handwriting_fonts.py FOLDER``.

FOLDER is a ``node_modules/@fontsource`` that ``npm install @fontsource/NAME …`` has filled. Of each font only
the characters of the course are kept. Fonts with a Reserved Font Name are refused, because a subset of them
would need another name. Needs fonttools, which nothing else of the course does.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import zipfile
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from gantutor.data.handwriting_fonts import ALPHABET, WRITERS

DATA = Path(__file__).resolve().parents[2] / "data"
WHEN = (2026, 1, 1, 0, 0, 0)
"""The date of the files in the archive, so that it repeats to the byte."""


def subset_font(path: Path) -> tuple[bytes, str]:
    """Return a font with the characters of the course alone, as WOFF, and its copyright line."""
    font = TTFont(path)
    notices = [str(font["name"].getDebugName(number) or "") for number in (0, 13)]
    if any("reserved font name" in notice.lower() for notice in notices):
        raise SystemExit(f"{path.name} has a Reserved Font Name")
    options = subset.Options(
        layout_features=["kern"], hinting=False, desubroutinize=True, notdef_outline=True
    )
    worker = subset.Subsetter(options)
    worker.populate(text=ALPHABET)
    worker.subset(font)
    font.flavor = "woff"
    content = io.BytesIO()
    font.save(content)
    return content.getvalue(), " ".join(notices[0].split())


def main() -> None:
    folder = Path(sys.argv[1])
    licences: dict[str, list[str]] = {"OFL-1.1": [], "Apache-2.0": []}
    texts: dict[str, str] = {}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for name in WRITERS:
            package = folder / name
            about = json.loads((package / "package.json").read_text())
            text = (package / "LICENSE").read_text()
            head, _, rest = text.partition("-----------------------------------------------------------")
            if about["license"] == "OFL-1.1" and "reserved font name" in head.lower():
                raise SystemExit(f"{name} has a Reserved Font Name")
            content, notice = subset_font(package / "files" / f"{name}-latin-400-normal.woff")
            notice = head.strip().splitlines()[0] if about["license"] == "OFL-1.1" else notice
            licences[about["license"]].append(f"{name} {about['version']}: {notice.strip()}")
            texts.setdefault(about["license"], text if about["license"] != "OFL-1.1" else "-" * 59 + rest)
            file.writestr(zipfile.ZipInfo(f"{name}.woff", WHEN), content)
    parts = [
        f"Fonts under {licence}\n\n" + "\n".join(lines) + "\n\n" + re.sub(r"[ \t]+\n", "\n", texts[licence])
        for licence, lines in licences.items()
        if lines
    ]
    target = DATA / "handwriting_fonts.zip"
    target.write_bytes(archive.getvalue())
    (DATA / "handwriting_fonts_licences.txt").write_text(
        ("\n\n" + "=" * 78 + "\n\n").join(parts).strip() + "\n"
    )
    print(
        f"{len(WRITERS)} fonts, {target.stat().st_size:,} bytes, sha256",
        hashlib.sha256(archive.getvalue()).hexdigest(),
    )


if __name__ == "__main__":
    main()
