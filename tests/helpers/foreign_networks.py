"""Networks of the shapes that public repositories have, written anew and small, each as a game with its data.

A shape is what a training must cope with: how a network is called and what it returns, its layers and their
state, which turn comes first, and what its losses do beside the usual. ``make(name)`` builds one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.games.classical import classical_turns

COUNT = 16
"""Samples of each data set: with a batch of 8, two steps are one pass."""


@dataclass(frozen=True)
class Foreign:
    """A game of a foreign shape, random data for it, and further arguments of ``train``."""

    gan: gt.GAN
    data: Any
    options: Mapping[str, Any] = field(default_factory=dict)


CASES: dict[str, Callable[[], Foreign]] = {}
"""What makes each of them, by name."""


def case(make_case: Callable[[], Foreign]) -> Callable[[], Foreign]:
    CASES[make_case.__name__] = make_case
    return make_case


def make(name: str, seed: int = 0) -> Foreign:
    """The game called ``name``; another seed begins with other weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CASES[name]()


def uniform(*shape: int) -> Tensor:
    """Random data in [−1, 1], the same every time."""
    return torch.rand(COUNT, *shape, generator=torch.Generator().manual_seed(9)) * 2 - 1


def labels(classes: int) -> Tensor:
    return torch.arange(COUNT) % classes


class FromCondition(nn.Module):
    """A translator as games call it: it is given latents and a condition, and translates the condition."""

    def __init__(self, translator: nn.Module) -> None:
        super().__init__()
        self.translator = translator

    def forward(self, latents: Tensor, condition: Tensor) -> Any:
        return self.translator(condition)


