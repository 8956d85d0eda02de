"""Diagrams: legible, described in words, true to the networks and the numbers that they show."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from diagram_checks import faults, texts
from torch import Tensor, nn

import gantutor as gt
from gantutor.metrics.score import format_number
from gantutor.plots import diagrams
from gantutor.plots.diagrams.canvas import Canvas
from gantutor.plots.diagrams.layers import blocks, describe_shape, trace

LABELS = torch.arange(10)


class LateLabels(nn.Module):
    """Uses its labels in two places, through layers of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        self.scale, self.shift = nn.Embedding(10, 8), nn.Embedding(10, 8)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        x = self.second(self.first(x) * self.scale(label)).relu()
        last: Tensor = self.last(x + self.shift(label))
        return last


class Blind(nn.Module):
    """A discriminator that is given labels and does not look at them."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Linear(4, 1)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        logits: Tensor = self.network(x)
        return logits


class Concatenated(nn.Module):
    """Appends its condition to its input, without a layer for it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(10, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        logits: Tensor = self.last(torch.cat([self.first(x), condition], 1))
        return logits


class NoTensor(nn.Module):
    def forward(self, x: Tensor) -> float:
        return 1.0


class SpectralNet(nn.Module):
    """A stranger's network: normed weights, one activation in several places, several outputs, dropout."""

    def __init__(self) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm
        self.layers = nn.ModuleList([norm(nn.Conv2d(1, 8, 4, 2, 1)), norm(nn.Conv2d(8, 16, 4, 2, 1))])
        self.act, self.dropout, self.out = nn.LeakyReLU(0.2, inplace=True), nn.Dropout(), nn.Linear(16, 1)

    def forward(self, x: Tensor) -> dict[str, Any]:
        for layer in self.layers:
            x = self.dropout(self.act(layer(x)))
        return {"logit": self.out(x.mean((2, 3))), "features": x}


def fully_connected() -> tuple[nn.Module, nn.Module]:
    """The two networks that the second notebook writes out."""
    generator = nn.Sequential(
        nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 784), nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 1)
    )
    return generator, discriminator


NAMES = gt.networks.NameGenerator(latent=8)

NETWORKS: dict[str, Callable[[], Any]] = {
    "fully connected G": lambda: diagrams.network(fully_connected()[0], (64,), role="generator"),
    "fully connected D": lambda: diagrams.network(fully_connected()[1], (1, 28, 28), role="discriminator"),
    "convolutional G": lambda: diagrams.network(
        gt.networks.ConvGenerator(classes=10), (64,), LABELS, "Generator", "generator"
    ),
    "convolutional D": lambda: diagrams.network(
        gt.networks.ConvDiscriminator(classes=10), (1, 28, 28), LABELS, "Discriminator", "discriminator"
    ),
    "MLP D": lambda: diagrams.network(gt.networks.MLPDiscriminator((2,)), (2,)),
    "GRU": lambda: diagrams.network(gt.networks.GRUGenerator(16, 5, 24), (16,), role="generator"),
    "names": lambda: diagrams.network(NAMES, (NAMES.inputs,), role="generator"),
    "series": lambda: diagrams.network(gt.networks.SequenceConvDiscriminator(5, 24), (24, 5)),
    "GRU D": lambda: diagrams.network(gt.networks.GRUDiscriminator(5), (24, 5), role="discriminator"),
    "DCGAN": lambda: diagrams.network(gt.networks.DCGANGenerator(), (100,), role="generator"),
    "late labels": lambda: diagrams.network(LateLabels(), (4,), LABELS),
    "blind": lambda: diagrams.network(Blind(), (4,), LABELS),
    "concatenated": lambda: diagrams.network(Concatenated(), (4,), torch.eye(2)),
    "spectral": lambda: diagrams.network(SpectralNet(), (1, 32, 32), title="Somebody's discriminator"),
    "deep": lambda: diagrams.network(
        nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)) for _ in range(11))), (4,)
    ),
    "one layer": lambda: diagrams.network(nn.Linear(2, 2), torch.zeros(3, 2)),
}

CLIP = torch.linspace(-1, 1, 5 * 32 * 32).view(5, 1, 32, 32)

