"""Writing video clips as animated GIF, WebP and PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gantutor._checks import checked, describe_value, integer, number
from gantutor._errors import DataUnavailable, InputError
from gantutor._files import expand, new_file

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG"}

MAX_PIXELS = 50_000_000
"""Pixels of all frames of a file together."""


@checked(fps=number(1, 50), zoom=integer(1, 32))
def write_clip(path: str | Path, clips: Tensor, fps: float = 8, zoom: int = 4) -> Path:
    """Write clips as an animated image that plays in a loop; several clips stand side by side.

    A missing folder is created, and an existing file is replaced. If writing fails, no incomplete file is
    left at ``path``. Video files such as .mp4 need an encoder that the package does not have.

    Args:
        path: the file, which ends in .gif, .webp, .png or .apng.
        clips: a clip (T, C, H, W), or clips (N, T, C, H, W), floats in [−1, 1] with 1 or 3 channels.
        fps: frames per second, from 1 to 50; a GIF counts in hundredths of a second, so that 8 become 8.33.
        zoom: factor by which the image is enlarged, from 1 to 32.

    Returns:
        The path of the file.

    Raises:
        InputError: if the clips have another shape, another range or too many pixels, the path has another
            suffix or cannot be written, or a number is out of range.
        DataUnavailable: if Pillow is missing, or cannot write this format.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_clip(Path(folder) / "clips.gif", torch.rand(3, 16, 1, 32, 32) * 2 - 1)
    ...     with Image.open(path) as animation: animation.n_frames, animation.size
    (16, (400, 128))
    """
    clips = check_clips(clips)  # (N, T, C, H, W)
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
    if clips.numel() * zoom**2 > MAX_PIXELS:
        raise InputError(
            f"these clips have more than {MAX_PIXELS:,} pixels at zoom={zoom}: write fewer, or a smaller zoom"
        )
    path = expand(path)
    with new_file(path) as temporary:
        save_animation(temporary, side_by_side(clips, gap=2), FORMATS[suffix], fps, zoom)
    return path


@checked(seconds=number(above=0, high=3600), frames=integer(1), fps=number(1, 50))
def clip_count(seconds: float, frames: int = 16, fps: float = 8) -> int:
    """Compute how many complete clips fit into a video.

    Args:
        seconds: length of the video, up to 3600 seconds.
        frames: frames of a clip.
        fps: frames per second, from 1 to 50.

    Raises:
        InputError: if not even one clip fits, or an argument is out of range.

    >>> clip_count(6.5)
    3
    >>> clip_count(1)
    Traceback (most recent call last):
    ...
    gantutor.InputError: a film of 1 s is too short for one clip: 16 frames, 8 a second, last 2 s
    """
    count = int(seconds * fps / frames + 1e-9)
    if not count:
        duration = f"{frames} frames, {fps:g} a second, last {frames / fps:.3g} s"
        raise InputError(f"a film of {seconds:g} s is too short for one clip: {duration}")
    return count


def save_animation(file: Any, clip: Tensor, file_format: str, fps: float, zoom: int = 1) -> None:
    """Write a clip as an animated image that plays in a loop.

    Args:
        file: a path, or a file opened for writing bytes.
        clip: (T, C, H, W) in [−1, 1], with 1 or 3 channels.
        file_format: ``"GIF"``, ``"WEBP"`` or ``"PNG"``.
        fps: frames per second.
        zoom: factor by which the image is enlarged.

    Raises:
        DataUnavailable: if Pillow is missing, or cannot write this format.
    """
    frames = to_images(clip, zoom)
    options: dict[str, Any] = {
        "duration": 1000 / fps,
        "loop": 0,
        "save_all": True,
        "append_images": frames[1:],
    }
    if file_format == "GIF":
        options |= {"duration": 10 * max(round(100 / fps), 2), "optimize": False}
    if file_format == "WEBP":
        options |= {"lossless": True, "duration": round(1000 / fps)}
    try:
        frames[0].save(file, format=file_format, **options)
    except KeyError:
        raise DataUnavailable(f"this Pillow cannot write {file_format}: write a .gif instead") from None


def to_images(clip: Tensor, zoom: int = 1) -> list[Image]:
    """Convert the frames of a clip to images of Pillow.

    Args:
        clip: (T, C, H, W) in [−1, 1]; 1 channel gives grey images, 3 give RGB.
        zoom: factor by which the images are enlarged.

    Raises:
        DataUnavailable: if Pillow is missing.

    >>> to_images(torch.zeros(2, 1, 4, 6), zoom=3)[0].size
    (18, 12)
    """
    try:
        from PIL import Image
    except ImportError:
        raise DataUnavailable(
            "animated pictures are written by the package pillow: pip install pillow"
        ) from None
    levels = ((clip + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)  # (T, H, W, C)
    enlarged = levels.repeat_interleave(zoom, 1).repeat_interleave(zoom, 2)
    return [Image.fromarray(frame.squeeze(-1).numpy()) for frame in enlarged]


def side_by_side(clips: Tensor, gap: int = 2) -> Tensor:
    """Join clips to one clip that shows them side by side, with white between them.

    Args:
        clips: (N, T, C, H, W) in [−1, 1].
        gap: pixels between two clips.

    Returns:
        A clip (T, C, H, N · (W + ``gap``) − ``gap``).

    >>> side_by_side(torch.zeros(3, 16, 1, 32, 32)).shape
    torch.Size([16, 1, 32, 100])
    """
    padded = torch.nn.functional.pad(clips, (0, gap), value=1.0)
    joined = padded.permute(1, 2, 3, 0, 4).flatten(3)
    return joined[..., : joined.shape[-1] - gap]


def check_clips(clips: Any) -> Tensor:
    """Check clips, and return them in one form.

    Args:
        clips: a clip (T, C, H, W), or clips (N, T, C, H, W), floats in [−1, 1] with 1 or 3 channels.

    Returns:
        Clips (N, T, C, H, W), float32, on the CPU.

    Raises:
        InputError: if the clips have another type, shape or range, or are not finite.

    >>> check_clips(torch.zeros(16, 1, 32, 32)).shape
    torch.Size([1, 16, 1, 32, 32])
    """
    is_clips = (
        isinstance(clips, Tensor) and clips.dim() in (4, 5) and clips.is_floating_point() and clips.numel()
    )
    if not is_clips or clips.shape[-3] not in (1, 3):
        raise InputError(
            "clips must be floats of shape ([count,] frames, 1 or 3, height, width), "
            f"not {describe_value(clips)}"
        )
    batch: Tensor = clips.detach().float().cpu()
    batch = batch[None] if batch.dim() == 4 else batch
    if not bool(batch.isfinite().all()):
        raise InputError("clips contain values that are not finite (NaN or infinity)")
    largest = float(batch.abs().max())
    if largest > 1 + 1e-4:
        raise InputError(f"clips must lie between -1 and 1, but reach {largest:.4g}: clamp them")
    return batch.clamp(-1, 1)