def cross_entropy(logits: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def squared(outputs: Tensor, target: float) -> Tensor:
    return (outputs - target).square().mean()


# --- eriklindernoren/PyTorch-GAN ----------------------------------------------------------------------------


class UpsamplingGenerator(nn.Module):
    """A linear layer, a view as small images, and convolutions between upsamplings; 0.8 is batch norm's ε."""

    def __init__(
        self, latent: int = 8, widths: Sequence[int] = (16, 16, 8), channels: int = 1, side: int = 16
    ) -> None:
        super().__init__()
        self.shape = (widths[0], side // 4, side // 4)
        self.enlarge = nn.Sequential(nn.Linear(latent, math.prod(self.shape)))
        blocks: list[nn.Module] = [nn.BatchNorm2d(widths[0])]
        for before, after in pairwise(widths):
            convolution = nn.Conv2d(before, after, 3, padding=1)
            blocks += [nn.Upsample(scale_factor=2), convolution]
            blocks += [nn.BatchNorm2d(after, 0.8), nn.LeakyReLU(0.2, inplace=True)]
        self.blocks = nn.Sequential(*blocks, nn.Conv2d(widths[-1], channels, 3, padding=1), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.blocks(self.enlarge(z).view(len(z), *self.shape))
        return images


class DropoutDiscriminator(nn.Module):
    """Strided convolutions with dropout of whole channels; several heads read the flattened features."""

    def __init__(
        self,
        widths: Sequence[int] = (8, 8, 16),
        channels: int = 1,
        side: int = 16,
        heads: Sequence[int] = (1,),
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for index, (before, after) in enumerate(zip((channels, *widths), widths, strict=False)):
            blocks += [nn.Conv2d(before, after, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
            blocks += [nn.Dropout2d(dropout)] + ([nn.BatchNorm2d(after, 0.8)] if index else [])
        self.blocks = nn.Sequential(*blocks)
        features = widths[-1] * math.ceil(side / 2 ** len(widths)) ** 2
        self.heads = nn.ModuleList(nn.Linear(features, head) for head in heads)

    def forward(self, images: Tensor) -> Any:
        features = self.blocks(images)
        outputs = [head(features.view(features.shape[0], -1)) for head in self.heads]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)


def normal_weights(module: nn.Module) -> None:
    """Initial weights chosen by the names of the classes."""
    name = type(module).__name__
    if name.startswith("Conv"):
        nn.init.normal_(module.weight, 0.0, 0.02)  # type: ignore[arg-type]
    elif name.startswith("BatchNorm"):
        nn.init.normal_(module.weight, 1.0, 0.02)  # type: ignore[arg-type]
        nn.init.zeros_(module.bias)  # type: ignore[arg-type]


@case
def pytorch_gan_dcgan() -> Foreign:
    """The generator's turn comes first."""
    pair = UpsamplingGenerator(), DropoutDiscriminator()
    for network in pair:
        network.apply(normal_weights)
    turns = classical_turns(gt.objectives.non_saturating())[::-1]
    gan = gt.GAN.of(dict(zip(("generator", "discriminator"), pair, strict=True)), turns, latent=8)
    return Foreign(gan, uniform(1, 16, 16), {"optimizer": gt.optim.adam(2e-4, (0.5, 0.999))})


class DenseGenerator(nn.Module):
    def __init__(self, shape: tuple[int, ...], latent: int = 8) -> None:
        super().__init__()
        self.shape = shape
        self.layers = nn.Sequential(
            *(nn.Linear(latent, 12), nn.LeakyReLU(0.2, inplace=True)),
            *(nn.Linear(12, 16), nn.BatchNorm1d(16, 0.8), nn.LeakyReLU(0.2, inplace=True)),
            *(nn.Linear(16, math.prod(shape)), nn.Tanh()),
        )

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.layers(z)
        return images.view(images.shape[0], *self.shape)


class DenseCritic(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(math.prod(shape), 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        validity: Tensor = self.layers(images.view(images.shape[0], -1))
        return validity


@case
def pytorch_gan_wgan_gp() -> Foreign:
    shape = (1, 8, 8)
    pair = DenseGenerator(shape), DenseCritic(shape)
    gan = gt.GAN(*pair, gt.objectives.wasserstein(), latent=8, discriminator_turns=3)
    return Foreign(gan, uniform(*shape))


class CodeGenerator(nn.Module):
    """Called with noise, a one-hot category and continuous codes, or with all of them in one tensor."""

    def __init__(self, parts: tuple[int, int, int]) -> None:
        super().__init__()
        self.parts, self.generator = parts, UpsamplingGenerator(sum(parts))

    def forward(self, noise: Tensor, category: Tensor | None = None, code: Tensor | None = None) -> Tensor:
        inputs = noise if category is None or code is None else torch.cat((noise, category, code), -1)
        images: Tensor = self.generator(inputs)
        return images


def infogan_latents(
    parts: tuple[int, int, int], count: int, rng: torch.Generator, device: torch.device
) -> Tensor:
    noise, categories, codes = parts
    category = torch.randint(categories, (count,), generator=rng, device=device)
    code = torch.rand(count, codes, generator=rng, device=device) * 2 - 1
    normal = torch.randn(count, noise, generator=rng, device=device)
    return torch.cat([normal, F.one_hot(category, categories), code], 1)


@case
def pytorch_gan_infogan() -> Foreign:
    """Three turns, the last of which updates both networks; the discriminator also returns the code."""
    parts = (6, 3, 2)

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": squared(gan.discriminator(gan.generator(*batch.latent.split(parts, 1)))[0], 1)}

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        real, fake = gan.discriminator(batch.real)[0], gan.discriminator(batch.fake.detach())[0]
        return {"total": (squared(real, 1) + squared(fake, 0)) / 2}

    def information_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        _, category, code = batch.latent.split(parts, 1)
        _, category_logits, code_estimate = gan.discriminator(batch.fake)
        category_loss = F.cross_entropy(category_logits, category)
        return {"total": category_loss + 0.1 * F.mse_loss(code_estimate, code), "category": category_loss}

    networks = {"generator": CodeGenerator(parts), "discriminator": DropoutDiscriminator(heads=(1, 3, 2))}
    turns = [
        gt.Turn("generator", generator_loss),
        gt.Turn("discriminator", discriminator_loss),
        gt.Turn("information", information_loss, ("generator", "discriminator")),
    ]
    return Foreign(gt.GAN.of(networks, turns, partial(infogan_latents, parts)), uniform(1, 16, 16))


@case
def pytorch_gan_acgan() -> Foreign:
    """Networks called generator and discriminator; nobody calls the discriminator with the labels."""

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        validity, classes = gan.discriminator(batch.fake)
        return {"total": cross_entropy(validity, 1) + F.cross_entropy(classes, batch.condition)}

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        total = torch.zeros(())
        for images, target in ((batch.real, 1.0), (batch.fake.detach(), 0.0)):
            validity, classes = gan.discriminator(images)
            total = total + cross_entropy(validity, target) + F.cross_entropy(classes, batch.condition)
        return {"total": total / 4}

    class Labelled(UpsamplingGenerator):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(4, 8)

        def forward(self, z: Tensor, classes: Tensor) -> Tensor:
            return super().forward(z * self.embedding(classes))

    networks = {"generator": Labelled(), "discriminator": DropoutDiscriminator(heads=(1, 4))}
    turns = [gt.Turn("generator", generator_loss), gt.Turn("discriminator", discriminator_loss)]
    return Foreign(gt.GAN.of(networks, turns, latent=8), TensorDataset(uniform(1, 16, 16), labels(4)))


class Pool(nn.Module):
    """Earlier generated images, which a discriminator sees again: half of the time an old one is given back
    and the new one kept. It has buffers and no weights."""

    images: Tensor
    filled: Tensor

    def __init__(self, shape: tuple[int, ...], size: int = 4) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        shown = []
        for image in images:
            place = int(torch.randint(len(self.images), ()))
            if self.filled < len(self.images):
                self.images[self.filled] = image
                self.filled += 1
                shown.append(image)
            elif torch.rand(()) > 0.5:
                shown.append(self.images[place].clone())
                self.images[place] = image
            else:
                shown.append(image)
        return torch.stack(shown)


def translator(width: int = 8) -> nn.Module:
    """Reflection padding, instance norm, a residual block, and upsampling."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
            again = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
            self.block = nn.Sequential(*layers, nn.ReLU(inplace=True), *again)

        def forward(self, features: Tensor) -> Tensor:
            changed: Tensor = features + self.block(features)
            return changed

    return nn.Sequential(
        *(nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), nn.InstanceNorm2d(width), nn.ReLU(inplace=True)),
        *(nn.Conv2d(width, width, 3, stride=2, padding=1), nn.InstanceNorm2d(width), Residual()),
        *(nn.Upsample(scale_factor=2), nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()),
    )


def patches(width: int = 8, channels: int = 3) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)),
        *(nn.Conv2d(width, width, 4, 2, 1), nn.InstanceNorm2d(width), nn.LeakyReLU(0.2, inplace=True)),
        *(nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(width, 1, 4, padding=1)),
    )


@case
def pytorch_gan_cyclegan() -> Foreign:
    """Two translators in one turn; the discriminators also see earlier images, from a pool."""

    def translators_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        a, b = batch.condition, batch.real
        to_b, to_a = gan.a_to_b.translator, gan.b_to_a
        fake_b, fake_a = to_b(a), to_a(b)
        identity = (F.l1_loss(to_a(a), a) + F.l1_loss(to_b(b), b)) / 2
        adversarial = (squared(gan.critic_b(fake_b), 1) + squared(gan.critic_a(fake_a), 1)) / 2
        cycle = (F.l1_loss(to_a(fake_b), a) + F.l1_loss(to_b(fake_a), b)) / 2
        total = adversarial + 10 * cycle + 5 * identity
        return {"total": total, "cycle": cycle, "identity": identity}

    def critic_loss(name: str, gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        critic, pool = gan.networks[f"critic_{name}"], gan.networks[f"pool_{name}"]
        with torch.no_grad():
            fake = gan.b_to_a(batch.real) if name == "a" else gan.a_to_b.translator(batch.condition)
        real = batch.condition if name == "a" else batch.real
        return {"total": (squared(critic(real), 1) + squared(critic(pool(fake)), 0)) / 2}

    networks: dict[str, nn.Module] = {"a_to_b": FromCondition(translator()), "b_to_a": translator()}
    networks |= {f"critic_{name}": patches() for name in "ab"}
    networks |= {f"pool_{name}": Pool((3, 8, 8)) for name in "ab"}
    turns = [gt.Turn("translators", translators_loss, ("a_to_b", "b_to_a"))]
    turns += [gt.Turn(f"critic_{name}", partial(critic_loss, name)) for name in "ab"]
    gan = gt.GAN.of(networks, turns, latent=1, averaged=["a_to_b", "b_to_a"], outputs=["a_to_b"])
    return Foreign(gan, TensorDataset(uniform(3, 8, 8), uniform(3, 8, 8).flip(0)))


class Enlarger(nn.Module):
    """Residual blocks with batch norm, a long skip connection, and pixel shuffle."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.begin = nn.Sequential(nn.Conv2d(3, width, 9, padding=4), nn.PReLU())
        block = [nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width, 0.8), nn.PReLU()]
        self.middle = nn.Sequential(*block, nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width, 0.8))
        larger = [nn.Conv2d(width, 4 * width, 3, 1, 1), nn.BatchNorm2d(4 * width), nn.PixelShuffle(2)]
        self.end = nn.Sequential(*larger, nn.PReLU(), nn.Conv2d(width, 3, 9, padding=4), nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        first = self.begin(images)
        large: Tensor = self.end(torch.add(first, self.middle(first)))
        return large


@case
def pytorch_gan_srgan() -> Foreign:
    """A frozen network measures a distance; the condition has another size than the samples."""

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        adversarial = squared(gan.discriminator(batch.fake), 1)
        content = F.l1_loss(gan.features(batch.fake), gan.features(batch.real).detach())
        return {"total": content + 1e-3 * adversarial, "content": content}

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        real, fake = gan.discriminator(batch.real), gan.discriminator(batch.fake.detach())
        return {"total": (squared(real, 1) + squared(fake, 0)) / 2}

    features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2))
    networks = {"generator": FromCondition(Enlarger()), "discriminator": patches()}
    networks |= {"features": features.eval().requires_grad_(False)}
    turns = [gt.Turn("generator", generator_loss), gt.Turn("discriminator", discriminator_loss)]
    data = TensorDataset(uniform(3, 16, 16), F.avg_pool2d(uniform(3, 16, 16), 2))
    return Foreign(gt.GAN.of(networks, turns, latent=1), data)


# --- pytorch/examples ---------------------------------------------------------------------------------------


def image_latents(size: int, count: int, rng: torch.Generator, device: torch.device) -> Tensor:
    return torch.randn(count, size, 1, 1, generator=rng, device=device)


def transposed_generator(latent: int = 10, width: int = 8, channels: int = 3) -> nn.Sequential:
    """Transposed convolutions from latents (N, d, 1, 1) to images (N, C, 16, 16)."""
    layers: list[nn.Module] = [nn.ConvTranspose2d(latent, 2 * width, 4, 1, 0, bias=False)]
    layers += [nn.BatchNorm2d(2 * width), nn.ReLU(True)]
    layers += [nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width)]
    layers += [nn.ReLU(True), nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False), nn.Tanh()]
    return nn.Sequential(*layers)


class SqueezingDiscriminator(nn.Module):
    """Convolutions down to one pixel, which is viewed and squeezed to one logit a sample."""

    def __init__(self, width: int = 8, channels: int = 3) -> None:
        super().__init__()
        self.main = nn.Sequential(
            *(nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)),
            *(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width)),
            *(nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(2 * width, 1, 4, 1, 0, bias=False)),
        )

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.main(images).view(-1, 1).squeeze(1)
        return logits