OTHERS: dict[str, Callable[[], Any]] = {
    "gan_game": diagrams.gan_game,
    "gan_game of images": lambda: diagrams.gan_game(torch.zeros(1, 28, 28), torch.ones(3, 28, 14)),
    "label_paths": diagrams.label_paths,
    "label_paths of large networks": lambda: diagrams.label_paths(1024, 128, 4096, (3, 128, 128)),
    "attribute_paths": diagrams.attribute_paths,
    "attribute_paths of large networks": lambda: diagrams.attribute_paths(1024, 40, 1024, 4096),
    "inversion_and_edit": diagrams.inversion_and_edit,
    "inversion_and_edit of images": lambda: diagrams.inversion_and_edit(
        torch.zeros(1, 28, 28), torch.ones(3, 64, 64)
    ),
    "ema": diagrams.ema,
    "ema of a long half-life": lambda: diagrams.ema(1000, 250.0, 3),
    "r1_picture": diagrams.r1_picture,
    "r1_picture of a large coefficient": lambda: diagrams.r1_picture(1000.0),
    "unrolled_rnn": diagrams.unrolled_rnn,
    "unrolled_rnn with differences": lambda: diagrams.unrolled_rnn(differences=2),
    "unrolled_rnn with one order of many features": lambda: diagrams.unrolled_rnn(
        256, 1024, 128, 1000, differences=1
    ),
    "gumbel_softmax": diagrams.gumbel_softmax,
    "gumbel_softmax of five letters": lambda: diagrams.gumbel_softmax(
        (-9.5, 0.0, 99.0, 1.0, 2.0), (0.0,) * 5, (10.0, 0.01), "vwxyz"
    ),
    "video_game": lambda: diagrams.video_game(CLIP),
    "video_game in colour": lambda: diagrams.video_game(CLIP.expand(-1, 3, -1, -1)),
    "motion_path": diagrams.motion_path,
    "motion_path of four frames": lambda: diagrams.motion_path(4),
    "warp": lambda: diagrams.warp(CLIP[0]),
    "warp to the other side": lambda: diagrams.warp(CLIP[1], -9.0, 8.0, -170.0, 0.5),
    "moved_features": lambda: diagrams.moved_features(CLIP),
    "drawn_change": lambda: diagrams.drawn_change(CLIP.expand(-1, 3, -1, -1)),
    "video_discriminators": lambda: diagrams.video_discriminators(CLIP),
    "stft": diagrams.stft,
    "stft of a short wave": lambda: diagrams.stft(torch.zeros(640)),
    "spectrogram_gan": diagrams.spectrogram_gan,
    "spectrogram_gan of long spectrograms": lambda: diagrams.spectrogram_gan(
        torch.zeros(1, 128, 96), torch.ones(1, 128, 48), 1024
    ),
    "band_u_net": diagrams.band_u_net,
    "band_u_net of long spectrograms": lambda: diagrams.band_u_net(32, 8, 128),
    "training_loop": diagrams.training_loop,
    "training_loop with rare snapshots": lambda: diagrams.training_loop(100_000),
    "teacher_forcing": diagrams.teacher_forcing,
    "teacher_forcing of wide letters": lambda: diagrams.teacher_forcing("wmwm", "mwmw"),
}

DIAGRAMS = OTHERS | {f"network: {name}": draw for name, draw in NETWORKS.items()}

ALL = pytest.mark.parametrize("draw", DIAGRAMS.values(), ids=DIAGRAMS.keys())


@ALL
def test_nothing_overlaps_crosses_or_leaves_the_figure(draw: Callable[[], Any]) -> None:
    assert faults(draw()) == []


