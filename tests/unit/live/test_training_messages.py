"""What a dashboard tells the page: samples as bytes, short curves, logits, scores; and what it costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pages import Display
from torch import Tensor

import gantutor as gt
from gantutor.live import Scoring, training_messages
from gantutor.live.training_messages import (
    MAX_CURVE_POINTS,
    Curve,
    Curves,
    histogram,
    logits_message,
    samples_message,
    scores_message,
)
from gantutor.live.training_page import TrainingPage
from gantutor.live.widget import BrowserView, float_bytes, image_bytes, module_source

pytestmark = pytest.mark.usefixtures("no_widget_is_left")

Make = Callable[..., gt.GAN]


def numbers(message: training_messages.Message) -> list[tuple[np.ndarray, np.ndarray]]:
    """The x and y values of each series of a chart, as the page unpacks them."""
    values, at, pairs = np.frombuffer(message.data, "<f4"), 0, []
    for part in message.content["series"]:
        count = part["count"]
        pairs.append((values[at : at + count], values[at + count : at + 2 * count]))
        at += 2 * count
    assert at == len(values)
    return pairs


# --- samples ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_images_arrive_pixel_by_pixel(channels: int) -> None:
    images = torch.rand(7, channels, 4, 5) * 2 - 1
    content, data = image_bytes(images, columns=3)
    assert content == {"count": 7, "height": 4, "width": 5, "channels": channels, "columns": 3}
    pixels = torch.tensor(list(data)).view(7, 4, 5, channels)
    torch.testing.assert_close(pixels.permute(0, 3, 1, 2) / 127.5 - 1, images, atol=0.5 / 127.5, rtol=0)


def test_pixels_out_of_range_are_clipped_and_what_is_no_number_is_black() -> None:
    odd = torch.tensor([-7.0, 7.0, float("nan"), float("inf")]).view(1, 1, 2, 2)
    assert list(image_bytes(odd).data) == [0, 255, 0, 255]


@pytest.mark.parametrize(
    ("shape", "kind", "parts"),
    [
        ((70, 1, 8, 8), "images", 60),
        ((70, 3, 8, 8), "images", 60),
        ((9, 4, 1, 8, 8), "images", 24),
        ((40, 1, 128, 16), "images", 30),
        ((70, 2), "plot", 1),
        ((70, 1), "plot", 1),
        ((70, 12), "plot", 8),
        ((70, 12, 3), "plot", 24),
        ((70, 1, 40), "plot", 8),
        ((4, 2, 5, 5), "words", 0),
    ],
)
def test_samples_take_the_form_that_suits_them(shape: tuple[int, ...], kind: str, parts: int) -> None:
    message = samples_message(torch.rand(shape) * 2 - 1, "Generated", "what they are")
    assert message.kind == kind and message.content["title"] == "Generated"
    if kind == "images":
        content = message.content
        assert content["count"] == parts and content["alt"] == "what they are"
        assert len(message.data) == parts * content["height"] * content["width"] * content["channels"]
    if kind == "plot":
        assert len(numbers(message)) == parts


def test_a_clip_is_one_row() -> None:
    assert samples_message(torch.zeros(3, 4, 1, 8, 8), "", "").content["columns"] == 4


# --- curves -----------------------------------------------------------------------------------------------


def test_a_growing_curve_stays_short_and_keeps_its_mean() -> None:
    curve, values = Curve(), list[float]()
    draw = np.random.default_rng(0)
    while len(values) < 20_000:
        values += draw.normal(size=draw.integers(1, 300)).tolist()
        curve.extend(list(range(len(values))), values)
        assert len(curve.x) == len(curve.y) <= MAX_CURVE_POINTS
    assert len(curve.x) > MAX_CURVE_POINTS / 2 - 1
    size = curve._group
    groups = np.array(values[: len(values) // size * size]).reshape(-1, size)
    np.testing.assert_allclose(curve.y, groups.mean(1), atol=1e-9)


def test_only_new_values_are_read() -> None:
    class Counted(list[float]):
        read = 0

        def __getitem__(self, part: Any) -> Any:
            values = super().__getitem__(part)
            Counted.read += len(values)
            return values

    curve, values = Curve(), Counted([1.0] * 100)
    curve.extend(list(range(100)), values)
    values.append(2.0)
    curve.extend(list(range(101)), values)
    assert Counted.read == 101


def test_losses_carry_every_turn(four_steps: gt.Run) -> None:
    message = Curves(four_steps).losses()
    assert [part["name"] for part in message.content["series"]] == ["discriminator", "generator"]
    for (steps, losses), name in zip(numbers(message), ["discriminator", "generator"], strict=True):
        np.testing.assert_allclose(steps, [0, 1, 2, 3])
        np.testing.assert_allclose(losses, four_steps.history.column(name)[1], rtol=1e-6)


# --- logits -----------------------------------------------------------------------------------------------


def test_logits_are_those_of_the_first_batch_and_of_the_samples(point_game: Make, points: Tensor) -> None:
    run = gt.train(point_game(), points, steps=4, batch_size=50, progress=False)
    samples = run.sample(50)
    message = logits_message(run, samples)
    assert message is not None and message.content["verticals"] == [{"value": 0}]
    assert run.real_batch is not None
    discriminator = run.gan.discriminator.eval()
    for (edges, shares), of in zip(numbers(message), (run.real_batch[0], samples), strict=True):
        logits = discriminator(of).detach().flatten().numpy()
        middles, heights = (edges[::2][:-1] + edges[::2][1:]) / 2, shares[1:-1:2]
        assert heights.sum() == pytest.approx(1, abs=1e-5)
        assert (heights * middles).sum() == pytest.approx(logits.mean(), abs=float(edges[2] - edges[0]))


def test_labels_go_with_real_and_generated_samples(image_game: Make, images: Tensor) -> None:
    labels = torch.arange(64) % 3
    data = torch.utils.data.TensorDataset(images, labels)
    run = gt.train(image_game(3), data, steps=2, batch_size=8, gallery=12, progress=False)
    assert run.gallery is not None
    message = logits_message(run, run.generate(*run.gallery))
    assert message is not None and message.kind == "logits"


def test_a_game_without_a_judge_of_samples_shows_no_histogram(points: Tensor) -> None:
    game = gt.GAN.of(
        {"line": torch.nn.Linear(2, 1)},
        [gt.Turn("line", lambda g, b: {"total": g.line(b.real).square().mean()})],
    )
    run = gt.train(game, points, steps=2, progress=False)
    assert logits_message(run, points) is None and Curves(run).logits() is None


def test_values_that_are_no_numbers_are_left_out_of_a_histogram() -> None:
    values = torch.tensor([0.5, float("nan"), float("inf")])
    assert histogram(values, "x", "real", 0, 1).y.max() == 1.0


# --- scores -----------------------------------------------------------------------------------------------


def test_scores_stand_beside_those_of_real_data() -> None:
    def scores(value: float) -> gt.metrics.Scores:
        fid = gt.metrics.Score(value, 1.5, "Fréchet distance", "lower", 9, "digits")
        return gt.metrics.Scores(
            digit_fid=fid, recall=gt.metrics.Score(0.5, float("nan"), "x", "higher", 9, "")
        )

    scoring = Scoring(lambda run: scores(1.0), [1])
    assert scores_message(scoring) is None
    scoring.moments += [(1, 0.1, scores(8.0)), (5, 0.5, scores(4.0))]
    message = scores_message(scoring)
    assert message is not None
    ((steps, values),) = numbers(message)
    assert steps.tolist() == [1, 5] and values.tolist() == [8, 4]
    assert message.content["levels"] == [{"name": "real data", "colour": "real", "value": 1.5}]
    assert message.content["rows"] == [["digit FID", 4.0, 1.5, "lower"], ["recall", 0.5, None, "higher"]]
    assert message.content["log"] is True


# --- what it costs, in counts -----------------------------------------------------------------------------


def test_an_update_sends_few_bytes_and_asks_each_network_once(
    display: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of notebook 00: 60 digits of 28 × 28 pixels."""
    torch.manual_seed(0)
    digits = gt.data.digits().train
    gan = gt.GAN(gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10))
    run = gt.train(gan, digits, steps=2, batch_size=64, gallery=60, snapshots=0, progress=False)
    sent: dict[str, int] = {}
    generated, judged = list[int](), list[int]()
    averaged, discriminator = run.generator, run.gan.discriminator
    run._batch_norm_states = {"generator": (-1, 0)}  # as after a step
    hooks = [
        averaged.register_forward_hook(lambda _, inputs, __: generated.append(len(inputs[0]))),
        discriminator.register_forward_hook(lambda _, inputs, __: judged.append(len(inputs[0]))),
    ]
    monkeypatch.setattr(
        BrowserView, "send", lambda view, kind, content=None, *data: sent.update({kind: sum(map(len, data))})
    )
    page = TrainingPage(run, None, None, None, None, 0.25)
    page.update()
    page.close()
    for hook in hooks:
        hook.remove()
    assert sent == {"images": 60 * 28 * 28, "logits": 2 * 2 * 50 * 4, "status": 0, "losses": 2 * 2 * 2 * 4}
    assert generated == [60]  # normalised by their own statistics, in one pass
    assert judged == [60, 60]