@case
def pytorch_examples_dcgan() -> Foreign:
    """Latents of shape (d, 1, 1)."""
    pair = transposed_generator(), SqueezingDiscriminator()
    for network in pair:
        network.apply(normal_weights)
    gan = gt.GAN(*pair, gt.objectives.non_saturating(), latent=partial(image_latents, 10))
    return Foreign(gan, uniform(3, 16, 16), {"optimizer": partial(torch.optim.Adam, lr=2e-4)})


# --- kwotsin/mimicry ----------------------------------------------------------------------------------------


class NormalizedConv(nn.Conv2d):
    """Spectral norm by a step of the power iteration, whose buffers are written to in place."""

    u: Tensor
    sigma: Tensor

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.register_buffer("u", torch.randn(1, self.out_channels))
        self.register_buffer("sigma", torch.ones(1))

    def normalized_weight(self) -> Tensor:
        matrix = self.weight.view(self.out_channels, -1)
        with torch.no_grad():
            v = F.normalize(self.u @ matrix)
            u = F.normalize(v @ matrix.T)
        sigma = (u @ matrix @ v.T).squeeze()
        if self.training:
            self._buffers["u"][:] = u  # type: ignore[index]
            self._buffers["sigma"][:] = sigma.detach()  # type: ignore[index]
        return self.weight / sigma

    def forward(self, images: Tensor) -> Tensor:
        weight = self.normalized_weight()
        return F.conv2d(images, weight, self.bias, self.stride, self.padding)


class ClassNorm(nn.Module):
    """Batch norm whose scale and shift are looked up by the class."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(features, affine=False)
        self.scale, self.shift = nn.Embedding(classes, features), nn.Embedding(classes, features)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        scale, shift = self.scale(classes)[..., None, None], self.shift(classes)[..., None, None]
        normalized: Tensor = self.norm(images) * scale + shift
        return normalized


class MimicryGenerator(nn.Module):
    """A residual block with upsampling; without classes its norms are ordinary ones."""

    def __init__(self, classes: int = 0, width: int = 8) -> None:
        super().__init__()
        self.width, self.classes = width, classes
        self.l1 = nn.Linear(8, 16 * width)
        self.norms = nn.ModuleList(
            ClassNorm(width, classes) if classes else nn.BatchNorm2d(width) for _ in range(2)
        )
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.shortcut = nn.Conv2d(width, width, 1)
        self.last = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(True), nn.Conv2d(width, 3, 3, 1, 1), nn.Tanh()
        )

    def normalize(self, index: int, images: Tensor, classes: Tensor | None) -> Tensor:
        normalized: Tensor = self.norms[index](images, *([classes] if self.classes else []))
        return normalized

    def forward(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        start = self.l1(z).view(len(z), self.width, 4, 4)
        features = F.interpolate(torch.relu(self.normalize(0, start, classes)), scale_factor=2)
        features = self.convolutions[0](features)
        features = self.convolutions[1](torch.relu(self.normalize(1, features, classes)))
        images: Tensor = self.last(features + self.shortcut(F.interpolate(start, scale_factor=2)))
        return images


class MimicryDiscriminator(nn.Module):
    """Residual convolutions with spectral norm, summed over the pixels; with classes, a projection."""

    def __init__(self, classes: int = 0, width: int = 8) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            [NormalizedConv(3, width, 3, 1, 1), NormalizedConv(width, width, 3, 1, 1)]
        )
        self.shortcut = NormalizedConv(3, width, 1)
        self.logit = parametrizations.spectral_norm(nn.Linear(width, 1))
        self.classes = parametrizations.spectral_norm(nn.Embedding(classes, width)) if classes else None

    def forward(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        features = self.convolutions[1](torch.relu(self.convolutions[0](images)))
        features = F.avg_pool2d(features + self.shortcut(images), 2)
        pooled = torch.relu(features).sum((2, 3))
        logits: Tensor = self.logit(pooled)
        if self.classes is not None:
            logits = logits + (self.classes(classes) * pooled).sum(1, keepdim=True)
        return logits


@case
def mimicry_sngan() -> Foreign:
    pair = MimicryGenerator(), MimicryDiscriminator()
    return Foreign(
        gt.GAN(*pair, gt.objectives.hinge(), latent=8, discriminator_turns=2),
        uniform(3, 8, 8),
        {"schedule": gt.optim.linear_decay(0)},
    )


@case
def mimicry_cgan_pd() -> Foreign:
    pair = MimicryGenerator(4), MimicryDiscriminator(4)
    data = TensorDataset(uniform(3, 8, 8), labels(4))
    return Foreign(gt.GAN(*pair, gt.objectives.hinge(), latent=8), data)


class Attention(nn.Module):
    """Self-attention over the pixels, added with a weight that begins at 0."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.key, self.query = (spectral_norm(nn.Conv2d(width, width // 4, 1)) for _ in range(2))
        self.value = spectral_norm(nn.Conv2d(width, width, 1))
        self.amount = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        key, query, value = (layer(images).flatten(2) for layer in (self.key, self.query, self.value))
        weights = torch.softmax(query.transpose(1, 2) @ key, -1)  # (N, pixels, pixels)
        attended = (value @ weights.transpose(1, 2)).view(images.shape)
        return images + self.amount * attended