def test_what_spoils_a_diagram_is_found() -> None:
    canvas = Canvas(2.0, "Spoilt", "A spoilt diagram.")
    box = canvas.box(2.0, 1.0, "a long word", width=0.4)
    canvas.text(2.1, 1.0, "another")
    canvas.text(6.4, 0.5, "beyond")
    canvas.arrow((1.0, 1.0), (3.0, 1.0))
    canvas.arrow((2.8, 0.5), (2.8, 1.5))
    canvas.text(4.0, 0.5, "harmless"), canvas.arrow((4.0, 0.6), (5.0, 1.0)), canvas.box(5.5, 1.0, "well")
    found = faults(canvas.figure)
    assert "'a long word' lies on 'another'" in found and "'beyond' leaves the figure" in found
    assert "'a long word' crosses the edge of a box" in found and "two arrows cross" in found
    assert "an arrow runs through 'another'" in found and box.width == 0.4
    assert sum("into the box" in words for words in found) == 1
    assert not any("harmless" in words or "well" in words for words in found)


@ALL
def test_a_diagram_is_as_wide_as_all_figures_and_in_their_font_sizes(draw: Callable[[], Any]) -> None:
    figure = draw()
    assert figure.get_size_inches()[0] == plots_width() and figure.get_size_inches()[1] < 9
    assert {text.get_fontsize() for text in texts(figure)} <= {8, 9, 10, 14}


def plots_width() -> float:
    return float(gt.plots.figure()[0].get_size_inches()[0])


@ALL
def test_a_notebook_saves_the_alternative_text(draw: Callable[[], Any]) -> None:
    from IPython.core.formatters import DisplayFormatter

    figure = draw()
    bundle, metadata = DisplayFormatter().format(figure)
    assert metadata["image/png"]["alt"] == figure.alternative_text == bundle["text/plain"]
    assert len(figure.alternative_text) > 40 and figure.alternative_text[-1] == "."
    assert metadata["image/png"]["width"] == pytest.approx(100 * plots_width(), abs=25)
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


@pytest.mark.parametrize("draw", OTHERS.values(), ids=OTHERS.keys())
def test_random_states_are_left_as_they_were(draw: Callable[[], Any]) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1], random.getstate()
    draw()
    after = torch.get_rng_state(), np.random.get_state()[1], random.getstate()
    assert torch.equal(before[0], after[0]) and (before[1] == after[1]).all() and before[2] == after[2]


def test_a_figure_without_alternative_text_is_shown_as_before() -> None:
    from IPython.core.formatters import DisplayFormatter

    bundle, metadata = DisplayFormatter().format(gt.plots.bars({"a": 1.0}, "t", "u"))
    assert bundle["image/png"].startswith(b"\x89PNG") and metadata == {}


def test_the_card_is_white_and_what_surrounds_it_transparent() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(diagrams.gan_game())
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    assert pixels[0, 0, 3] == 0 and pixels[40, 40].tolist() == [255, 255, 255, 255]


def test_an_unrolled_network_says_how_many_features_the_discriminator_reads() -> None:
    figure = diagrams.unrolled_rnn(features=5, differences=2)
    shown = [text.get_text() for text in texts(figure)]
    assert "5 features" in shown and "15 features" in shown and "o₂₄" in shown
    assert "first differences and second differences: 15 numbers at each step" in figure.alternative_text


# --- networks -----------------------------------------------------------------------------------------------


def shapes_below(figure: Any) -> list[str]:
    return [text.get_text() for text in texts(figure) if text.get_color() == gt.plots.NEUTRAL]


def test_shapes_are_those_of_the_layers() -> None:
    generator = gt.networks.ConvGenerator(classes=10)
    x = generator.start(torch.zeros(2, 80)).view(2, 64, 7, 7)
    wanted = ["64", "64×7×7"]
    for layer in generator.blocks.eval():
        x = layer(x)
        if not isinstance(layer, nn.BatchNorm2d | nn.ReLU | nn.Tanh):
            wanted.append("×".join(map(str, x.shape[1:])))
    figure = NETWORKS["convolutional G"]()
    assert sorted(shapes_below(figure)) == sorted([*wanted, "1×28×28", "16"])
    assert "343,825 weights" in figure.alternative_text
    assert sum(weight.numel() for weight in generator.parameters()) == 343_825


