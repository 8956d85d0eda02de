"""Diagrams of a GAN with attributes: how they enter its networks, and how a given image is edited."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor

from gantutor._checks import checked, integer
from gantutor._errors import InputError
from gantutor.plots.diagrams.canvas import Box, Canvas
from gantutor.plots.style import DISCRIMINATOR, GENERATED, GENERATOR, REAL, Figure


@checked(latent=integer(1), attributes=integer(1), style=integer(1), features=integer(1))
def attribute_paths(latent: int = 64, attributes: int = 7, style: int = 128, features: int = 128) -> Figure:
    """Draw how attributes enter a generator, by scales and shifts (FiLM), and a discriminator, in two ways.

    Args:
        latent: dimension of z, at least 1.
        attributes: the number of attributes, at least 1.
        style: dimension of the style w, at least 1.
        features: dimension of the discriminator's last features h, at least 1.

    Returns:
        The figure.

    Raises:
        InputError: if a number is out of range.

    >>> "scales and shifts" in attribute_paths().alternative_text
    True
    """
    canvas = Canvas(
        4.85,
        "How attributes enter the two networks",
        f"In the generator, a small network maps the noise z ({latent} numbers) and the embeddings of "
        f"{attributes} attributes to a style w ({style} numbers). The style gives the first pixels and the "
        "scales and shifts of the channels at each stage, which ends in an image. In the discriminator, the "
        f"layers map the image to {features} features h. Three layers read h: a linear layer ψ and the inner "
        f"product with the embedding of the attributes, whose sum is the logit, and a classifier of the "
        f"{attributes} attributes.",
    )
    canvas.heading(4.25, "Generator: noise and attributes become a style, which modulates each stage")
    noise = canvas.box(0.75, 3.75, "noise z", shape=f"{latent:,}", width=0.9)
    asked = canvas.box(0.75, 2.97, "attributes a", shape=f"{attributes} choices", width=0.9)
    mapping = canvas.box(1.95, 3.36, "mapping", GENERATOR, width=0.8)
    chosen = canvas.box(2.95, 3.36, "style w", shape=f"{style:,}", width=0.72)
    start = canvas.box(3.85, 3.75, "4 × 4", GENERATOR, width=0.5)
    stages = canvas.stack(4.7, 3.75, "stage", GENERATOR, width=0.6)
    sample = canvas.box(5.82, 3.75, "G(z, a)", GENERATED, shape="3×64×64", width=0.66)
    for box, up in ((noise, 0.1), (asked, -0.1)):
        canvas.arrow(box.right(), (1.36, box.y), (1.36, mapping.y + up), mapping.left(up))
    canvas.both_ways(mapping, chosen, backward=False)
    canvas.arrow(chosen.right(0.1), (3.46, chosen.y + 0.1), (3.46, start.y), start.left())
    canvas.arrow(chosen.right(-0.1), (stages.x, chosen.y - 0.1), stages.bottom())
    canvas.text(4.05, 3.03, "scales and shifts (FiLM)")
    canvas.both_ways(start, stages, backward=False)
    canvas.arrow((stages.right()[0] + 0.1, 3.75), sample.left())

    canvas.heading(2.3, "Discriminator: is it real with these attributes, and which attributes are they?")
    given = canvas.box(0.75, 1.85, "attributes a", width=0.9, height=0.4)
    table = canvas.box(1.9, 1.85, "embedding", DISCRIMINATOR, width=0.9, height=0.4)
    product = canvas.box(3.4, 1.85, "⟨e(a), h⟩ / √d", DISCRIMINATOR, width=1.1, height=0.4)
    image = canvas.box(0.75, 1.18, "image x", shape="3×64×64", width=0.9)
    layers = canvas.box(1.9, 1.18, "layers of D", DISCRIMINATOR, width=0.9)
    hidden = canvas.box(3.1, 1.18, "features h", width=0.8)
    linear = canvas.box(4.2, 1.18, "linear ψ", DISCRIMINATOR, width=0.7)
    total = canvas.box(5.05, 1.18, "+", width=0.26, height=0.26)
    logit = canvas.box(5.8, 1.18, "logit", width=0.66)
    classes = canvas.box(4.2, 0.5, "classifier", DISCRIMINATOR, width=0.8, height=0.4)
    read = canvas.box(5.58, 0.5, "attributes read", width=1.1, height=0.4)
    for row in ((given, table, product), (image, layers, hidden, linear, total, logit), (classes, read)):
        for left, right in pairwise(row):
            canvas.both_ways(left, right, backward=False)
    canvas.arrow((3.1, hidden.top()[1]), (3.1, product.bottom()[1]))
    canvas.arrow(product.right(), (total.x, product.y), total.top())
    canvas.arrow(hidden.bottom(), (hidden.x, classes.y), classes.left())
    return canvas.figure


def inversion_and_edit(given: Tensor | None = None, edited: Tensor | None = None) -> Figure:
    """Draw how an image becomes a new one: find its latent, change an attribute, and generate again.

    Args:
        given: the given image (1 or 3, H, W) in [−1, 1]; None draws a box with its name.
        edited: the edited image likewise.

    Returns:
        The figure.

    Raises:
        InputError: if an image has another shape.

    >>> "The weights of G stay" in inversion_and_edit().alternative_text
    True
    """
    for name, image in {"given": given, "edited": edited}.items():
        if image is not None and not (image.dim() == 3 and image.shape[0] in (1, 3)):
            raise InputError(f"{name} must be an image (1 or 3, height, width), not {tuple(image.shape)}")
    canvas = Canvas(
        3.6,
        "From a given face to an edited one",
        "Two steps. To invert a given face, gradient descent moves the latent z so that G makes an image "
        "like the given one with the attributes that were read in it. The weights of G stay. To edit it, one "
        "attribute is changed, and G makes a new image of the same latent.",
    )
    canvas.heading(3.1, "1. Invert: which latent gives this face? The weights of G stay")
    face = _image(canvas, 0.75, 2.5, given, "given face", REAL)
    read = canvas.box(2.0, 2.5, "attributes a", shape="read", width=1.0)
    latent = canvas.box(3.25, 2.5, "latent z", shape="searched", width=0.8, bold=True)
    generator = canvas.box(4.4, 2.5, "G", GENERATOR, width=0.6)
    distance = canvas.box(5.6, 2.5, "distance to\nthe given face", width=1.1)
    canvas.both_ways(face, read, backward=False)
    canvas.both_ways(read, latent, backward=False)
    canvas.both_ways(latent, generator)
    canvas.both_ways(generator, distance)

    canvas.heading(1.65, "2. Edit: change one attribute, keep the latent")
    changed = canvas.box(2.0, 1.05, "new attributes", width=1.0)
    same = canvas.box(3.25, 1.05, "same z", width=0.8)
    again = canvas.box(4.4, 1.05, "G", GENERATOR, width=0.6)
    result = _image(canvas, 5.6, 1.05, edited, "edited face", GENERATED)
    canvas.both_ways(changed, same, backward=False)
    canvas.both_ways(same, again, backward=False)
    canvas.both_ways(again, result, backward=False)
    canvas.legend(0.32)
    return canvas.figure


def _image(canvas: Canvas, x: float, y: float, image: Tensor | None, words: str, colour: str) -> Box:
    if image is None:
        return canvas.box(x, y, words, colour, width=0.9)
    box = canvas.picture(x, y, image, colour, 0.64)
    canvas.below(box, words, colour)
    return box