@case
def mimicry_sagan() -> Foreign:
    """The spectral norm of ``torch.nn.utils``, whose weights are results, also in the averaged network."""
    generator = nn.Sequential(
        *(spectral_norm(nn.Linear(8, 8 * 16)), nn.Unflatten(1, (8, 4, 4))),
        *(nn.BatchNorm2d(8), nn.ReLU(), Attention(8), nn.Upsample(scale_factor=2)),
        *(spectral_norm(nn.Conv2d(8, 3, 3, padding=1)), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(spectral_norm(nn.Conv2d(3, 8, 4, 2, 1)), nn.LeakyReLU(0.1), Attention(8)),
        *(nn.Flatten(), spectral_norm(nn.Linear(8 * 16, 1))),
    )
    return Foreign(gt.GAN(generator, discriminator, gt.objectives.hinge(), latent=8), uniform(3, 8, 8))


# --- w86763777/pytorch-gan-collections ----------------------------------------------------------------------


class HingeLoss(nn.Module):
    """One object for both losses: the generator's has no logits of real samples."""

    def forward(self, logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        if real_logits is None:
            return -logits.mean()
        return F.relu(1 - real_logits).mean() + F.relu(1 + logits).mean()


@case
def pytorch_gan_collections() -> Foreign:
    """Real and generated images go through the discriminator in one batch, which is split afterwards."""
    loss = HingeLoss()

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        logits = gan.discriminator(torch.cat([batch.fake.detach(), batch.real]))
        fake_logits, real_logits = torch.split(logits, [len(batch.real)] * 2)
        return {"total": loss(fake_logits, real_logits)}

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": loss(gan.discriminator(batch.fake))}

    discriminator = nn.Sequential(
        *(spectral_norm(nn.Conv2d(3, 8, 3, 1, 1)), nn.LeakyReLU(0.1, inplace=True)),
        *(spectral_norm(nn.Conv2d(8, 8, 4, 2, 1)), nn.LeakyReLU(0.1, inplace=True)),
        *(nn.Flatten(), spectral_norm(nn.Linear(8 * 64, 1))),
    )
    networks = {"generator": UpsamplingGenerator(channels=3), "discriminator": discriminator}
    turns = [
        gt.Turn("discriminator", discriminator_loss, times=2),
        gt.Turn("generator", generator_loss),
    ]
    return Foreign(gt.GAN.of(networks, turns, latent=8), uniform(3, 16, 16))


# --- ajbrock/BigGAN-PyTorch ---------------------------------------------------------------------------------


class LinearlyClassNorm(nn.Module):
    """A batch norm of its own, not torch's; scale and shift are linear in the class vector."""

    mean: Tensor
    variance: Tensor

    def __init__(self, features: int, inputs: int) -> None:
        super().__init__()
        self.scale, self.shift = (nn.Linear(inputs, features, bias=False) for _ in range(2))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("variance", torch.ones(features))

    def forward(self, images: Tensor, vectors: Tensor) -> Tensor:
        scale, shift = 1 + self.scale(vectors)[..., None, None], self.shift(vectors)[..., None, None]
        normalized = F.batch_norm(images, self.mean, self.variance, None, None, self.training, 0.1, 1e-4)
        return normalized * scale + shift


class BigGenerator(nn.Module):
    """One embedding of the classes for all norms, which also get a part of the latent each."""

    def __init__(self, classes: int = 4, width: int = 8, chunk: int = 4, embedding: int = 6) -> None:
        super().__init__()
        self.chunk, self.width = chunk, width
        self.shared = nn.Embedding(classes, embedding)
        self.linear = parametrizations.spectral_norm(nn.Linear(chunk, width * 16))
        self.norms = nn.ModuleList(LinearlyClassNorm(width, chunk + embedding) for _ in range(2))
        self.convolutions = nn.ModuleList(
            parametrizations.spectral_norm(nn.Conv2d(width, width, 3, padding=1)) for _ in range(2)
        )
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, z: Tensor, classes: Tensor) -> Tensor:
        first, *chunks = torch.split(z, self.chunk, 1)
        vectors = [torch.cat([self.shared(classes), chunk], 1) for chunk in chunks]
        features = self.linear(first).view(-1, self.width, 4, 4)
        for index, vector in enumerate(vectors):
            features = F.interpolate(torch.relu(self.norms[index](features, vector)), scale_factor=2)
            features = self.convolutions[index](features)
        return torch.tanh(self.last(torch.relu(features)))


class BigDiscriminator(nn.Module):
    def __init__(self, classes: int = 4, width: int = 8) -> None:
        super().__init__()
        norm = parametrizations.spectral_norm
        self.first, self.second = (norm(nn.Conv2d(inputs, width, 3, 2, 1)) for inputs in (3, width))
        self.linear, self.embedding = norm(nn.Linear(width, 1)), norm(nn.Embedding(classes, width))

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        features = torch.relu(self.second(torch.relu(self.first(images)))).sum((2, 3))
        logits: Tensor = self.linear(features) + (self.embedding(classes) * features).sum(1, keepdim=True)
        return logits


def orthogonal_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
        nn.init.orthogonal_(module.weight)


@case
def biggan() -> Foreign:
    pair = BigGenerator(), BigDiscriminator()
    for network in pair:
        network.apply(orthogonal_weights)
    gan = gt.GAN(*pair, gt.objectives.hinge(), latent=12, discriminator_turns=2)
    return Foreign(gan, TensorDataset(uniform(3, 16, 16), labels(4)))


# --- torchgan -----------------------------------------------------------------------------------------------


class TorchganDiscriminator(nn.Module):
    """Returns its features instead of a logit where it is asked to."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        activation = nn.LeakyReLU(0.2)
        self.model = nn.Sequential(
            nn.Sequential(nn.Conv2d(1, width, 4, 2, 1), activation),
            nn.Sequential(nn.Conv2d(width, width, 4, 2, 1), nn.BatchNorm2d(width), activation),
        )
        self.discriminate = nn.Sequential(nn.Conv2d(width, 1, 4), nn.LeakyReLU(0.2))

    def forward(self, images: Tensor, feature_matching: bool = False) -> Tensor:
        features: Tensor = self.model(images)
        return features if feature_matching else self.discriminate(features).view(-1)


@case
def torchgan() -> Foreign:
    """A loss that matches features, and a gradient penalty with one ε for the whole batch."""

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        matching = F.mse_loss(gan.discriminator(batch.fake, True), gan.discriminator(batch.real, True))
        return {"total": -gan.discriminator(batch.fake).mean() + matching, "matching": matching}

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": gan.discriminator(batch.fake.detach()).mean() - gan.discriminator(batch.real).mean()}

    def gradient_penalty(gan: gt.GAN, batch: gt.Batch) -> Tensor:
        mixed = torch.lerp(batch.real, batch.fake.detach(), torch.rand(1)).requires_grad_()
        (gradient,) = torch.autograd.grad(gan.discriminator(mixed).sum(), mixed, create_graph=True)
        return 10 * (gradient.flatten(1).norm(dim=1) - 1).square().mean()

    networks = {"generator": transposed_generator(channels=1), "discriminator": TorchganDiscriminator()}
    turns = [
        gt.Turn("generator", generator_loss),
        gt.Turn("discriminator", discriminator_loss, penalties={"slope": gt.Penalty(gradient_penalty, 1)}),
    ]
    return Foreign(gt.GAN.of(networks, turns, partial(image_latents, 10)), uniform(1, 16, 16))


# --- brownvc/R3GAN ------------------------------------------------------------------------------------------


class Activated(nn.Module):
    """A bias, then a leaky ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, images: Tensor) -> Tensor:
        return F.leaky_relu(images + self.bias.view(1, -1, 1, 1), 0.2)


class GroupedBlock(nn.Module):
    """x + C₃(a(C₂(a(C₁(x))))) with a grouped 3 × 3 convolution in the middle; no norm. C₃ begins at 0."""

    def __init__(self, width: int, groups: int, expansion: int = 2) -> None:
        super().__init__()
        inner = expansion * width
        self.first = nn.Conv2d(width, inner, 1, bias=False)
        self.second = nn.Conv2d(inner, inner, 3, padding=1, groups=groups, bias=False)
        self.third = nn.Conv2d(inner, width, 1, bias=False)
        self.activations = nn.ModuleList(Activated(inner) for _ in range(2))
        nn.init.zeros_(self.third.weight)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.activations[0](self.first(images))
        changed: Tensor = images + self.third(self.activations[1](self.second(inner)))
        return changed


