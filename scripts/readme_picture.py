"""Take the picture of the README from the committed notebook 03: ``python scripts/readme_picture.py``."""

from __future__ import annotations

import base64
import sys

import notebook_files
from notebook_files import ROOT, text_of

NOTEBOOK = ROOT / "notebooks" / "03_cnn_image_gan.ipynb"
MARK = "picture = gt.live.Picture("
TARGET = ROOT / "images" / "digits.png"


def picture() -> bytes:
    """The last picture that the training cell left; ends with a sentence where there is none."""
    for cell in notebook_files.read(NOTEBOOK)["cells"]:
        if cell["cell_type"] == "code" and MARK in text_of(cell["source"]):
            found = [o["data"]["image/png"] for o in cell["outputs"] if "image/png" in o.get("data", {})]
            if found:
                return base64.b64decode(text_of(found[-1]))
    sys.exit(f"{NOTEBOOK.name} holds no picture of its training: run and adopt it first")


def main() -> None:
    content = picture()
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(content)
    print(f"{TARGET.relative_to(ROOT)}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
