"""Clips as files that play: animated GIF, WebP and PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gantutor._checks import describe_value, integer, number, validate
from gantutor._errors import DataUnavailable, InputError
from gantutor._files import new_file

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG"}

MOST = 50_000_000
"""So many pixels at most in all frames of a file."""


def write_clip(path: str | Path, clips: Tensor, fps: float = 8, zoom: int = 4) -> Path:
    """Write a clip (T, C, H, W), or clips (N, T, C, H, W) side by side, floats in [−1, 1], 1 or 3 channels,
    as an animated picture that plays again and again: ``.gif``, ``.webp``, ``.png`` or ``.apng``.

    ``fps``: frames a second; a GIF counts in hundredths of a second, so that 8 become 8.33. Each pixel is
    drawn as ``zoom`` × ``zoom``. The folder is made where it is missing; the file is whole or not there, and
    one that stands at ``path`` is replaced. Returns the path. Films (``.mp4``) need an encoder that the
    package does not come with. Raises InputError for other shapes, ranges, suffixes or where nothing can be
    written, and DataUnavailable where Pillow is missing or cannot write that kind.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_clip(Path(folder) / "clips.gif", torch.rand(3, 16, 1, 32, 32) * 2 - 1)
    ...     with Image.open(path) as film: film.n_frames, film.size
    (16, (400, 128))
    """
    validate({"fps": fps, "zoom": zoom}, fps=number(1, 50), zoom=integer(1, 32))
    checked = check_clips(clips)
    suffix = Path(path).suffix.lower() if isinstance(path, str | Path) else ""
    if suffix not in FORMATS:
        hint = (
            ": a film needs an encoder that is not here"
            if suffix in (".mp4", ".webm", ".avi", ".mov")
            else ""
        )
        raise InputError(
            f"path must be the name of a file that ends in {', '.join(FORMATS)}{hint}, not {path!r}"
        )
    if checked.numel() * zoom**2 > MOST:
        raise InputError(
            f"these clips have more than {MOST:,} pixels at zoom={zoom}: take fewer, or a smaller zoom"
        )
    path = Path(path)
    with new_file(path) as fresh:
        save_animation(fresh, side_by_side(checked, gap=2), FORMATS[suffix], fps, zoom)
    return path


def clip_count(seconds: float, frames: int = 16, fps: float = 8) -> int:
    """How many whole clips of so many frames a film of ``seconds`` has, at ``fps`` frames a second.

    Raises InputError where there is not room for one.

    >>> clip_count(6.5)
    3
    >>> clip_count(1)
    Traceback (most recent call last):
    ...
    gantutor.InputError: a film of 1 s is too short for one clip: 16 frames, 8 a second, last 2 s
    """
    validate(
        {"seconds": seconds, "frames": frames, "fps": fps},
        seconds=number(above=0, high=3600),
        frames=integer(1),
        fps=number(1, 50),
    )
    count = int(seconds * fps / frames + 1e-9)
    if not count:
        lasting = f"{frames} frames, {fps:g} a second, last {frames / fps:.3g} s"
        raise InputError(f"a film of {seconds:g} s is too short for one clip: {lasting}")
    return count


def save_animation(file: Any, film: Tensor, kind: str, fps: float, zoom: int = 1) -> None:
    """Write a film (T, C, H, W) in [−1, 1] to a path or an opened file as ``kind``: GIF, WEBP or PNG."""
    frames = to_images(film, zoom)
    options: dict[str, Any] = {
        "duration": 1000 / fps,
        "loop": 0,
        "save_all": True,
        "append_images": frames[1:],
    }
    if kind == "GIF":
        options |= {"duration": 10 * max(round(100 / fps), 2), "optimize": False}
    if kind == "WEBP":
        options |= {"lossless": True, "duration": round(1000 / fps)}
    try:
        frames[0].save(file, format=kind, **options)
    except KeyError:
        raise DataUnavailable(f"this Pillow cannot write {kind}: write a .gif instead") from None


def to_images(film: Tensor, zoom: int = 1) -> list[Image]:
    """The frames (T, C, H, W) in [−1, 1] as Pillow's images, each pixel ``zoom`` × ``zoom``; grey or RGB."""
    try:
        from PIL import Image
    except ImportError:
        raise DataUnavailable(
            "animated pictures are written by the package pillow: pip install pillow"
        ) from None
    levels = ((film + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
    large = levels.repeat_interleave(zoom, 1).repeat_interleave(zoom, 2)
    return [Image.fromarray(one.squeeze(-1).numpy()) for one in large]


def side_by_side(clips: Tensor, gap: int = 2) -> Tensor:
    """Clips (N, T, C, H, W) as one film (T, C, H, N · (W + ``gap``) − ``gap``), white between them.

    >>> side_by_side(torch.zeros(3, 16, 1, 32, 32)).shape
    torch.Size([16, 1, 32, 100])
    """
    padded = torch.nn.functional.pad(clips, (0, gap), value=1.0)
    film = padded.permute(1, 2, 3, 0, 4).flatten(3)
    return film[..., : film.shape[-1] - gap]


def check_clips(clips: Any) -> Tensor:
    """A clip (T, C, H, W), or clips (N, T, C, H, W), as (N, T, C, H, W), float32 on the CPU; raises
    InputError for what is none."""
    right = (
        isinstance(clips, Tensor) and clips.dim() in (4, 5) and clips.is_floating_point() and clips.numel()
    )
    if not right or clips.shape[-3] not in (1, 3):
        what = describe_value(clips)
        raise InputError(
            f"clips must be floats of shape ([count,] frames, 1 or 3, height, width), not {what}"
        )
    films: Tensor = clips.detach().float().cpu()
    films = films[None] if films.dim() == 4 else films
    if not bool(films.isfinite().all()):
        raise InputError("clips contain values that are not finite (NaN or infinity)")
    largest = float(films.abs().max())
    if largest > 1 + 1e-4:
        raise InputError(f"clips must lie between -1 and 1, and go up to {largest:.4g}: clamp them")
    return films.clamp(-1, 1)