class Resampled(nn.Module):
    """A 1 × 1 convolution, then twice or half the size by a smooth kernel, which is a buffer."""

    kernel: Tensor

    def __init__(self, before: int, after: int, up: bool) -> None:
        super().__init__()
        self.width, self.up = nn.Conv2d(before, after, 1, bias=False), up
        row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(row, row).repeat(after, 1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        images = self.width(images)
        options: dict[str, Any] = {"stride": 2, "padding": 1, "groups": images.shape[1]}
        if self.up:
            return F.conv_transpose2d(images, 4 * self.kernel, **options)
        return F.conv2d(images, self.kernel, **options)


class R3Generator(nn.Module):
    """A learnt basis of 4 × 4 images, and grouped residual blocks at each size up to 4 · 2^(stages − 1)."""

    def __init__(self, widths: Sequence[int] = (12, 8), latent: int = 8, groups: int = 4) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(widths[0], 4, 4))
        self.linear = nn.Linear(latent, widths[0], bias=False)
        stages: list[nn.Module] = [GroupedBlock(widths[0], groups)]
        for before, after in pairwise(widths):
            stages += [Resampled(before, after, up=True), GroupedBlock(after, groups)]
        self.stages, self.colours = nn.Sequential(*stages), nn.Conv2d(widths[-1], 3, 1, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.colours(self.stages(self.basis * self.linear(z)[..., None, None]))
        return images


class R3Discriminator(nn.Module):
    def __init__(self, widths: Sequence[int] = (8, 12), groups: int = 4) -> None:
        super().__init__()
        stages: list[nn.Module] = [nn.Conv2d(3, widths[0], 1), GroupedBlock(widths[0], groups)]
        for before, after in pairwise(widths):
            stages += [Resampled(before, after, up=False), GroupedBlock(after, groups)]
        self.stages = nn.Sequential(*stages)
        self.basis = nn.Conv2d(widths[-1], widths[-1], 4, groups=widths[-1], bias=False)
        self.linear = nn.Linear(widths[-1], 1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.basis(self.stages(images)).flatten(1)).view(len(images))
        return logits


@case
def r3gan() -> Foreign:
    """Relativistic, with R1 and R2 in every step; the generator's turn comes first."""
    objective = gt.objectives.relativistic(r1=0.5, r2=0.5, every=1)
    networks = {"generator": R3Generator(), "discriminator": R3Discriminator()}
    gan = gt.GAN.of(networks, classical_turns(objective)[::-1], latent=8)
    return Foreign(gan, uniform(3, 8, 8), {"optimizer": gt.optim.adam(1e-3)})


# --- NVlabs/stylegan2-ada-pytorch ---------------------------------------------------------------------------


class ScaledLinear(nn.Module):
    """A linear layer whose weights are scaled when it is called (equalised learning rate)."""

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias, self.rate = nn.Parameter(torch.full([outputs], bias)), rate

    def forward(self, x: Tensor) -> Tensor:
        gain = self.rate / math.sqrt(x.shape[1])
        return torch.addmm(self.bias.to(x.dtype), x, self.weight.to(x.dtype).t() * gain)


class StyleMapping(nn.Module):
    """Latents and labels to styles; its mean style is a buffer that each call in training updates."""

    w_avg: Tensor

    def __init__(self, latent: int, classes: int, styles: int, layers: int) -> None:
        super().__init__()
        self.embed, self.layers = ScaledLinear(classes, latent), layers
        self.fc0, self.fc1 = ScaledLinear(2 * latent, styles, rate=0.01), ScaledLinear(styles, styles)
        self.register_buffer("w_avg", torch.zeros(styles))

    def forward(self, z: Tensor, c: Tensor, truncation_psi: float = 1.0) -> Tensor:
        unit = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        label = self.embed(c)
        x = torch.cat([unit, label * (label.square().mean(1, keepdim=True) + 1e-8).rsqrt()], 1)
        w = F.leaky_relu(self.fc1(F.leaky_relu(self.fc0(x), 0.2)), 0.2)
        if self.training:
            self.w_avg.copy_(w.detach().mean(0).lerp(self.w_avg, 0.995))
        if truncation_psi != 1:
            w = self.w_avg.lerp(w, truncation_psi)
        return w.unsqueeze(1).repeat([1, self.layers, 1])  # (N, layers, styles)


def modulated_convolution(
    x: Tensor, weight: Tensor, styles: Tensor, padding: int, demodulate: bool = True
) -> Tensor:
    """One convolution a sample, computed as a single one with a group for each sample."""
    batch, _, height, width = x.shape
    weights = weight.unsqueeze(0) * styles.reshape(batch, 1, -1, 1, 1)  # (N, out, in, k, k)
    if demodulate:
        norm = (weights.square().sum((2, 3, 4)) + 1e-8).rsqrt()
        weights = weights * norm.reshape(batch, -1, 1, 1, 1)
    grouped = weights.reshape(-1, *weight.shape[1:]).to(x.dtype)
    y = F.conv2d(x.reshape(1, -1, height, width), grouped, padding=padding, groups=batch)
    return y.reshape(batch, -1, height, width)


class StyledLayer(nn.Module):
    """A modulated convolution with noise, which is drawn at every call or is a constant buffer."""

    noise_const: Tensor

    def __init__(self, width: int, styles: int, side: int) -> None:
        super().__init__()
        self.affine = ScaledLinear(styles, width, bias=1.0)
        self.weight = nn.Parameter(torch.randn(width, width, 3, 3))
        self.noise_strength, self.bias = nn.Parameter(torch.ones(()) / 4), nn.Parameter(torch.zeros(width))
        self.register_buffer("noise_const", torch.randn(side, side))

    def forward(self, x: Tensor, w: Tensor, noise_mode: str = "random") -> Tensor:
        noise = self.noise_const
        if noise_mode == "random":
            noise = torch.randn(len(x), 1, *x.shape[2:], device=x.device)
        y = modulated_convolution(x, self.weight, self.affine(w), padding=1)
        y = y.add(noise.to(y.dtype) * self.noise_strength.to(y.dtype))
        return F.leaky_relu(y + self.bias.to(y.dtype).view(1, -1, 1, 1), 0.2).clamp(-256, 256)


class StyleGenerator(nn.Module):
    """Called ``G(z, c)``: mapping and synthesis; the last block computes in 16 bits."""

    pl_mean: Tensor

    def __init__(self, latent: int = 6, classes: int = 3, styles: int = 8, width: int = 8) -> None:
        super().__init__()
        self.mapping = StyleMapping(latent, classes, styles, layers=3)
        self.const = nn.Parameter(torch.randn(width, 4, 4))
        self.conv0, self.conv1 = StyledLayer(width, styles, 4), StyledLayer(width, styles, 8)
        self.to_rgb = nn.Parameter(torch.randn(3, width, 1, 1))
        self.rgb_affine = ScaledLinear(styles, width, bias=1.0)
        self.register_buffer("pl_mean", torch.zeros(()))

    def synthesis(self, ws: Tensor, noise_mode: str = "random") -> Tensor:
        x = self.conv0(self.const.unsqueeze(0).repeat(len(ws), 1, 1, 1), ws[:, 0], noise_mode)
        x = F.interpolate(x, scale_factor=2).to(torch.bfloat16)
        x = self.conv1(x, ws[:, 1], noise_mode)
        image = modulated_convolution(x, self.to_rgb, self.rgb_affine(ws[:, 2]) / 8, 0, demodulate=False)
        return image.to(torch.float32)

    def forward(
        self, z: Tensor, c: Tensor, truncation_psi: float = 1.0, noise_mode: str = "random"
    ) -> Tensor:
        return self.synthesis(self.mapping(z, c, truncation_psi), noise_mode)


class StyleDiscriminator(nn.Module):
    """A first block in 16 bits, the standard deviation of the batch, and a projection on the label."""

    def __init__(self, classes: int = 3, width: int = 8) -> None:
        super().__init__()
        self.from_rgb, self.conv = nn.Conv2d(3, width, 1), nn.Conv2d(width, width, 3, 2, 1)
        self.epilogue, self.label = nn.Conv2d(width + 1, width, 3, padding=1), ScaledLinear(classes, width)
        self.out = ScaledLinear(width * 16, width)

    def forward(self, img: Tensor, c: Tensor) -> Tensor:
        x = img.to(torch.bfloat16)
        for layer in (self.from_rgb, self.conv):
            weight, bias = layer.weight.to(x.dtype), layer.bias.to(x.dtype)  # type: ignore[union-attr]
            x = F.leaky_relu(F.conv2d(x, weight, bias, layer.stride, layer.padding), 0.2)
        x = x.to(torch.float32)
        groups = x.reshape(4, -1, *x.shape[1:])
        deviation = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
        x = torch.cat([x, deviation.reshape(-1, 1, 1, 1).repeat(4, 1, *x.shape[2:])], 1)
        x = self.out(F.leaky_relu(self.epilogue(x), 0.2).flatten(1))
        return (x * self.label(c)).sum(1, keepdim=True) / math.sqrt(x.shape[1])


def path_length(gan: gt.GAN, batch: gt.Batch) -> Tensor:
    """How far the length of the gradient with respect to the styles lies from its mean, kept in a buffer."""
    ws = gan.generator.mapping(batch.latent, batch.condition)
    images = gan.generator.synthesis(ws)
    noise = torch.randn_like(images) / math.sqrt(math.prod(images.shape[2:]))
    (gradient,) = torch.autograd.grad((images * noise).sum(), ws, create_graph=True)
    lengths = gradient.square().sum(2).mean(1).sqrt()
    mean = gan.generator.pl_mean.lerp(lengths.mean(), 0.01)
    gan.generator.pl_mean.copy_(mean.detach())
    return (lengths - mean).square().mean()


@case
def stylegan2_ada() -> Foreign:
    """One-hot labels; path length regularises the generator, R1 the discriminator, each at its own pace."""
    objective = gt.objectives.non_saturating(r1=1.0, every=3)
    critic, generator = classical_turns(objective)
    regularized = gt.Turn("generator", generator.loss, penalties={"path": gt.Penalty(path_length, 2)})
    networks = {"generator": StyleGenerator(), "discriminator": StyleDiscriminator()}
    data = TensorDataset(uniform(3, 8, 8), F.one_hot(labels(3), 3).float())
    return Foreign(gt.GAN.of(networks, [regularized, critic], latent=6), data)


# --- lucidrains/stylegan2-pytorch and lightweight-gan -------------------------------------------------------


class Synthesizer(nn.Module):
    """Styles (N, layers, d) and a noise image to an image."""

    def __init__(self, styles: int = 8, width: int = 8) -> None:
        super().__init__()
        self.initial_block = nn.Parameter(torch.randn(1, width, 4, 4))
        self.to_style = nn.ModuleList(nn.Linear(styles, width) for _ in range(2))
        self.to_noise = nn.ModuleList(nn.Linear(1, width) for _ in range(2))
        self.weights = nn.ParameterList(torch.randn(width, width, 3, 3) / 8 for _ in range(2))
        self.to_rgb = nn.Conv2d(width, 3, 1)

    def forward(self, styles: Tensor, noise: Tensor) -> Tensor:
        x = self.initial_block.expand(len(styles), -1, -1, -1)
        for index, (to_style, to_noise, weight) in enumerate(
            zip(self.to_style, self.to_noise, self.weights, strict=True)
        ):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = modulated_convolution(x, weight, 1 + to_style(styles[:, index]), padding=1)
            cut = noise[:, : x.shape[2], : x.shape[3], :]
            x = F.leaky_relu(x + to_noise(cut).permute(0, 3, 1, 2), 0.2)
        image: Tensor = self.to_rgb(x)
        return image


class StyledSynthesizer(nn.Module):
    """What makes a sample of a latent: the mapping, and the synthesis with noise drawn at every call."""

    def __init__(self, latent: int = 8) -> None:
        super().__init__()
        self.style_vectorizer = nn.Sequential(nn.Linear(latent, 8), nn.LeakyReLU(0.2), nn.Linear(8, 8))
        self.synthesizer = Synthesizer()

    def forward(self, z: Tensor) -> Tensor:
        styles = self.style_vectorizer(F.normalize(z, dim=1))[:, None].expand(-1, 2, -1)
        image: Tensor = self.synthesizer(styles, torch.rand(len(z), 16, 16, 1, device=z.device))
        return image


class QuantizingDiscriminator(nn.Module):
    """Returns logits, and the loss of a quantisation, which is 0 where there is none."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*patches(width)[:5])
        self.to_logit = nn.Linear(width * 16, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        quantize_loss = torch.zeros(1).to(images)
        return self.to_logit(self.blocks(images).flatten(1)).squeeze(), quantize_loss


@case
def lucidrains_stylegan2() -> Foreign:
    """A discriminator that returns (logits, auxiliary loss)."""

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        fake_logits, fake_quantize = gan.discriminator(batch.fake.clone().detach())
        real_logits, real_quantize = gan.discriminator(batch.real)
        hinge = (F.relu(1 + real_logits) + F.relu(1 - fake_logits)).mean()
        return {"total": hinge + (fake_quantize + real_quantize).mean(), "hinge": hinge}

    def slope(gan: gt.GAN, batch: gt.Batch) -> Tensor:
        real = batch.real.detach().requires_grad_()
        logits, _ = gan.discriminator(real)
        (gradient,) = torch.autograd.grad(logits, real, torch.ones_like(logits), create_graph=True)
        return 10 * (gradient.reshape(len(real), -1).norm(2, dim=1) - 1).square().mean()

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": gan.discriminator(batch.fake)[0].mean()}

    networks = {"generator": StyledSynthesizer(), "discriminator": QuantizingDiscriminator()}
    turns = [
        gt.Turn("discriminator", discriminator_loss, penalties={"slope": gt.Penalty(slope, every=4)}),
        gt.Turn("generator", generator_loss),
    ]
    return Foreign(gt.GAN.of(networks, turns, latent=8), uniform(3, 16, 16))


class GatedGenerator(nn.Module):
    """Gated convolutions, and an early layer that scales the channels of a late one (skip excitation)."""

    def __init__(self, latent: int = 8, width: int = 8) -> None:
        super().__init__()
        self.initial = nn.Sequential(nn.ConvTranspose2d(latent, 2 * width, 4), nn.GLU(1))
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Upsample(scale_factor=2),
                nn.Conv2d(width, 2 * width, 3, padding=1),
                *(nn.BatchNorm2d(2 * width), nn.GLU(1)),
            )
            for _ in range(2)
        )
        self.excite = nn.ModuleDict(
            {
                "16": nn.Sequential(
                    *(nn.AdaptiveAvgPool2d(4), nn.Conv2d(width, width, 4), nn.LeakyReLU(0.1)),
                    *(nn.Conv2d(width, width, 1), nn.Sigmoid()),
                )
            }
        )
        self.out = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        early = self.initial(z[:, :, None, None])
        late = self.layers[1](self.layers[0](early)) * self.excite["16"](early)
        image: Tensor = self.out(late)
        return image


class ReconstructingDiscriminator(nn.Module):
    """Logits of the image and of a small version, and, if asked for, how well decoders restore the image."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.blocks = nn.Sequential(nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.1))
        self.to_logits = nn.Sequential(
            nn.Conv2d(width, width, 4, 2, 1), nn.Flatten(), nn.Linear(16 * width, 1)
        )
        self.small = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1), nn.Flatten(), nn.Linear(16 * width, 1))
        up = [nn.Upsample(scale_factor=2), nn.Conv2d(width, 6, 3, padding=1), nn.GLU(1)]
        self.decoder = nn.Sequential(*up, nn.Tanh())
        self.part_decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, x: Tensor, calc_aux_loss: bool = False) -> tuple[Tensor, Tensor, Tensor | None]:
        original, features = x, self.blocks(x)
        logits, small = self.to_logits(features), self.small(F.interpolate(original, size=(8, 8)))
        if not calc_aux_loss:
            return logits.flatten(1), small.flatten(1), None
        place = int(torch.randint(2, ())) * features.shape[-1] // 2
        half = features[..., place : place + features.shape[-1] // 2]
        restored = self.part_decoder(half)
        part = original[..., 2 * place : 2 * place + restored.shape[-1]]
        loss = F.mse_loss(self.decoder(features), original) + F.mse_loss(restored, part)
        return logits.flatten(1), small.flatten(1), loss


@case
def lightweight_gan() -> Foreign:
    """The discriminator also learns to restore the real images, of which it sees a random half."""

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        fake, fake_small, _ = gan.discriminator(batch.fake.detach())
        real, real_small, restored = gan.discriminator(batch.real, calc_aux_loss=True)
        hinge = (F.relu(1 - real) + F.relu(1 + fake)).mean()
        small = (F.relu(1 - real_small) + F.relu(1 + fake_small)).mean()
        return {"total": hinge + small + restored, "restored": restored}

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        logits, small, _ = gan.discriminator(batch.fake)
        return {"total": -logits.mean() - small.mean()}

    networks = {"generator": GatedGenerator(), "discriminator": ReconstructingDiscriminator()}
    turns = [gt.Turn("discriminator", discriminator_loss), gt.Turn("generator", generator_loss)]
    return Foreign(gt.GAN.of(networks, turns, latent=8), uniform(3, 16, 16))


# --- rosinality/stylegan2-pytorch ---------------------------------------------------------------------------


class FiveDimensional(nn.Module):
    """A modulated convolution whose weight is a parameter of shape (1, out, in, k, k)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, width, width, 3, 3))
        self.modulation = nn.Linear(8, width)

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        weight = self.weight / 8 * self.modulation(styles).view(batch, 1, -1, 1, 1)
        merged = x.view(1, -1, height, width)
        out = F.conv2d(merged, weight.view(-1, *weight.shape[2:]), padding=1, groups=batch)
        return out.view(batch, -1, height, width)


@case
def rosinality_stylegan2() -> Foreign:
    """Images, a parameter of five dimensions, and in the discriminator a convolution over three."""

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.input = nn.Parameter(torch.randn(1, 8, 8, 8))
            self.conv, self.rgb = FiveDimensional(8), nn.Conv2d(8, 3, 1)

        def forward(self, z: Tensor) -> Tensor:
            image: Tensor = self.rgb(self.conv(self.input.repeat(len(z), 1, 1, 1), z))
            return image

    class Discriminator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.depth, self.plane = nn.Conv3d(1, 4, 3, padding=1), nn.Conv2d(12, 8, 3, 2, 1)
            self.linear = nn.Linear(8 * 16, 1)

        def forward(self, images: Tensor) -> Tensor:
            deep = F.leaky_relu(self.depth(images.unsqueeze(1)), 0.2).flatten(1, 2)
            logits: Tensor = self.linear(F.leaky_relu(self.plane(deep), 0.2).flatten(1))
            return logits

    gan = gt.GAN(Generator(), Discriminator(), gt.objectives.non_saturating(r1=1.0, every=2), latent=8)
    return Foreign(gan, uniform(3, 8, 8))


# --- chrisdonahue/wavegan, jik876/hifi-gan ------------------------------------------------------------------


class PhaseShuffle(nn.Module):
    """Moves each recording by a few samples, to and fro at random, and reflects it at its ends."""

    def __init__(self, most: int = 2) -> None:
        super().__init__()
        self.most = most

    def forward(self, x: Tensor) -> Tensor:
        moved = []
        for row, shift in zip(x, torch.randint(-self.most, self.most + 1, (len(x),)).tolist(), strict=True):
            kept = row[:, : row.shape[1] - shift] if shift > 0 else row[:, -shift:]
            moved.append(F.pad(kept[None], (max(shift, 0), max(-shift, 0)), mode="reflect"))
        return torch.cat(moved)


@case
def wavegan() -> Foreign:
    """Recordings (N, 1, T)."""
    generator = nn.Sequential(
        *(nn.Linear(8, 8 * 16), nn.Unflatten(1, (8, 16)), nn.ReLU()),
        *(nn.ConvTranspose1d(8, 8, 25, 4, 11, output_padding=1), nn.ReLU()),
        *(nn.ConvTranspose1d(8, 1, 25, 2, 12, output_padding=1), nn.Tanh()),
    )
    critic = nn.Sequential(
        *(nn.Conv1d(1, 8, 25, 4, 11), nn.LeakyReLU(0.2), PhaseShuffle()),
        *(nn.Conv1d(8, 8, 25, 4, 11), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64, 1)),
    )
    gan = gt.GAN(generator, critic, gt.objectives.wasserstein(), latent=8, discriminator_turns=2)
    return Foreign(gan, uniform(1, 128))


class PeriodDiscriminator(nn.Module):
    """Folds a recording into rows of one period each; returns its logits and all its feature maps."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period
        self.layers = nn.ModuleList([weight_norm(nn.Conv2d(1, 8, (5, 1), (3, 1), (2, 0)))])
        self.last = weight_norm(nn.Conv2d(8, 1, (3, 1), 1, (1, 0)))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = F.pad(x, (0, -x.shape[2] % self.period), "reflect")
        x, maps = x.view(x.shape[0], 1, -1, self.period), []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            maps.append(x)
        return torch.flatten(self.last(x), 1, -1), maps


class PeriodDiscriminators(nn.Module):
    """Several discriminators, which return lists."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList(PeriodDiscriminator(period) for period in (2, 3))

    def forward(self, recordings: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        logits, maps = zip(*(member(recordings) for member in self.members), strict=True)
        return list(logits), list(maps)


@case
def hifi_gan() -> Foreign:
    """The weight norm of ``torch.nn.utils`` in the averaged network; feature maps are compared."""

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        logits, fake_maps = gan.discriminator(batch.fake)
        _, real_maps = gan.discriminator(batch.real)
        pairs = [
            (r, f)
            for real, fake in zip(real_maps, fake_maps, strict=True)
            for r, f in zip(real, fake, strict=True)
        ]
        features = torch.stack([(real - fake).abs().mean() for real, fake in pairs]).sum()
        adversarial = torch.stack([squared(each, 1) for each in logits]).sum()
        return {"total": adversarial + 2 * features, "features": features}

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        real, _ = gan.discriminator(batch.real)
        fake, _ = gan.discriminator(batch.fake.detach())
        losses = [squared(r, 1) + squared(f, 0) for r, f in zip(real, fake, strict=True)]
        return {"total": torch.stack(losses).sum()}

    vocoder = nn.Sequential(
        *(weight_norm(nn.Conv1d(5, 8, 7, padding=3)), nn.LeakyReLU(0.1)),
        *(weight_norm(nn.ConvTranspose1d(8, 8, 8, 4, 2)), nn.LeakyReLU(0.1)),
        *(weight_norm(nn.Conv1d(8, 1, 7, padding=3)), nn.Tanh()),
    )
    networks = {"generator": FromCondition(vocoder), "discriminator": PeriodDiscriminators()}
    turns = [gt.Turn("discriminator", discriminator_loss), gt.Turn("generator", generator_loss)]
    data = TensorDataset(uniform(1, 64), uniform(5, 16))
    options = {"optimizer": partial(torch.optim.AdamW, lr=2e-4, betas=(0.8, 0.99))}
    return Foreign(gt.GAN.of(networks, turns, latent=1), data, options)


# --- sdv-dev/CTGAN, jsyoon0823/TimeGAN ----------------------------------------------------------------------


class Widening(nn.Module):
    """A layer that appends its output to its input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fc, self.bn = nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs)

    def forward(self, rows: Tensor) -> Tensor:
        return torch.cat([torch.relu(self.bn(self.fc(rows))), rows], 1)