def test_activations_and_norms_share_the_block_of_their_layer() -> None:
    generator, discriminator = fully_connected()
    traced = trace(generator, [torch.zeros(2, 64)])
    found = [(block.words, block.shape) for block in blocks(generator, traced, (64,), most=9)]
    assert found == [
        (["linear", "ReLU"], (100,)),
        (["linear", "ReLU"], (100,)),
        (["linear", "tanh", "reshape"], (1, 28, 28)),
    ]
    traced = trace(discriminator, [torch.zeros(2, 1, 28, 28)])
    found = [(block.words, block.shape) for block in blocks(discriminator, traced, (1, 28, 28), most=9)]
    assert found[0] == (["flatten", "linear", "ReLU"], (100,)) and found[-1] == (["linear"], (1,))


def test_a_cell_that_is_called_at_every_step_is_drawn_once() -> None:
    words = NETWORKS["names"]().alternative_text
    assert "GRU cell, 12 calls 128 to linear, 12 calls 27 to sample 12×27." in words


def test_many_layers_are_drawn_as_the_modules_that_hold_them() -> None:
    assert NETWORKS["deep"]().alternative_text.count("Sequential 4") == 11


def test_a_block_of_modules_has_the_shape_that_they_return_together() -> None:
    class Doubled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.conv(x), x], 1)[:, :6]

    network = nn.Sequential(Doubled(), nn.Conv2d(6, 2, 1), nn.ReLU())
    traced = trace(network, [torch.zeros(2, 4, 8, 8)])
    found = [(block.words, block.shape) for block in blocks(network, traced, (4, 8, 8), most=1)]
    assert found == [(["Doubled"], (6, 8, 8)), (["conv 1×1", "ReLU"], (2, 8, 8))]


def test_a_label_enters_where_it_is_used() -> None:
    wanted = {
        "convolutional G": "The label enters before linear, reshape, batch norm, ReLU through embedding.",
        "convolutional D": "The label enters before logit through embedding.",
        "late labels": "enters before linear through embedding; before linear through embedding.",
        "concatenated": "The label enters before linear.",
        "blind": "The label changes nothing.",
    }
    for name, end in wanted.items():
        assert NETWORKS[name]().alternative_text.endswith(end), name


def test_a_network_is_left_as_it_was() -> None:
    network = SpectralNet()
    network.dropout.eval()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    random_state = torch.get_rng_state()
    diagrams.network(network, (1, 32, 32))
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_hooks_are_removed_when_a_network_fails() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 3))
    with pytest.raises(gt.InputError, match="the network cannot take these inputs"):
        diagrams.network(network, (2,))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"module": print}, "module must be a network"),
        ({"inputs": ()}, "inputs must be the shape of one sample"),
        ({"inputs": "64"}, "inputs must be the shape of one sample"),
        ({"inputs": (0,)}, "inputs must be the shape of one sample"),
        ({"role": "judge"}, "role must be None or one of 'generator', 'discriminator'"),
        ({"module": NoTensor()}, "the network must return a tensor"),
        ({"condition": [1, 2]}, "condition must be a tensor"),
        ({"condition": torch.tensor(1)}, "condition must be a batch"),
    ],
)
def test_what_is_no_network_or_input_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        diagrams.network(**({"module": nn.Linear(2, 2), "inputs": (2,)} | given))


def test_shapes_in_words() -> None:
    assert [describe_shape(shape) for shape in ((), (1,), (3, 64, 64))] == ["1", "1", "3×64×64"]


# --- numbers ------------------------------------------------------------------------------------------------


def test_the_numbers_of_gumbel_softmax_are_those_of_torch() -> None:
    logits, noise = torch.tensor([0.3, -1.0, 2.0]), torch.tensor([0.5, 1.5, -2.5])
    figure = diagrams.gumbel_softmax(tuple(logits.tolist()), tuple(noise.tolist()), (2.0, 0.5))
    drawn = [text.get_text() for text in texts(figure)]
    sums = logits + noise
    columns = [
        logits,
        noise,
        sums,
        (sums / 2).softmax(0),
        (sums / 0.5).softmax(0),
        torch.eye(3)[sums.argmax()],
    ]
    wanted = [f"{value:.2f}".replace("-", "−") for column in columns for value in column.tolist()]
    assert [word for word in drawn if word[-3:-2] == "."] == wanted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"letters": "a"}, "two to five letters|must be 1 numbers"),
        ({"logits": (1.0, 2.0)}, "logits must be 3 numbers in a list"),
        ({"noise": (1.0, 2.0, float("nan"))}, "noise must be 3 numbers in a list, each a number"),
        ({"temperatures": (1.0, 0.0)}, "temperatures must be 2 numbers in a list, each a number"),
    ],
)
def test_numbers_that_do_not_fit_the_letters_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        diagrams.gumbel_softmax(**given)


