"""Diagrams of translation: a U-net with FiLM, and a discriminator of pairs."""

from __future__ import annotations

from typing import Any

from gantutor._checks import checked, integer, string
from gantutor.plots.diagrams.canvas import SMALL_SIZE, Box, Canvas
from gantutor.plots.style import DISCRIMINATOR, GENERATED, GENERATOR, NEUTRAL, REAL, Figure


@checked(channels=integer(1), width=integer(8), latent=integer(0), source=string(), target=string())
def film_unet(
    channels: int = 16, width: int = 128, latent: int = 16, source: str = "type", target: str = "hand"
) -> Figure:
    """Draw ``networks.LineTranslator``: down, across by skip connections, up, with FiLM on the way up.

    Args:
        channels: channels of the first stage, at least 1.
        width: width of the line in pixels, at least 8.
        latent: dimension of z.
        source: what goes in, in a word.
        target: what comes out, in a word.

    Returns:
        The figure.

    Raises:
        InputError: if a number is out of range.

    >>> "skip connections" in film_unet().alternative_text
    True
    """
    c = channels
    shapes = [f"{n}×{h}×{width // d}" for n, h, d in ((c, 16, 2), (2 * c, 8, 4), (4 * c, 4, 8))]
    ups = [f"{4 * c}×4×{width // 8}", f"{3 * c}×8×{width // 4}", f"{2 * c}×16×{width // 2}"]
    canvas = Canvas(
        4.2,
        "One network for both directions: a U-net with FiLM",
        f"A line of {source}, 1×32×{width}, passes down through three stages, {', '.join(shapes)}, and up "
        f"again, {', '.join(ups)}, to a line of {target}. Two skip connections carry the features of the way "
        f"down to the stage of equal size on the way up. Noise z ({latent} numbers) and the embedding of the "
        "style (16) pass through two linear layers to 64 numbers s, which scale and shift the features of "
        "every block on the way up (FiLM).",
    )
    stages: dict[str, Any] = {"width": 0.9, "height": 0.5, "size": SMALL_SIZE}
    line = canvas.box(0.52, 3.2, source, NEUTRAL, width=0.56, height=0.5, size=SMALL_SIZE)
    first = canvas.box(1.5, 3.2, f"unshuffle\n{shapes[0]}", GENERATOR, **stages)
    down1 = canvas.box(1.8, 2.4, f"halve\n{shapes[1]}", GENERATOR, **stages)
    down2 = canvas.box(2.1, 1.6, f"halve\n{shapes[2]}", GENERATOR, **stages)
    deep = canvas.box(3.3, 1.6, f"FiLM\n{ups[0]}", GENERATOR, **stages)
    up1 = canvas.box(4.0, 2.4, f"double, FiLM\n{ups[1]}", GENERATOR, **stages)
    up2 = canvas.box(4.7, 3.2, f"double, FiLM\n{ups[2]}", GENERATOR, **stages)
    output = canvas.box(5.76, 3.2, target, GENERATED, width=0.62, height=0.5, size=SMALL_SIZE)
    for left, right in ((line, first), (first, up2), (down1, up1), (down2, deep), (up2, output)):
        canvas.both_ways(left, right, backward=False)
    for upper, lower, x in ((first, down1, 1.65), (down1, down2, 1.95)):
        canvas.arrow((x, upper.bottom()[1]), (x, lower.top()[1]))
    for lower, upper, x in ((deep, up1, 3.65), (up1, up2, 4.35)):
        canvas.arrow((x, lower.top()[1]), (x, upper.bottom()[1]))
    for y in (3.32, 2.52):
        canvas.text(3.05, y, "skip connection", NEUTRAL)
    style = canvas.box(4.1, 0.62, "two linear layers: s, 64 numbers", GENERATOR, width=2.5, height=0.36)
    noise = canvas.box(1.35, 0.62, f"noise z ({latent}), style (16)", NEUTRAL, width=1.9, height=0.36)
    canvas.both_ways(noise, style, backward=False)
    for x, block in ((3.2, deep), (4.15, up1), (4.95, up2)):
        canvas.arrow((x, style.top()[1]), (x, block.bottom()[1]))
    canvas.text(5.08, 1.5, "scale and\nshift", NEUTRAL, ha="left")
    return canvas.figure


@checked(features=integer(1), rows=integer(1), columns=integer(1))
def pair_discriminator(features: int = 64, rows: int = 4, columns: int = 16) -> Figure:
    """Draw ``networks.LineDiscriminator``: it sees a line together with its source, and the writer.

    Args:
        features: features d of each place, at least 1.
        rows: rows of places, at least 1.
        columns: columns of places, at least 1.

    Returns:
        The figure.

    Raises:
        InputError: if a number is out of range.

    >>> "64 logits" in pair_discriminator().alternative_text
    True
    """
    canvas = Canvas(
        3.9,
        "The pair discriminator",
        "The discriminator D sees a line of handwriting, real or generated, concatenated with the line of "
        f"type that it should show. Its layers give {features} features h at each of {rows} × {columns} "
        "places. A linear layer ψ gives one number for each place, the inner product with the embedding of "
        f"the writer another; their sums are {rows * columns} logits. The gradient flows back through D "
        "into the generated line.",
    )
    real = canvas.box(0.95, 3.1, "real line", REAL, width=1.0)
    made = canvas.box(0.95, 2.3, "generated", GENERATED, width=1.0)
    source = canvas.box(0.95, 1.5, "type", NEUTRAL, width=1.0)
    canvas.text(0.95, 2.7, "or", NEUTRAL)
    joined = canvas.box(2.3, 2.3, "concat.\n2×32×128", NEUTRAL, width=0.9, size=SMALL_SIZE)
    layers = canvas.box(
        3.45, 2.3, f"D\n{features}×{rows}×{columns}", DISCRIMINATOR, width=0.9, size=SMALL_SIZE
    )
    head = canvas.box(4.7, 2.85, "ψ(h)", DISCRIMINATOR, width=0.9, height=0.4)
    inner = canvas.box(4.7, 1.75, "⟨e, h⟩ / √d", DISCRIMINATOR, width=0.9, height=0.4, size=SMALL_SIZE)
    logits = canvas.box(5.8, 2.3, f"sum\n{rows}×{columns}", NEUTRAL, width=0.56, size=SMALL_SIZE)
    writer = canvas.box(3.0, 0.8, "writer", NEUTRAL, width=0.8, height=0.36)
    embedding = canvas.box(4.7, 0.8, "embedding e", DISCRIMINATOR, width=1.1, height=0.36)
    _join(canvas, real, joined, 0.19)
    _join(canvas, source, joined, -0.19)
    canvas.both_ways(made, joined)
    canvas.both_ways(joined, layers)
    for box, up in ((head, 0.1), (inner, -0.1)):
        middle = layers.right()[0] + 0.2
        canvas.arrow(layers.right(up), (middle, layers.y + up), (middle, box.y), box.left())
        corner = (logits.x, box.y)
        canvas.arrow(box.right(), corner, logits.top() if up > 0 else logits.bottom())
    canvas.both_ways(writer, embedding, backward=False)
    canvas.arrow(embedding.top(), inner.bottom())
    canvas.text(5.8, 3.2, "one logit\na place", NEUTRAL)
    canvas.legend()
    return canvas.figure


def _join(canvas: Canvas, box: Box, target: Box, up: float) -> None:
    """An arrow from a box to the left edge of another, around one corner."""
    middle = target.left()[0] - 0.17
    canvas.arrow(box.right(), (middle, box.y), (middle, target.y + up), target.left(up))