class RowGenerator(nn.Module):
    """Rows of a table: a number through tanh, and two categories drawn by Gumbel softmax."""

    def __init__(self, latent: int = 6, conditions: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Widening(latent + conditions, 8), Widening(latent + conditions + 8, 8), nn.Linear(25, 6)
        )

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        number, *categories = self.layers(torch.cat([z, condition], 1)).split([1, 2, 3], 1)
        return torch.cat([torch.tanh(number)] + [F.gumbel_softmax(logits, 0.2) for logits in categories], 1)


class PackedRows(nn.Module):
    """Sees two rows at once, with dropout."""

    def __init__(self, inputs: int = 9, pac: int = 2) -> None:
        super().__init__()
        self.width = pac * inputs
        self.layers = nn.Sequential(
            *(nn.Linear(self.width, 8), nn.LeakyReLU(0.2), nn.Dropout(0.5), nn.Linear(8, 1))
        )

    def forward(self, rows: Tensor) -> Tensor:
        validity: Tensor = self.layers(rows.view(-1, self.width))
        return validity


@case
def ctgan() -> Foreign:
    """Tables: rows and their condition go into the discriminator as one tensor, in packs of two."""

    def seen(rows: Tensor, batch: gt.Batch) -> Tensor:
        return torch.cat([rows, batch.condition], 1)

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        real, fake = (gan.discriminator(seen(rows, batch)) for rows in (batch.real, batch.fake.detach()))
        return {"total": fake.mean() - real.mean()}

    def slope(gan: gt.GAN, batch: gt.Batch) -> Tensor:
        real, fake = seen(batch.real, batch), seen(batch.fake.detach(), batch)
        shares = torch.rand(len(real) // 2, 1, 1).repeat(1, 2, real.shape[1]).view(-1, real.shape[1])
        mixed = (shares * real + (1 - shares) * fake).requires_grad_()
        logits = gan.discriminator(mixed)
        (gradient,) = torch.autograd.grad(logits, mixed, torch.ones_like(logits), create_graph=True)
        return 10 * (gradient.view(len(logits), -1).norm(2, dim=1) - 1).square().mean()

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        asked, got = batch.condition.argmax(1), batch.fake[:, 3:]
        category = F.nll_loss((got + 1e-6).log(), asked)
        return {"total": category - gan.discriminator(seen(batch.fake, batch)).mean(), "category": category}

    networks = {"generator": RowGenerator(), "discriminator": PackedRows()}
    turns = [
        gt.Turn("discriminator", discriminator_loss, penalties={"slope": gt.Penalty(slope, every=1)}),
        gt.Turn("generator", generator_loss),
    ]
    data = TensorDataset(uniform(6), F.one_hot(labels(3), 3).float())
    options = {"optimizer": partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.9), weight_decay=1e-6)}
    return Foreign(gt.GAN.of(networks, turns, latent=6), data, options)


