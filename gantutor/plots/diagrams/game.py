"""Diagrams of a GAN as a whole: its two turns, the way of a label, and the loop around them."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor

from gantutor._checks import check_floats, checked, integer
from gantutor._errors import InputError
from gantutor.plots._checks import sample_shape
from gantutor.plots.diagrams.canvas import LINE, Box, Canvas, ring
from gantutor.plots.style import DISCRIMINATOR, GENERATED, GENERATOR, GRADIENT, NEUTRAL, REAL, Figure


def gan_game(real: Tensor | None = None, generated: Tensor | None = None) -> Figure:
    """Draw the two turns of a GAN: the data's way forward, and the gradient's way back in each.

    D(x) is the logit of x, and σ(D(x)) the probability that x is real.

    Args:
        real: a real image (1 or 3, H, W) in [−1, 1]; None draws points near a circle.
        generated: a generated image likewise; None draws points near a smaller circle.

    Returns:
        The figure.

    Raises:
        InputError: if an image has another shape.

    >>> gan_game().alternative_text[:43]
    'Two turns. In the turn of the discriminator'
    """
    for name, image in {"real": real, "generated": generated}.items():
        if image is not None:
            _check_image(image, name)
    canvas = Canvas(
        4.4,
        "A step of a GAN: two turns",
        "Two turns. In the turn of the discriminator D, real data x and generated samples G(z) pass "
        "through D to its logit and its loss, minus log σ(D(x)) minus log(1 − σ(D(G(z)))); the gradient "
        "flows back to D and changes its weights. In the turn of the generator G, noise z passes through G "
        "and D to the loss, minus log σ(D(G(z))); the gradient flows back through D, whose weights are "
        "fixed, to G. D returns a logit, and its sigmoid σ is the probability that a sample is real.",
    )
    _discriminator_turn(canvas, 2.92, real, generated)
    _generator_turn(canvas, 1.1, generated)
    canvas.legend()
    return canvas.figure


def _discriminator_turn(canvas: Canvas, y: float, real: Tensor | None, generated: Tensor | None) -> None:
    canvas.heading(y + 0.92, "Turn of the discriminator: tell real from generated")
    low, high = y - 0.38, y + 0.38
    noise, generator = canvas.box(0.55, low, "z", width=0.5), canvas.box(1.5, low, "G", GENERATOR)
    canvas.below(noise, "noise")
    canvas.below(generator, "weights fixed")
    samples = _samples(canvas, 2.55, low, generated, GENERATED)
    data = _samples(canvas, 2.55, high, real, REAL)
    canvas.text(2.18, high, "real data x", REAL, ha="right")
    canvas.below(samples, "generated G(z)", GENERATED)
    discriminator, logit, loss = _judgement(canvas, y, "−log σ(D(x)) − log(1 − σ(D(G(z))))", learns=True)
    canvas.both_ways(noise, generator, backward=False)
    canvas.both_ways(generator, samples, backward=False)
    for box, step in ((data, 0.1), (samples, -0.1)):
        middle = box.right()[0] + 0.22
        canvas.arrow(box.right(), (middle, box.y), (middle, y + step), discriminator.left(step))
    canvas.both_ways(discriminator, logit)
    canvas.both_ways(logit, loss)


def _generator_turn(canvas: Canvas, y: float, generated: Tensor | None) -> None:
    canvas.heading(y + 0.68, "Turn of the generator: raise D's logit for generated samples")
    noise, generator = canvas.box(0.55, y, "z", width=0.5), canvas.box(1.5, y, "G", GENERATOR, bold=True)
    canvas.below(noise, "noise")
    canvas.below(generator, "weights change", GRADIENT)
    samples = _samples(canvas, 2.55, y, generated, GENERATED)
    canvas.below(samples, "generated G(z)", GENERATED)
    boxes = [generator, samples, *_judgement(canvas, y, "−log σ(D(G(z)))", learns=False)]
    canvas.both_ways(noise, generator, backward=False)
    for left, right in pairwise(boxes):
        canvas.both_ways(left, right)


def _judgement(canvas: Canvas, y: float, formula: str, learns: bool) -> tuple[Box, Box, Box]:
    """Draw D, its logit and the loss; return their boxes."""
    discriminator = canvas.box(3.75, y, "D", DISCRIMINATOR, bold=learns)
    canvas.below(discriminator, *(("weights change", GRADIENT) if learns else ("weights fixed", NEUTRAL)))
    logit, loss = canvas.box(4.84, y, "logit", width=0.6), canvas.box(5.8, y, "loss", width=0.6)
    canvas.text(6.1, y + 0.38, formula, ha="right")
    return discriminator, logit, loss


def _samples(canvas: Canvas, x: float, y: float, image: Tensor | None, colour: str) -> Box:
    """Draw an image if there is one, and otherwise points: real ones lie near a circle of radius 0.8."""
    if image is not None:
        return canvas.picture(x, y, image, colour)
    points = ring() if colour == REAL else ring(0.55, 0.14, seed=1)
    return canvas.cloud(x, y, points, colour)


def _check_image(image: Tensor, name: str) -> None:
    check_floats(**{name: image})
    if image.dim() != 3 or image.shape[0] not in (1, 3):
        raise InputError(f"{name} must be an image of shape (1 or 3, H, W), not {tuple(image.shape)}")


@checked(latent=integer(1), embedding=integer(1), features=integer(1), shape=sample_shape())
def label_paths(
    latent: int = 64, embedding: int = 16, features: int = 128, shape: tuple[int, ...] = (1, 28, 28)
) -> Figure:
    """Draw how a label enters a generator, by an embedding, and a discriminator, by projection.

    The discriminator's logit is ψ(h) + ⟨e(y), h⟩ / √d (projection discriminator: Miyato & Koyama 2018,
    arXiv:1802.05637; the factor 1/√d is that of ``networks.ConvDiscriminator``).

    Args:
        latent: dimension of z, at least 1.
        embedding: dimension of the generator's embedding of labels, at least 1.
        features: dimension d of the discriminator's last features h, at least 1.
        shape: shape of one sample, one to four numbers.

    Returns:
        The figure.

    Raises:
        InputError: if a number is out of range.

    >>> "concatenated with the noise" in label_paths().alternative_text
    True
    """
    canvas = Canvas(
        4.5,
        "How a label enters the two networks",
        f"In the generator, the embedding of label y ({embedding} numbers) is concatenated with the noise "
        f"z ({latent}), and G maps the {latent + embedding} numbers to a sample. In the discriminator, the "
        f"layers map the sample to {features} features h; a linear layer ψ gives one number, the inner "
        "product of h with the embedding of the label another, and the logit is their sum.",
    )
    written = "×".join(map(str, shape))
    canvas.heading(3.9, "Generator: concatenate the embedding with z")
    noise = canvas.box(2.1, 3.5, "noise z", shape=f"{latent:,}", width=1.0)
    label = canvas.box(0.75, 2.72, "label y", shape="class number", width=0.9)
    embedded = canvas.box(2.1, 2.72, "embedding", GENERATOR, shape=f"{embedding:,}", width=1.0)
    joined = canvas.box(3.45, 3.11, "concatenate", shape=f"{latent + embedding:,}", width=1.0)
    generator = canvas.box(4.6, 3.11, "G", GENERATOR, width=0.7)
    sample = canvas.box(5.7, 3.11, "G(z, y)", GENERATED, shape=written)
    canvas.both_ways(label, embedded, backward=False)
    for box, up in ((noise, 0.1), (embedded, -0.1)):
        canvas.arrow(box.right(), (2.77, box.y), (2.77, joined.y + up), joined.left(up))
    canvas.both_ways(joined, generator, backward=False)
    canvas.both_ways(generator, sample, backward=False)

    canvas.heading(2.0, "Discriminator: project the features on the embedding")
    image = canvas.box(0.75, 1.55, "sample x", shape=written, width=0.9)
    layers = canvas.box(2.0, 1.55, "layers of D", DISCRIMINATOR, width=0.9)
    hidden = canvas.box(3.2, 1.55, "features h", width=0.8)
    canvas.text(3.28, 1.55 - 0.23 - LINE, f"{features:,}", NEUTRAL, va="baseline", ha="left")
    linear = canvas.box(4.28, 1.55, "linear ψ", DISCRIMINATOR, width=0.7, shape="1")
    total = canvas.box(5.07, 1.55, "+", width=0.26, height=0.26)
    logit = canvas.box(5.8, 1.55, "logit", width=0.6, shape="1")
    label = canvas.box(0.75, 0.66, "label y", shape="class number", width=0.9)
    embedded = canvas.box(2.0, 0.66, "embedding", DISCRIMINATOR, shape=f"{features:,}", width=0.9)
    product = canvas.box(3.31, 0.66, "⟨e(y), h⟩ / √d", DISCRIMINATOR, width=1.1, shape="1")
    for left, right in pairwise((image, layers, hidden, linear, total, logit)):
        canvas.both_ways(left, right, backward=False)
    for left, right in pairwise((label, embedded, product)):
        canvas.both_ways(left, right, backward=False)
    canvas.arrow((3.1, hidden.bottom()[1]), (3.1, product.top()[1]))
    canvas.arrow(product.right(), (total.x, product.y), total.bottom())
    return canvas.figure


@checked(every=integer(1))
def training_loop(every: int = 100) -> Figure:
    """Draw the loop of a training: a batch, D's turn, G's turn, the average, and now and then a snapshot.

    Args:
        every: the number of steps from one snapshot and score to the next, at least 1.

    Returns:
        The figure.

    Raises:
        InputError: if ``every`` is not a whole number of at least 1.

    >>> "every 250 steps" in training_loop(every=250).alternative_text
    True
    """
    canvas = Canvas(
        3.1,
        "The training loop",
        "Each step draws a batch of real data x and noise z, takes the discriminator's turn, then the "
        "generator's turn, and updates the exponential moving average of G's weights. Then the next step "
        f"begins. Once every {every:,} steps the averaged generator makes a snapshot from fixed noise and is "
        "scored on real data that were held out.",
    )
    y = 1.95
    batch = canvas.stack(0.85, y, "batch", REAL, width=1.0)
    judge = canvas.box(2.4, y, "D's turn", DISCRIMINATOR, width=1.0)
    maker = canvas.box(3.9, y, "G's turn", GENERATOR, width=1.0)
    mean = canvas.box(5.45, y, "average (EMA)", GENERATOR, width=1.2)
    for box, words in ((batch, "real x, noise z"), (judge, "one step of D"), (maker, "one step of G")):
        canvas.below(box, words)
    canvas.arrow((batch.right()[0] + 0.1, y), judge.left())
    canvas.arrow(judge.right(), maker.left())
    canvas.arrow(maker.right(), mean.left())
    canvas.arrow(mean.top(), (mean.x, y + 0.6), (batch.x, y + 0.6), (batch.x, batch.top()[1] + 0.1))
    canvas.text(3.15, y + 0.44, "next step")
    snapshot = canvas.box(3.9, 0.72, "snapshot", GENERATED, width=1.0, shape="samples from fixed z")
    score = canvas.box(5.45, 0.72, "score", NEUTRAL, width=1.0, shape="against held-out data")
    canvas.arrow(mean.bottom(0.06), score.top(0.06))
    canvas.arrow(mean.bottom(-0.06), (mean.x - 0.06, 1.3), (snapshot.x, 1.3), snapshot.top())
    canvas.text(3.3, 0.72, f"every {every:,} steps", ha="right")
    return canvas.figure
