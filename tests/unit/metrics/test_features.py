"""FID and KID on the features of a network, against scipy and a loop over every pair, and as ``Run.scores``
uses them; and the preprocessing that the documentation gives for Inception."""

from __future__ import annotations

import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from scipy import linalg
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import gantutor as gt
from gantutor._errors import InputError
from gantutor.metrics import feature_scores, precision_recall


def network() -> nn.Sequential:
    """A small convolutional network with batch norm and random weights: images (N, 1, 8, 8) to (N, 6)."""
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ReLU(),
        nn.Conv2d(5, 6, 3), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(),
    )  # fmt: skip


def pictures(count: int, seed: int, contrast: float = 1.0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return contrast * (torch.rand(count, 1, 8, 8, generator=rng) * 2 - 1)


def scipy_fid(first: Tensor, second: Tensor) -> float:
    x, y = first.double().numpy(), second.double().numpy()
    one, other = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = linalg.sqrtm(one @ other).real
    return float(np.square(x.mean(0) - y.mean(0)).sum() + np.trace(one + other - 2 * root))


def kid_by_pairs(first: Tensor, second: Tensor) -> float:
    x, y = first.tolist(), second.tolist()

    def kernel(a: list[float], b: list[float]) -> float:
        return (sum(i * j for i, j in zip(a, b, strict=True)) / len(a) + 1.0) ** 3

    within = [
        sum(kernel(a, b) for a, b in itertools.permutations(part, 2)) / (len(part) * (len(part) - 1))
        for part in (x, y)
    ]
    return sum(within) - 2 * sum(kernel(a, b) for a in x for b in y) / (len(x) * len(y))


def test_fid_and_kid_are_those_of_scipy_and_of_every_pair() -> None:
    features = network()
    generated, reference, train = pictures(60, 0, 0.8), pictures(50, 1), pictures(40, 2)
    scores = feature_scores(features, train, "small features")(generated, TensorDataset(reference))
    features.eval()
    with torch.no_grad():
        found, real, other = (features(images) for images in (generated, reference, train))
    assert scores["fid"].value == pytest.approx(scipy_fid(found, real), rel=1e-6)
    assert scores["fid"].real == pytest.approx(scipy_fid(other, real), rel=1e-6)
    assert scores["kid"].value == pytest.approx(kid_by_pairs(found.double(), real.double()), rel=1e-6)
    assert scores["kid"].real == pytest.approx(kid_by_pairs(other.double(), real.double()), rel=1e-6)
    for name in ("fid", "kid"):
        found_words = scores[name].better, scores[name].samples, scores[name].reference
        assert found_words == ("lower", 60, "50 real images")
    assert scores["fid"].value > scores["fid"].real and scores["fid"].unit.endswith("on small features")


def test_of_many_images_the_kid_is_the_mean_of_subsets() -> None:
    features = nn.Flatten()
    generated, reference, train = (torch.randn(count, 3) for count in (90, 80, 70))
    score = feature_scores(features, train, kid_size=20, kid_subsets=400, seed=3)
    found = score(generated + 0.5, TensorDataset(reference))["kid"].value
    rng = torch.Generator().manual_seed(3)
    subsets = [
        kid_by_pairs(
            *(part[torch.randperm(len(part), generator=rng)[:20]] for part in (generated + 0.5, reference))
        )
        for _ in range(400)
    ]
    assert found == pytest.approx(float(np.mean(subsets)), rel=1e-5)
    whole = kid_by_pairs(generated + 0.5, reference)
    assert found == pytest.approx(whole, abs=4 * float(np.std(subsets)) / 400**0.5)


def test_precision_and_recall_are_of_equal_numbers() -> None:
    generated, reference, train = pictures(60, 0, 0.5), pictures(30, 1), pictures(20, 2)
    scores = feature_scores(nn.Flatten(), train, k=2, seed=1)(generated, reference)
    rng = torch.Generator().manual_seed(1)
    some = generated[torch.randperm(60, generator=rng)[:30]].flatten(1)
    expected = precision_recall(reference[torch.randperm(30, generator=rng)].flatten(1), some, 2)
    assert (scores["precision"].value, scores["recall"].value) == expected
    assert scores["precision"].samples == scores["recall"].samples == 30
    assert scores["precision"].better == "higher" and 0 <= scores["precision"].real <= 1


def test_gaussians_have_the_distances_of_their_closed_forms() -> None:
    rng = torch.Generator().manual_seed(0)
    reference, train, generated = torch.randn(3, 20_000, 4, generator=rng)
    scores = feature_scores(nn.Flatten(), train, kid_subsets=20)(2 * generated + 1, reference)
    assert scores["fid"].value == pytest.approx(4 * 1 + 4 * 1, rel=0.03)  # ‖μ₁ − μ₂‖² + Σ (s₁ − s₂)²
    assert scores["fid"].real < 0.01 and abs(scores["kid"].real) < 0.05


class Pictures(Dataset[Any]):
    """A Dataset that is no TensorDataset."""

    def __init__(self, images: Tensor, label: bool) -> None:
        self.images, self.label = images, label

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        return (self.images[index], 7) if self.label else self.images[index]


KINDS: dict[str, Callable[[Tensor], Any]] = {
    "tensor": lambda images: images,
    "TensorDataset": lambda images: TensorDataset(images, torch.zeros(len(images))),
    "Dataset": lambda images: Pictures(images, label=False),
    "labelled Dataset": lambda images: Pictures(images, label=True),
    "DataLoader": lambda images: DataLoader(Pictures(images, label=True), batch_size=9),
    "batches": lambda images: list(images.split(11)),
    "generator": lambda images: ((part, None) for part in images.split(13)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_images_may_come_in_any_form_and_batches(kind: str, batch_size: int) -> None:
    features = network()
    generated, reference, train = pictures(40, 0, 0.8), pictures(35, 1), pictures(30, 2)
    usual = feature_scores(features, train)(generated, reference)
    make = KINDS[kind]
    other = make(train) if "atase" in kind or kind == "tensor" else train
    scores = feature_scores(features, other, batch_size=batch_size)(make(generated), make(reference))
    for name, score in scores.items():
        assert score.value == pytest.approx(usual[name].value, rel=1e-4, abs=1e-9)
        assert score.real == pytest.approx(usual[name].real, rel=1e-4, abs=1e-9)


def test_features_of_real_images_are_computed_once() -> None:
    seen: list[int] = []

    def features(images: Tensor) -> Tensor:
        seen.append(len(images))
        return images.flatten(1)

    reference, train = TensorDataset(pictures(30, 1)), TensorDataset(pictures(100, 2))
    score = feature_scores(features, train, batch_size=1000)
    first = score(pictures(40, 3), reference)
    assert seen == [40, 30, 40]  # generated, the reference, and as many others
    assert str(score(pictures(40, 3), reference)) == str(first)
    assert seen[3:] == [40]
    score(pictures(60, 3), reference)
    assert seen[4:] == [60, 20]  # only those that are not known yet
    score(pictures(60, 3), TensorDataset(pictures(30, 5)))
    assert seen[6:] == [60, 30]


def test_a_network_is_left_as_it_was_and_no_random_number_is_drawn() -> None:
    features = nn.Sequential(network(), nn.Dropout(0.5)).train()
    features[0][1].eval()
    before = {name: value.clone() for name, value in features.state_dict().items()}
    modes, state = [module.training for module in features.modules()], torch.random.get_rng_state()
    score = feature_scores(features, pictures(30, 1))
    one, other = (score(pictures(30, 2), pictures(30, 3)) for _ in range(2))
    assert one["fid"].value == other["fid"].value
    assert [module.training for module in features.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in features.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in features.parameters())


def test_an_error_of_the_features_comes_as_it_is_and_the_mode_is_restored() -> None:
    class Broken(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return self.missing(images)  # type: ignore[no-any-return]

    broken = Broken().train()
    with pytest.raises(AttributeError, match="missing"):
        feature_scores(broken, pictures(9, 0))(pictures(9, 1), pictures(9, 2))
    assert broken.training


def test_whole_numbers_and_half_precision() -> None:
    def features(images: Tensor) -> Tensor:
        return images.flatten(1).half() / 255

    rng = torch.Generator().manual_seed(0)
    images = [torch.randint(0, 256, (40, 1, 4, 4), generator=rng).byte() for _ in range(3)]
    scores = feature_scores(features, images[2])(images[0], images[1])
    assert scores["fid"].value == pytest.approx(scipy_fid(*(features(part) for part in images[:2])), rel=1e-5)


@pytest.mark.parametrize("labels", [False, True])
def test_a_run_is_scored(image_game: Callable[..., gt.GAN], images: Tensor, labels: bool) -> None:
    data: Any = TensorDataset(images, torch.arange(64) % 2) if labels else images
    run = gt.train(image_game(2 if labels else 0), data, steps=2, batch_size=16, gallery=4, progress=False)
    held_out = (
        TensorDataset(pictures(20, 7), torch.arange(20) % 2) if labels else TensorDataset(pictures(20, 7))
    )
    features = network()
    scores = run.scores(held_out, samples=30, score=feature_scores(features, images, "small features"))
    condition = torch.arange(20).repeat(2)[:30] % 2 if labels else None
    made = run.sample(30, condition=condition, seed=0) if labels else run.sample(30, seed=0)
    with torch.no_grad():
        found, real = (features.eval()(part) for part in (made, held_out.tensors[0]))
    assert scores["fid"].value == pytest.approx(scipy_fid(found, real), rel=1e-4, abs=1e-9)
    assert "FID and KID on small features" in repr(feature_scores(features, images, "small features"))


# --- what is refused ----------------------------------------------------------------------------------------


def flat(images: Tensor) -> Tensor:
    return images.flatten(1)


@pytest.mark.parametrize("wrong", [None, 3, "images", [1, 2], {"a": 1}, pictures(1, 0), torch.zeros(5)])
def test_other_real_images_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match=r"^other_real must "):
        feature_scores(flat, wrong)


@pytest.mark.parametrize(
    "wrong", [None, 3, "images", {"a": 1}, pictures(1, 0), torch.zeros(5), [], ["a"], [torch.zeros(1, 4)]]
)
@pytest.mark.parametrize("place", [0, 1])
def test_other_images_that_are_none_are_refused(wrong: Any, place: int) -> None:
    given: list[Any] = [pictures(9, 0), pictures(9, 1)]
    given[place] = wrong
    with pytest.raises(InputError):
        feature_scores(flat, pictures(9, 2))(*given)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (
            lambda images: images,
            r"^features must return floats of shape \(9, D\) for 9 images, not torch.float32 of",
        ),
        (lambda images: images.flatten(1).long(), "features must return floats"),
        (lambda images: images.flatten(1)[:3], "features must return floats"),
        (lambda images: images.mean(), "features must return floats"),
        (lambda images: None, "features must return floats of shape .*, not None"),
        (lambda images: images.flatten(1) / 0, "the features contain values that are not finite"),
        (lambda images: images.flatten(1)[:, :0], "features must have shapes"),
    ],
)
def test_features_that_are_none_are_refused(features: Callable[[Tensor], Tensor], said: str) -> None:
    with pytest.raises(InputError, match=said):
        feature_scores(features, pictures(9, 2))(pictures(9, 0), pictures(9, 1))


def test_the_same_images_twice_and_images_of_another_range_are_refused() -> None:
    images, others = pictures(9, 0), pictures(9, 1)
    for reference in (images, images.clone(), TensorDataset(images)):
        with pytest.raises(InputError, match=r"^the reference and other_real are the same images"):
            feature_scores(flat, images)(others, reference)
    with pytest.raises(InputError, match=r"^all images must hold floating-point numbers"):
        feature_scores(flat, images)((others * 127).byte(), others)
    with pytest.raises(InputError, match=r"^all images must hold whole numbers"):
        feature_scores(flat, (images * 127).byte())(others, (others * 127).byte())
    others[3, 0, 0, 0] = float("nan")
    with pytest.raises(InputError, match=r"^the images contain values that are not finite"):
        feature_scores(flat, images)(others, pictures(9, 2))


@pytest.mark.parametrize(
    ("name", "value"),
    [("k", 0), ("kid_size", 1), ("kid_subsets", 0), ("batch_size", 0), ("seed", -1), ("features_name", "")],
)
def test_numbers_out_of_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^{name} must be "):
        feature_scores(flat, pictures(9, 0), **{name: value})


# --- Inception ----------------------------------------------------------------------------------------------


def documented(word: str) -> str:
    """The code block of the docstring that holds a word."""
    text = inspect.getdoc(feature_scores) or ""
    blocks = re.findall(r"::\n\n((?:    .*\n|\n)+)", text)
    (block,) = (block for block in blocks if word in block)
    return textwrap.dedent(block)


def test_the_documented_preprocessing_for_torchvision_gives_inception_what_it_expects() -> None:
    torchvision = pytest.importorskip("torchvision")
    weights = torchvision.models.inception_v3(weights=None, init_weights=False).state_dict()
    names: dict[str, Any] = {"torch": torch, "torchvision": torchvision, "weights": weights}
    exec(documented("torchvision.models"), names)
    network, features = names["inception"], names["features"]
    entered: list[Tensor] = []
    network.Conv2d_1a_3x3.register_forward_pre_hook(lambda module, inputs: entered.append(inputs[0]))
    images = torch.rand(2, 3, 32, 40, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        found = features(images)
    assert found.shape == (2, 2048) and bool(found.isfinite().all())
    # transform_input undoes ImageNet's mean and deviation: the network sees [−1, 1], as in its training.
    resized = torchvision.transforms.functional.resize(images, [299, 299], antialias=True)
    torch.testing.assert_close(entered[0], resized, rtol=0, atol=1e-4)


def test_the_documented_bytes_for_torch_fidelity_are_those_of_the_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[Any] = []

    def extractor(name: str, features: list[str], path: str) -> Callable[[Tensor], tuple[Tensor]]:
        taken.append((name, features, path))

        def extract(images: Tensor) -> tuple[Tensor]:
            taken.append(images)
            return (images.double().flatten(1),)

        return extract

    code = documented("torch_fidelity")
    head, _, rest = code.partition("\n")
    assert head == "from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3"
    names: dict[str, Any] = {"torch": torch, "FeatureExtractorInceptionV3": extractor}
    exec(rest, names)
    pixels = torch.arange(256).byte().repeat(3).view(1, 3, 16, 16)
    names["features"](pixels / 127.5 - 1)
    assert taken[0] == ("inception-v3-compat", ["2048"], "weights-inception-2015-12-05-6726825d.pth")
    assert taken[1].dtype == torch.uint8 and torch.equal(taken[1], pixels)
    names["features"](torch.tensor([-1.01, 1.01]).view(1, 1, 1, 2))
    assert taken[2].flatten().tolist() == [0, 255]


def test_torch_fidelity_takes_the_documented_call(monkeypatch: pytest.MonkeyPatch) -> None:
    module = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    extractor = module.FeatureExtractorInceptionV3
    monkeypatch.setattr(extractor, "load_state_dict", lambda self, weights: None)
    monkeypatch.setattr(torch, "load", lambda *_, **__: {})
    names: dict[str, Any] = {"torch": torch}
    exec(documented("torch_fidelity"), names)
    with torch.no_grad():
        assert names["features"](torch.rand(2, 3, 32, 32) * 2 - 1).shape == (2, 2048)


def test_batches_of_generated_images_need_not_be_in_memory_together() -> None:
    alive: list[int] = []

    def generate() -> Iterator[Tensor]:
        for seed in range(5):
            alive.append(seed)
            yield pictures(20, seed)

    scores = feature_scores(flat, pictures(50, 9))(generate(), pictures(50, 8))
    assert alive == list(range(5)) and scores["fid"].samples == 100
