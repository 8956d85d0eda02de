"""How often do the failures of the notebooks fail, and their cures cure? Ten seeds each, committed.

    python benchmarks/failures.py ring_collapse       # one of them
    python benchmarks/failures.py                     # all

The recipe of each is read from the notebook that shows it, and written beside the results; a test fails where
the two differ. The results go to ``gantutor/results`` after each seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from recipe import Recipe, complete, dict_in, values
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.games.video import video_gan

SEEDS = 10
Row = dict[str, dict[str, float]]


def recipe_in(notebook: str) -> Recipe:
    """The dict called ``recipe`` in a notebook."""
    return dict_in(notebook, "recipe")


def trained(
    gan: gt.GAN,
    data: Any,
    recipe: Recipe,
    seed: int,
    betas: tuple[float, float] = (0.0, 0.99),
    **options: Any,
) -> gt.Run:
    """Train with the steps, batches and learning rate of the recipe, and ``options`` of ``train``."""
    return gt.train(
        gan,
        data,
        steps=recipe["steps"],
        batch_size=recipe["batch_size"],
        seed=seed,
        device="cpu",
        optimizer=gt.optim.adam(recipe["learning_rate"], betas),
        precision=recipe.get("precision", "float32"),
        snapshots=0,
        progress=False,
        **options,
    )


def ring_collapse(recipe: Recipe, seed: int) -> Row:
    """Notebook 01: eight Gaussians in each of its settings; scores of the current and the averaged generator.

    The current generator is the one with the weights of the last step, which the doctor examines.
    """
    ring = gt.data.toy.ring(recipe["count"], sigma=recipe["sigma"])
    data, row = ring.dataset(100_000).train, dict[str, dict[str, float]]()
    latents = torch.randn(2500, recipe["latent"], generator=torch.Generator().manual_seed(seed))
    for name, setting in recipe["settings"].items():
        torch.manual_seed(seed)
        options = dict(setting)
        loss, beta1 = getattr(gt.objectives, options.pop("loss")), options.pop("beta1")
        generator = gt.networks.MLPGenerator(recipe["latent"], (2,), recipe["width"], recipe["depth"])
        discriminator = gt.networks.MLPDiscriminator((2,), recipe["width"], recipe["depth"])
        gan = gt.GAN(generator, discriminator, loss(**options), latent=recipe["latent"])
        schedule = gt.optim.linear_decay(recipe["decay"])
        run = trained(gan, data, recipe, seed, betas=(beta1, recipe["beta2"]), schedule=schedule)
        with torch.no_grad():
            current = generator(latents)
        row[name] = values(gt.metrics.mode_scores(current, ring))
        row[f"{name}, averaged"] = values(gt.metrics.mode_scores(run.generate(latents), ring))
    return row


def fully_connected_collapse(recipe: Recipe, seed: int) -> Row:
    """Notebook 02: two layers of 100 on digits, with and without momentum, with and without R1."""
    digits, row = gt.data.digits().without_labels(), {}
    for name, (beta1, r1) in recipe["settings"].items():
        torch.manual_seed(seed)
        shape = (1, 28, 28)
        generator = gt.networks.MLPGenerator(recipe["latent"], shape, recipe["width"], output=torch.nn.Tanh)
        discriminator = gt.networks.MLPDiscriminator(shape, recipe["width"])
        objective = gt.objectives.non_saturating(r1=r1)
        gan = gt.GAN(generator, discriminator, objective, latent=recipe["latent"])
        run = trained(gan, digits.train, recipe, seed, betas=(beta1, recipe["beta2"]))
        row[name] = values(run.scores(digits.held_out))
    return row


class Blind(torch.nn.Module):
    """A discriminator that is given the label and does not look at it."""

    def __init__(self) -> None:
        super().__init__()
        self.network = gt.networks.ConvDiscriminator()

    def forward(self, images: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(images)
        return logits


def labels_ignored(recipe: Recipe, seed: int) -> Row:
    """Notebook 03: a discriminator that does not look at the labels, and one that does."""
    digits, row = gt.data.digits(), {}
    for setting, make in (("broken", Blind), ("cured", lambda: gt.networks.ConvDiscriminator(classes=10))):
        torch.manual_seed(seed)
        networks = gt.networks.ConvGenerator(classes=10), make()
        gan = gt.GAN(*networks, gt.objectives.non_saturating(r1=recipe["r1"]))
        run = trained(gan, digits.train, recipe, seed)
        row[setting] = values(run.scores(digits.held_out))
    return row


def sound_rushed(recipe: Recipe, seed: int) -> Row:
    """Notebook 05: spoken digits, with a learning rate that is too high and with its own; the spectrograms
    are read as they are."""
    speech, row = gt.data.spoken_digits(), {}
    (waves, labels), (held, heard) = speech.train.tensors, speech.held_out.tensors
    pictures = torch.cat([gt.data.spectrogram(gt.data.normalize_peak(part)) for part in waves.split(200)])
    real, others = gt.metrics.classify_spoken_digits(held), gt.metrics.classify_spoken_digits(waves)
    for setting in ("broken", "cured"):
        torch.manual_seed(seed)
        networks = (
            gt.networks.SpectrogramGenerator(classes=10),
            gt.networks.SpectrogramDiscriminator(classes=10),
        )
        gan = gt.GAN(*networks, gt.objectives.non_saturating(r1=recipe["r1"]))
        rate = recipe | {"learning_rate": recipe[setting]}
        run = trained(gan, TensorDataset(pictures, labels), rate, seed)
        made = gt.metrics.classify_spoken_digits(run.sample(len(held), condition=heard))
        row[setting] = values(gt.metrics.audio_scores(made, real, others, heard, heard))
    return row


def sequence_discriminators(recipe: Recipe, seed: int) -> Row:
    """Notebook 04: sines, against a convolutional and a recurrent discriminator that are shown differences
    too, and against a convolutional one that is not."""
    sines, nets, row = gt.data.sines(), gt.networks, {}
    real, held_out = sines.train.tensors[0], sines.held_out.tensors[0]
    judge = gt.metrics.strong_classifier_test(recipe["judge_steps"])

    def convolutional(features: int) -> torch.nn.Module:
        return nets.SequenceConvDiscriminator(features, length=24)

    for name, order, discriminator in (
        ("convolutional", 2, convolutional),
        ("recurrent", 2, nets.GRUDiscriminator),
        ("series alone", 0, convolutional),
    ):
        shown = nets.FiniteDifferences(real, order)
        torch.manual_seed(seed)
        writer = nets.GRUGenerator(16, shown.features, shown.length)
        generator = torch.nn.Sequential(writer, nets.CumulativeSum(shown))
        objective = gt.objectives.non_saturating(r1=recipe["r1"])
        gan = gt.GAN(generator, discriminator(shown.features * (order + 1)), objective, latent=16)
        schedule = gt.optim.linear_decay(0.5)
        options = {"ema_half_life": recipe["ema_half_life"], "schedule": schedule}
        made = shown.series(trained(gan, shown(real), recipe, seed, **options).sample(recipe["series"]))
        strong = gt.metrics.two_sample_error(held_out[: len(made)], made, judge, seed)
        row[name] = {"strong": round(strong, 5), **values(gt.metrics.sine_scores(made[:2000]))}
    return row


def clips_one_judge(recipe: Recipe, seed: int) -> Row:
    """Notebook 08: clips that are drawn, against the discriminator of frames alone and against both: how far
    the ink goes after the second frame, as a share of the real way, and what else the notebook scores."""
    clips, nets, row = gt.data.moving_digits(seed=seed), gt.networks, {}
    (held, first), labels = clips.held_out.tensors, clips.held_out_labels
    images = gt.data.digits().held_out.tensors[0][::100]
    real = gt.data.sample_futures(images, 8, seed=seed)

    def way(some: torch.Tensor) -> float:
        return float(gt.metrics.measure_motion(some[:, 1:]).shift.diff(dim=1).norm(dim=2).mean())

    for setting, both in (("broken", False), ("cured", True)):
        torch.manual_seed(seed)
        generator, judge = nets.DecoderVideoGenerator(latent=recipe["latent"]), nets.FrameDiscriminator()
        other = nets.ClipDiscriminator() if both else None
        game = video_gan(generator, judge, other, recipe["latent"], clip_r1=recipe["clip_r1"])
        run = trained(game, clips.train, recipe, seed, gallery=1)
        made = run.sample(250, first[::4], seed=seed)
        many = run.sample(80, real[:, :, 0].flatten(0, 1), seed=seed + 1).view_as(real)
        scores = gt.metrics.motion_scores(made, first[::4], labels[::4], held, labels, (many, real))
        row[setting] = {"way": round(way(made) / way(held), 5), **values(scores)}
    return row


def codes_agree(recipe: Recipe, seed: int) -> Row:
    """Notebook 07: handwriting into type without pairs, codes that shall be equal, and codes that shall tell
    of each other."""
    face = gt.data.typefaces()[recipe["face"]]
    streams = gt.data.unpaired_handwriting("digits", [face], copies=1, shift=0.0, scale=0.0, seed=seed)
    hand, labels = streams.held_out.tensors[1], streams.labels
    case, row = gt.networks.unique_glyphs(streams.train.tensors[0]), {}
    reader = gt.metrics.train_type_classifier(streams.typefaces)
    real = gt.data.typeset(streams.typefaces, shift=0.0, scale=0.0).held_out

    def agreement(gan: gt.GAN, batch: gt.Batch) -> dict[str, torch.Tensor]:
        losses = gt.games.discrete_code_loss(0.0, 0.5, gt.data.elastic_distortion, gan, batch)
        bent = torch.cat([gt.data.elastic_distortion(batch.condition) for _ in range(2)])
        one, other = gan.networks["generator"].encode(bent).chunk(2)  # type: ignore[operator]
        return losses | {"total": losses["total"] + recipe["weight"] * (one - other).abs().sum(1).mean()}

    for setting in ("broken", "cured"):
        torch.manual_seed(seed)
        network = gt.networks.DiscreteCodeTranslator(case)
        game = gt.GAN.of({"generator": network}, [gt.Turn("generator", agreement)], latent=1)
        if setting == "cured":
            game = gt.games.discrete_code(network)
        run = trained(game, streams.train, recipe, seed, betas=(recipe["beta1"], 0.99))
        made = run.generate(torch.zeros(len(hand), 1), hand)
        row[setting] = values(gt.metrics.type_scores(made, labels, torch.zeros_like(labels), reader, real))
    return row


FAILURES: dict[str, tuple[str, Callable[[Recipe, int], Row]]] = {
    "ring_collapse": ("01_concepts", ring_collapse),
    "fully_connected_collapse": ("02_fully_connected_gan", fully_connected_collapse),
    "labels_ignored": ("03_cnn_image_gan", labels_ignored),
    "sequence_discriminators": ("04_rnn_sequence_gan", sequence_discriminators),
    "sound_rushed": ("05_audio_gan", sound_rushed),
    "codes_agree": ("07_handwriting_to_type", codes_agree),
    "clips_one_judge": ("08_image_to_video", clips_one_judge),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(FAILURES)}; all if left out")
    chosen = parser.parse_args().names or list(FAILURES)
    if unknown := set(chosen) - set(FAILURES):
        parser.error(f"no failure is called {sorted(unknown)[0]!r}; there are {', '.join(FAILURES)}")
    for name in chosen:
        notebook, play = FAILURES[name]
        recipe = recipe_in(notebook)
        complete(name, recipe, partial(play, recipe), SEEDS)


if __name__ == "__main__":
    main()