class Recurrent(nn.Module):
    """A GRU and a linear layer at every time."""

    def __init__(self, inputs: int, outputs: int, width: int = 8) -> None:
        super().__init__()
        self.rnn, self.fc = nn.GRU(inputs, width, batch_first=True), nn.Linear(width, outputs)

    def forward(self, series: Tensor) -> Tensor:
        outputs: Tensor = torch.sigmoid(self.fc(self.rnn(series)[0]))
        return outputs


@case
def timegan() -> Foreign:
    """Generator and discriminator work on hidden series: neither is ever called as in the classical game."""

    def latents(count: int, rng: torch.Generator, device: torch.device) -> Tensor:
        return torch.rand(count, 6, 3, generator=rng, device=device)

    def embedding_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": F.mse_loss(gan.recovery(gan.embedder(batch.real)), batch.real)}

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        hidden = gan.supervisor(gan.generator(batch.latent))
        real = gan.embedder(batch.real)
        supervised = F.mse_loss(gan.supervisor(real)[:, :-1], real[:, 1:])
        return {"total": cross_entropy(gan.discriminator(hidden), 1) + supervised, "supervised": supervised}

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            real, fake = gan.embedder(batch.real), gan.supervisor(gan.generator(batch.latent))
        return {
            "total": cross_entropy(gan.discriminator(real), 1) + cross_entropy(gan.discriminator(fake), 0)
        }

    class Hidden(Recurrent):
        def forward(self, series: Tensor) -> Tensor:
            logits: Tensor = self.fc(self.rnn(series)[0])
            return logits

    networks: dict[str, nn.Module] = {"embedder": Recurrent(4, 5), "recovery": Hidden(5, 4)}
    networks |= {"generator": Recurrent(3, 5), "supervisor": Recurrent(5, 5), "discriminator": Hidden(5, 1)}
    turns = [
        gt.Turn("embedding", embedding_loss, ("embedder", "recovery")),
        gt.Turn("generator", generator_loss, ("generator", "supervisor"), times=2),
        gt.Turn("discriminator", discriminator_loss),
    ]
    return Foreign(gt.GAN.of(networks, turns, latents), uniform(6, 4))


# --- lazy modules -------------------------------------------------------------------------------------------


@case
def lazy_modules() -> Foreign:
    """Layers that learn their sizes from the first batch."""
    generator = nn.Sequential(
        *(nn.LazyLinear(8 * 16), nn.Unflatten(1, (8, 4, 4)), nn.LazyBatchNorm2d(), nn.ReLU()),
        *(nn.Upsample(scale_factor=2), nn.LazyConv2d(3, 3, padding=1), nn.Tanh()),
    )
    discriminator = nn.Sequential(nn.LazyConv2d(8, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.LazyLinear(1))
    return Foreign(gt.GAN(generator, discriminator, latent=8), uniform(3, 8, 8))