def test_the_average_in_the_diagram_follows_its_formula() -> None:
    path, average = (line.get_xydata() for line in diagrams.ema(50, 5.0).axes[1].lines[:2])
    decay = 0.5 ** (1 / 5)
    for step in range(1, 50):
        wanted = decay * average[step - 1] + (1 - decay) * path[step]
        assert average[step] == pytest.approx(wanted, abs=1e-5)


def test_r1_is_computed_from_the_curves() -> None:
    figure = diagrams.r1_picture(3.0)
    for axes, steepness in zip(figure.axes[1:], ((6, 1.1, 0.9), (1.2, 0.5, 0.2)), strict=True):
        height, rate, place = steepness
        x = np.array([0.35, 0.6, 0.85, 1.1, 1.35])
        slope = height * rate / np.cosh(rate * (x - place)) ** 2
        value = format_number(1.5 * float((slope**2).mean()))
        assert f"= {value}$" in axes.texts[0].get_text()


def test_the_diagram_of_the_u_net_has_the_shapes_of_the_network() -> None:
    network, shapes = gt.networks.BandGenerator(), []
    for layer in (network.first, network.down1, network.down2, network.up1, network.up2):
        layer.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    network(torch.zeros(1, 4, 32, 32), torch.zeros(1, 1, 64, 64))
    written = {text.get_text() for text in texts(diagrams.band_u_net())}
    assert {describe_shape(shape) for shape in shapes} <= written


def test_words_of_another_length_and_other_images_are_refused() -> None:
    with pytest.raises(gt.InputError, match="word must have 4 letters"):
        diagrams.teacher_forcing("otto!")
    with pytest.raises(gt.InputError, match="real must be an image of shape"):
        diagrams.gan_game(torch.zeros(28, 28))
    with pytest.raises(gt.InputError, match="wave must have shape"):
        diagrams.stft(torch.zeros(100))
    with pytest.raises(gt.InputError, match="generated must be a spectrogram"):
        diagrams.spectrogram_gan(generated=torch.zeros(1, 28, 28))


def test_the_warp_reads_the_marked_pixel_where_the_frame_is_read() -> None:
    tick = torch.linspace(-1, 1, 32)
    first = (0.6 * tick + 0.3 * tick[:, None])[None]
    figure = diagrams.warp(first, 3.0, -2.0, 30.0, 1.2)
    left, right = figure.axes[0].get_images()
    marks = [line.get_xydata()[0] for line in figure.axes[0].lines]

    def pixel(image: Any, place: Any) -> tuple[float, float]:
        x0, x1, y0, y1 = image.get_extent()
        return (place[0] - x0) / (x1 - x0) * 32 - 16, (y1 - place[1]) / (y1 - y0) * 32 - 16

    (x, y), (source_x, source_y) = pixel(right, marks[0]), pixel(left, marks[1])
    grid = torch.tensor([[[[source_x, source_y]]]]).float() / 16
    read = nn.functional.grid_sample(first[None], grid, align_corners=False)
    shown = torch.as_tensor(right.get_array())[None, None].float() * 2 - 1
    there = nn.functional.grid_sample(shown, torch.tensor([[[[x, y]]]]).float() / 16, align_corners=False)
    assert float(read) == pytest.approx(float(there), abs=0.03)


@pytest.mark.parametrize("draw", [diagrams.video_game, diagrams.moved_features, diagrams.drawn_change,
                                  diagrams.video_discriminators])  # fmt: skip
def test_what_is_no_clip_is_refused(draw: Callable[[Any], Any]) -> None:
    with pytest.raises(gt.InputError, match="clip must have shape"):
        draw(torch.zeros(2, 1, 8, 8))
    with pytest.raises(gt.InputError, match="first must be a square grey frame"):
        diagrams.warp(torch.zeros(3, 8, 8))