# --- the base of the views --------------------------------------------------------------------------------


class Wire:
    """Stands for the channel to the page."""

    def __init__(self, view: BrowserView) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        view.widget.send = lambda content, buffers=None: self.sent.append((content, buffers))


def test_a_page_that_opens_late_is_told_the_last_of_each_kind() -> None:
    heard: list[dict[str, Any]] = []
    view = BrowserView("dashboard", {"view": "samples"}, lambda content, _: heard.append(content))
    wire = Wire(view)
    for step in range(3):
        view.send("status", {"step": step})
    view.send("images", {"count": 1}, b"abc")
    assert not view.connected
    del wire.sent[:]
    view.widget._handle_custom_msg({"kind": "ready"}, [])
    assert view.connected and heard == [{"kind": "ready"}]
    assert wire.sent == [({"kind": "status", "step": 2}, []), ({"kind": "images", "count": 1}, [b"abc"])]
    view.close()


@pytest.mark.parametrize("name", ["dashboard"])
def test_a_module_is_one_text_with_one_export(name: str) -> None:
    source = module_source(name)
    assert re.findall(r"^export .*", source, re.M) == ["export default view((page) => {"]
    assert not re.findall(r"^import ", source, re.M) and "function chart(" in source


def test_floats_are_32_bits_with_the_lowest_byte_first() -> None:
    values = [0.1, -2.5e8, float("nan")]
    np.testing.assert_array_equal(np.frombuffer(float_bytes(values), "<f4"), np.float32(values))
    assert float_bytes(torch.tensor(values)) == float_bytes(values)
