"""The game of lines: each term does what its weight says, and any width can be translated."""

from __future__ import annotations

import pytest
import torch

import gantutor as gt
from gantutor.games.line_translation import coarse_distance


def data(count: int = 16) -> torch.utils.data.TensorDataset:
    return gt.data.handwritten_lines(["caveat", "zeyada"], count).writing()


def game(**options: object) -> gt.GAN:
    torch.manual_seed(0)
    return gt.games.line_game(gt.networks.LineTranslator(2, channels=4), **options)  # type: ignore[arg-type]


def test_without_a_discriminator_there_is_one_turn_and_with_one_there_are_two() -> None:
    assert [turn.name for turn in game().turns] == ["generator"]
    both = game(discriminator=gt.networks.LineDiscriminator(2, channels=4))
    assert [turn.name for turn in both.turns] == ["discriminator", "generator"]


def test_the_total_is_the_weighted_sum_of_the_terms() -> None:
    weights = {"distance": 5.0, "reading": 0.5, "variety": 2.0}
    judge = gt.networks.LineDiscriminator(2, channels=4)
    full = game(discriminator=judge, reader=gt.metrics.text_reader(), **weights)
    run = gt.train(full, data(), steps=2, batch_size=8, device="cpu", snapshots=0, progress=False)
    terms = {
        name: run.history.column(f"generator.{name}")[1]
        for name in ("distance", "reader", "variety", "adversarial")
    }
    total = run.history.column("generator")[1]
    for step in range(2):
        parts = (
            5 * terms["distance"][step] + 0.5 * terms["reader"][step] - 2 * terms["variety"][step]
            + terms["adversarial"][step]
        )  # fmt: skip
        assert total[step] == pytest.approx(parts, rel=1e-4)


def test_the_frozen_reader_does_not_change() -> None:
    reader = gt.metrics.text_reader()
    before = [weight.clone() for weight in reader.parameters()]
    gt.train(game(reader=reader), data(), steps=2, batch_size=8, device="cpu", snapshots=0, progress=False)
    assert all(torch.equal(one, other) for one, other in zip(before, reader.parameters(), strict=True))


def test_fine_noise_hardly_counts_as_distance() -> None:
    lines = torch.zeros(1, 1, 32, 64)
    checks = ((torch.arange(32)[:, None] + torch.arange(64)) % 2 * 2.0 - 1).view(1, 1, 32, 64)
    assert coarse_distance(lines, lines + checks).abs() < 1e-6
    assert coarse_distance(lines, lines + 1) == 1


@pytest.mark.parametrize("width", [128, 256, 8])
def test_any_width_of_eights_can_be_translated(width: int) -> None:
    network = gt.networks.LineTranslator(2, channels=4).eval()
    lines = torch.zeros(2, 1, 32, width)
    assert network(torch.zeros(2, 16), (lines, torch.tensor([0, 1]))).shape == lines.shape
    judge = gt.networks.LineDiscriminator(2, channels=4)
    assert judge(lines, (lines, torch.tensor([0, 1]))).shape == (2, 4, width // 8)


def test_writer_and_latent_change_the_line() -> None:
    network = gt.networks.LineTranslator(2, channels=4).eval()
    lines = gt.data.typeset_lines(["ink"], gt.data.line_typefaces()[:1], [1.0])
    one = network(torch.zeros(1, 16), (lines, torch.tensor([0])))
    assert not torch.equal(one, network(torch.zeros(1, 16), (lines, torch.tensor([1]))))
    assert not torch.equal(one, network(torch.ones(1, 16), (lines, torch.tensor([0]))))


@pytest.mark.parametrize(
    "condition", [None, torch.zeros(2, 1, 32, 8), (torch.zeros(2, 1, 28, 8), torch.zeros(2))]
)
def test_another_condition_is_refused(condition: object) -> None:
    with pytest.raises(gt.InputError, match="condition must be"):
        gt.networks.LineTranslator(2)(torch.zeros(2, 16), condition)
