"""Right calls of the loaders of data, and of what reads and writes files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from right_calls import Call, Made, noise, shades

import gantutor as gt
from gantutor.course.results import RESULTS_FOLDER
from gantutor.data import toy
from gantutor.data.typefaces import matplotlib_fonts


def digit_images() -> torch.Tensor:
    return gt.data.digits().held_out.tensors[0][:3]


def recording() -> Path:
    return gt.data.write_recording("sound.wav", shades(4096))


def a_picture() -> Path:
    from PIL import Image

    Image.linear_gradient("L").resize((40, 40)).save("picture.png")
    return Path("picture.png")


def picture_folder() -> Path:
    from PIL import Image

    Path("pictures").mkdir(exist_ok=True)
    for angle in range(16):
        Image.linear_gradient("L").rotate(10 * angle).resize((20, 20)).save(f"pictures/{angle}.png")
    return Path("pictures")


def handwriting() -> Path:
    from PIL import Image

    page = Image.new("L", (60, 60), 255)
    page.paste(0, (25, 15, 33, 45))
    page.save("written.png")
    return Path("written.png")


def tensors() -> Path:
    gt._files.write_tensors(Path("t.safetensors"), {"a": torch.zeros(2)})
    return Path("t.safetensors")


def json_file() -> Path:
    gt._files.write_json(Path("t.json"), {"a": 1})
    return Path("t.json")


def a_font() -> Path:
    return next(matplotlib_fonts().glob("DejaVuSans.ttf"))


def recipe() -> dict[str, Any]:
    """The one that a committed result was made with."""
    found: dict[str, Any] = gt._files.read_json(RESULTS_FOLDER / "plane.json")["recipe"]
    return found


FOLDER = Made(lambda: Path.cwd())
JITTER = {"copies": 1, "shift": 1.0, "scale": 0.05, "seed": 0}

CALLS = [
    Call("data.toy.ring", {"count": 8, "radius": 1.0, "sigma": 0.01}),
    Call("data.toy.grid", {"side": 5, "spacing": 2.0, "sigma": 0.05}),
    Call("data.toy.spiral", {"turns": 2.0, "sigma": 0.02}),
    Call("data.toy.moons", {"sigma": 0.05}),
    Call("data.toy.two_lines", {"sigma": 0.05}),
    Call("data.toy.two_gaussians", {"distance": 1.5, "sigma": 0.05}),
    Call("data.toy.line", {"sigma": 0.05}),
    Call("data.toy.from_points", {"points": noise(5, 2), "sigma": 0.05}, allowed={"points": "list array"}),
    Call("data.toy.Distribution.sample", {"count": 5, "seed": 0}, of=lambda: toy.ring().sample),
    Call("data.toy.Distribution.log_density", {"points": noise(5, 2)}, of=lambda: toy.moons().log_density),
    Call(
        "data.toy.Distribution.dataset", {"count": 5, "held_out": 3, "seed": 0}, of=lambda: toy.ring().dataset
    ),
    Call("data.digits", {"name": "digits", "folder": FOLDER}),
    Call("data.random_faces", {"count": 3, "seed": 0}),
    Call(
        "data.draw_faces",
        {"attributes": torch.zeros(2, 7, dtype=torch.long), "style": gt.data.random_faces(2)[1], "side": 16},
    ),
    Call("data.drawn_faces", {"count": 3, "held_out": 2, "side": 16, "seed": 0}, examples=20),
    Call(
        "data.align_faces",
        {"images": shades(3, 1, 16, 16), "template": shades(1, 16, 16), "steps": 2, "window": 0.5},
    ),
    Call("data.faces", {"name": "olivetti", "side": 64, "folder": FOLDER}, examples=20),
    Call("data.sines", {"count": 10, "length": 6, "features": 2, "seed": 0}),
    Call("data.spoken_digits", {"name": "spoken_digits", "folder": FOLDER}, examples=20),
    Call(
        "data.noisy_speech",
        {"name": "spoken_digits", "copies": 1, "snr_range": (-3.0, 9.0), "seed": 0},
        examples=16,
    ),
    Call("data.stacked_digits", {"count": 20, "held_out": 10, "name": "digits", "seed": 0}, examples=20),
    Call("data.moving_digits", {"name": "digits", "size": 32, "copies": 1, "seed": 0}, examples=20),
    Call("data.talking_faces", {"count": 2, "held_out": 1, "side": 16, "seed": 0}, examples=20),
    Call("data.sample_futures", {"images": Made(digit_images), "count": 2, "size": 32, "seed": 0}),
    Call(
        "data.place_digit",
        {"image": Made(digit_images), "size": 32, "position": (1.0, 2.0)},
        lambda made, given: made[..., 0, 0].sum(),  # of one digit or of several
    ),
    Call(
        "data.names",
        {
            "words": [
                "anna",
                "hanna",
                "johanna",
                "susanna",
                "marianna",
                "ann",
                "eva",
                "ida",
                "ada",
                "lena",
                "lea",
            ]
        },
    ),
    Call("data.encode_names", {"names": ["anna", "hanna"]}),
    Call(
        "data.decode_names",
        {"names": Made(lambda: gt.data.encode_names(["anna", "hanna"]))},
        allowed={"names": "Any"},
    ),
    Call(
        "data.paired_handwriting",
        {"name": "digits", "fonts": None, "held_back": 1, "folder": FOLDER} | JITTER,
        examples=16,
    ),
    Call(
        "data.unpaired_handwriting", {"name": "digits", "fonts": None, "folder": FOLDER} | JITTER, examples=16
    ),
    Call("data.typefaces", {"fonts": None, "characters": "01"}),
    Call("data.Typeface", {"source": Made(a_font)}),
    Call("data.typeset", {"fonts": None, "characters": "01"} | JITTER),
    Call("data.typeset_line", {"line": "10", "font": None, "tight": False, "characters": "01"}),
    Call("data.read_handwriting", {"source": Made(handwriting)}),
    Call("data.handwritten_line", {"images": shades(3, 1, 28, 28), "gap": 5}),
    Call(
        "data.read_photograph",
        {
            "source": Made(a_picture),
            "side": 16,
            "grey": True,
            "box": [0, 0, 30, 30],
            "value_range": None,
        },
    ),
    Call(
        "data.picture_folder",
        {"folder": Made(picture_folder), "side": 16, "grey": True, "held_out": 0.2, "seed": 0},
    ),
    Call("data.read_recording", {"source": Made(recording), "rate": 8000, "length": 4096}),
    Call("data.write_recording", {"path": Path("out.wav"), "wave": shades(4096), "rate": 8000}),
    Call("data.write_clip", {"path": Path("out.gif"), "clips": shades(4, 1, 8, 8), "fps": 8, "zoom": 2}),
    Call("data.clip_count", {"seconds": 4.0, "frames": 16, "fps": 8.0}),
    Call("_files.read_tensors", {"path": Made(tensors)}),
    Call("_files.read_json", {"path": Made(json_file)}),
    Call(
        "course.score_report.collect",
        {"folder": Made(lambda: Path(gt.__file__).parent.parent / "notebooks")},
        examples=12,
    ),
    Call(
        "course.score_report.read_notebook",
        {"path": Made(lambda: next((Path(gt.__file__).parent.parent / "notebooks").glob("*.ipynb")))},
    ),
    Call("course.committed_results", {"name": "plane", "recipe": Made(recipe)}),
]
