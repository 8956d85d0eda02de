"""Networks that translate: shapes, what each part of the condition does, where the gradient goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.networks.type_translation import FiLMBlock, PatchDiscriminator, TypeTranslator

FACES = torch.arange(4) % 3
LATENT = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))


def pictures(seed: int = 0) -> Tensor:
    return torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def small(**given: Any) -> TypeTranslator:
    torch.manual_seed(0)
    return TypeTranslator(**({"typefaces": 3, "latent": 5, "channels": 4, "features": 8} | given)).eval()


# --- the translator -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_become_images(channels: int) -> None:
    made = small(channels=channels)(LATENT, (pictures(), FACES))
    assert made.shape == (4, 1, 28, 28) and float(made.detach().abs().max()) <= 1


def test_each_part_of_the_condition_and_the_latent_change_the_image() -> None:
    network, written = small(), pictures()
    made = network(LATENT, (written, FACES))
    for other in (
        network(LATENT + 1, (written, FACES)),
        network(LATENT, (pictures(9), FACES)),
        network(LATENT, (written, (FACES + 1) % 3)),
    ):
        apart = (other - made).abs().flatten(1).amax(1)
        assert bool((apart > 1e-4).all())


def test_an_image_depends_on_its_own_row_alone() -> None:
    network, written = small(), pictures()
    alone = network(LATENT[2:3], (written[2:3], FACES[2:3]))
    torch.testing.assert_close(alone, network(LATENT, (written, FACES))[2:3])


def test_every_pixel_may_look_at_every_other() -> None:
    written = pictures().requires_grad_(True)
    small(channels=16, features=64)(LATENT, (written, FACES))[0, 0, 2, 2].backward()
    assert written.grad is not None and float((written.grad[0] != 0).float().mean()) > 0.95
    assert float(written.grad[1:].abs().sum()) == 0


def test_the_finest_stage_keeps_what_the_middle_loses() -> None:
    """Without the way through the middle the image still passes: the stages are joined."""
    network, written = small(), pictures().requires_grad_(True)
    nn.init.zeros_(network.write.weight)
    network(LATENT, (written, FACES)).sum().backward()
    assert written.grad is not None and float(written.grad.abs().sum()) > 0


def test_all_weights_receive_a_gradient() -> None:
    network = small().train()
    network(LATENT, (pictures(), FACES)).square().sum().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None and bool(weight.grad.abs().sum() > 0), name


def test_without_a_latent_and_without_typefaces_it_is_plain() -> None:
    network, written = small(latent=0, typefaces=0), pictures()
    assert torch.equal(network(None, written), network(LATENT, written))
    assert not any(isinstance(module, nn.Embedding) for module in network.modules())
    assert all(module.film is None for module in network.modules() if isinstance(module, FiLMBlock))
    assert not torch.equal(network(None, written), network(None, pictures(9)))


def test_the_style_scales_and_shifts() -> None:
    block, x, style = FiLMBlock(2, 3, style=4).eval(), torch.randn(5, 2, 7, 7), torch.randn(5, 4)
    assert block.film is not None
    scale, shift = block.film(style).view(5, 2, 3, 1, 1).unbind(1)
    expected = torch.relu((1 + scale) * block.norm(block.convolution(x)) + shift)
    torch.testing.assert_close(block(x, style), expected)


# --- the discriminator --------------------------------------------------------------------------------------


def judge(**given: Any) -> PatchDiscriminator:
    torch.manual_seed(0)
    return PatchDiscriminator(**({"channels": 4} | given))


def test_it_sees_both_pictures_and_the_typeface() -> None:
    network, made, written = judge(typefaces=3, pairs=True), pictures(), pictures(9)
    logits = network(made, (written, FACES))
    assert logits.shape == (4, 7, 7)
    for other in (
        network(pictures(5), (written, FACES)),
        network(made, (pictures(5), FACES)),
        network(made, (written, (FACES + 1) % 3)),
    ):
        assert bool(((other - logits).abs().flatten(1).amax(1) > 1e-5).all())


def test_a_group_is_seen_together() -> None:
    alone, together, one = judge(), judge(group=4), pictures()
    others = torch.cat([one[:1], pictures(9)[1:]])
    assert torch.equal(alone(one)[0], alone(others)[0])
    assert not torch.allclose(together(one)[0], together(others)[0], atol=1e-6)


def test_the_typeface_is_an_inner_product_over_root_d() -> None:
    network, made = judge(typefaces=3), pictures()
    assert network.typeface is not None
    features = network.body(made)
    projection = torch.einsum("nd,ndhw->nhw", network.typeface.weight[FACES], features) / 12**0.5
    torch.testing.assert_close(network(made, FACES), network.head(features)[:, 0] + projection)


def test_a_logit_is_of_a_patch_of_26_pixels() -> None:
    network = judge(channels=8)
    for weight in network.parameters():  # no unit is switched off
        nn.init.constant_(weight, 0.1)
    image = torch.rand(1, 1, 28, 28, requires_grad=True)
    network(image)[0, 3, 3].backward()
    assert image.grad is not None
    seen = image.grad[0, 0].nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [26, 26]


def test_r1_reaches_the_weights() -> None:
    network, written = judge(typefaces=3, pairs=True), pictures(9)
    real = pictures()
    gt.objectives.r1_penalty(1.0)(lambda x: network(x, (written, FACES)), real, real).backward()
    for name, weight in network.named_parameters():
        if name.endswith("weight"):
            assert weight.grad is not None and bool(weight.grad.abs().sum() > 0), name


def test_typefaces_of_one_trait_share_its_code() -> None:
    traits = torch.tensor([[1.0, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1]])  # two families, plain and bold
    codes = gt.networks.TypefaceEmbedding(traits, 6)
    plain, bold, other, other_bold = codes(torch.arange(4))
    assert torch.allclose(bold - plain, other_bold - other, atol=1e-6)
    codes(torch.tensor([1])).sum().backward()
    assert codes.trait.weight.grad.abs().sum(1).gt(0).tolist() == [True, False, True]
    network = small(typefaces=traits)
    assert network(LATENT, (pictures(), FACES)).shape == (4, 1, 28, 28)
    assert not any("traits" in name for name in network.state_dict())


# --- bad input ----------------------------------------------------------------------------------------------

BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: TypeTranslator(typefaces=-1), "typefaces must be a whole number of at least 0, not -1"),
    (lambda: TypeTranslator(torch.ones(3)), r"or their traits of shape \(typefaces, traits\)"),
    (lambda: gt.networks.TypefaceEmbedding(8, 16), "or their traits of shape"),  # type: ignore[arg-type]
    (lambda: TypeTranslator(channels=0), "channels must be a whole number of at least 1"),
    (lambda: TypeTranslator(latent=2.0), "latent must be a whole number"),  # type: ignore[arg-type]
    (lambda: PatchDiscriminator(channels=0), "channels must be a whole number of at least 1"),
    (lambda: small()(LATENT, pictures()), r"needs the condition \(images, typefaces\)"),
    (lambda: small(typefaces=0)(LATENT, (pictures(), FACES)), "as its condition, and no typefaces"),
    (lambda: small()(None, (pictures(), FACES)), r"the latent must have shape \(4, 5\), but is None"),
    (lambda: small()(LATENT[:, :3], (pictures(), FACES)), r"\(4, 5\), but is of shape \(4, 3\)"),
    (lambda: PatchDiscriminator(group=-1), "group must be a whole number of at least 0"),
    (lambda: PatchDiscriminator(pairs=8), "pairs must be True or False, not 8"),  # type: ignore[arg-type]
    (lambda: judge(typefaces=3)(pictures()), "needs a label for every sample"),
    (lambda: judge(pairs=True)(pictures()), "as its condition"),
    (lambda: judge(pairs=True, typefaces=2)(pictures(), pictures()), r"needs the condition \(images, typef"),
]


@pytest.mark.parametrize(("make", "says"), BAD)
def test_bad_input(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)
