"""FID, KID, precision and recall on the features of any network, such as Inception with weights on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._calling import evaluation_mode
from gantutor._checks import check_finite, checked, describe_value, function, integer, optional, string
from gantutor._errors import InputError, type_name
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.kernel_distance import kernel_distance, kernel_distances
from gantutor.metrics.precision_recall import precision_recall
from gantutor.metrics.score import Score, Scores


@checked(
    features=function(),
    features_name=string(),
    k=optional(integer(1)),
    kid_size=integer(2),
    kid_subsets=integer(1),
    batch_size=integer(1),
    seed=integer(0),
)
def feature_scores(
    features: Callable[[Tensor], Tensor],
    other_real: Any,
    features_name: str = "features",
    k: int | None = None,
    kid_size: int = 1000,
    kid_subsets: int = 100,
    batch_size: int = 50,
    seed: int = 0,
) -> Callable[..., Scores]:
    """Return a function for ``Run.scores`` that measures FID and KID on the features of a network.

    Call it with generated images and a reference of real ones. Each score stands beside its real-data value,
    that of ``other_real`` against the same reference, of as many images as were generated if there are so
    many. The features of the reference are computed once and kept.

    Published FIDs and KIDs are on the 2,048 pooled features of the Inception network of 2015, whose weights
    were converted from TensorFlow, and which resizes images as TensorFlow 1 did. The package torch-fidelity
    has it. It takes bytes, and resizes by itself::

        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        inception = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048"], "weights-inception-2015-12-05-6726825d.pth"
        )

        def features(images):  # (N, 3, H, W) in [−1, 1]
            return inception((images * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8))[0]

    ``torchmetrics.image.fid.NoTrainInceptionV3`` has the same weights, and the same resizing only with
    ``antialias=False``. Inception with torchvision's weights is another network. Its distances compare runs
    with each other, but not with published ones. ``weights`` is the state dict of its file, which torch
    reads with ``weights_only=True``, so that nothing in it is executed::

        inception = torchvision.models.inception_v3(init_weights=False, transform_input=True)
        inception.load_state_dict(weights)  # of inception_v3_google-0cc3c7bd.pth: IMAGENET1K_V1
        inception.fc = torch.nn.Identity()  # the 2,048 pooled features
        inception.eval()
        mean, std = (torch.tensor(x).view(3, 1, 1) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))

        def features(images):  # (N, 3, H, W) in [−1, 1]
            images = torch.nn.functional.interpolate(
                images / 2 + 0.5, size=(299, 299), mode="bilinear", antialias=True, align_corners=False
            )
            return inception((images - mean) / std)

    Give a grey image three channels first, ``images.expand(-1, 3, -1, -1)``. No weights are downloaded.

    A FID depends on how many images there are. The usual protocol compares 50,000 generated images with the
    whole training set: the reference is the training set, and ``other_real`` are held-out images. Where the
    training set is ``other_real`` and the reference is held out, a generator that copies gains nothing by it.
    A KID does not depend on the number: it is the mean of subsets (Bińkowski et al. 2018, arXiv:1801.01401).

    Args:
        features: a function or a module, from a batch of images as they are given to features (N, D). A
            module gets them on its device, and is in evaluation mode meanwhile.
        other_real: real images that are not in the reference, at least 2: a tensor (N, …), a TensorDataset
            or another Dataset whose items are images or begin with one.
        features_name: what the units call the features.
        k: which neighbour sets the radius of precision and recall, at least 1; None leaves them out, as they
            need all distances.
        kid_size: images in each subset of the KID, at least 2; with fewer images, one distance of all.
        kid_subsets: how many subsets are drawn, at least 1.
        batch_size: how many images get features at a time, at least 1.
        seed: the seed of all draws.

    Returns:
        A function ``score(generated, reference, generated_labels=None)`` that gives ``fid`` and ``kid``, and
        with ``k`` ``precision`` and ``recall``, of equal numbers. Both sets of images are given like
        ``other_real``, or as an iterable of batches where they do not fit into the memory together. Labels
        are not used.

    Raises:
        InputError: for an argument of another kind or out of range; when called, for images of another kind,
            fewer than 2, features that are no (N, D) or not finite, or a reference that is ``other_real``.

    >>> from gantutor.data import digits
    >>> data = digits()
    >>> def coarse(images): return torch.nn.functional.avg_pool2d(images, 7).flatten(1)  # (N, 16)
    >>> score = feature_scores(coarse, data.train, "mean greys of 4 × 4 cells", kid_subsets=3)
    >>> scores = score(data.train.tensors[0][::4], data.held_out)
    >>> sorted(scores), scores["fid"].value < 1
    (['fid', 'kid'], True)
    """
    other_images = _indexed(other_real, "other_real")
    return _FeatureScores(features, other_images, features_name, k, kid_size, kid_subsets, batch_size, seed)


class _FeatureScores:
    """The function that ``feature_scores`` returns; it keeps features of real images."""

    def __init__(
        self,
        features: Callable[[Tensor], Tensor],
        other_real: Any,
        features_name: str,
        k: int | None,
        kid_size: int,
        kid_subsets: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self.features, self.other_real, self.features_name = features, other_real, features_name
        self.k, self.kid_size, self.kid_subsets = k, kid_size, kid_subsets
        self.batch_size, self.seed = batch_size, seed
        self._order = torch.randperm(len(other_real), generator=torch.Generator().manual_seed(seed))
        self._other_features: Tensor | None = None
        self._reference: tuple[Any, Tensor] | None = None
        self._floating = _rows(other_real, torch.tensor([0])).is_floating_point()

    def __repr__(self) -> str:
        return f"<FID and KID on {self.features_name}>"

    def __call__(self, generated: Any, reference: Any, generated_labels: Any = None) -> Scores:
        images = _images(reference, "reference")
        _check_different(images, self.other_real)
        found = self._extract(_batches(_images(generated, "generated images"), "generated images"))
        real = self._reference_features(images)
        other = self._features_of_others(len(found))
        values, real_values = self._measure(found, real), self._measure(other, real)
        against = f"{len(real):,} real images"
        units = {
            "fid": (f"Fréchet distance on {self.features_name}", "lower"),
            "kid": (f"squared kernel distance on {self.features_name}", "lower"),
            "precision": (f"share on {self.features_name}", "higher"),
            "recall": (f"share on {self.features_name}", "higher"),
        }
        return Scores(
            {
                name: Score(
                    value,
                    real_values[name],
                    *units[name],
                    min(len(found), len(real)) if name in ("precision", "recall") else len(found),
                    against,
                )
                for name, value in values.items()
            }
        )

    def _measure(self, features: Tensor, real: Tensor) -> dict[str, float]:
        count = min(len(features), len(real))
        if count > self.kid_size:
            kid = float(kernel_distances(features, real, self.kid_size, self.kid_subsets, self.seed).mean())
        else:
            kid = kernel_distance(features, real)
        values = {"fid": frechet_distance(features, real), "kid": kid}
        if self.k is not None:
            rng = torch.Generator().manual_seed(self.seed)
            some, some_real = (
                rows[torch.randperm(len(rows), generator=rng)[:count]] for rows in (features, real)
            )
            values["precision"], values["recall"] = precision_recall(some_real, some, self.k)
        return values

    def _reference_features(self, images: Any) -> Tensor:
        if self._reference is None or self._reference[0] is not images:
            self._reference = images, self._extract(_batches(images, "the reference"))
        return self._reference[1]

    def _features_of_others(self, count: int) -> Tensor:
        """Features of the first ``count`` other real images in a random order; those known are not redone."""
        known = 0 if self._other_features is None else len(self._other_features)
        index = self._order[known:count]
        if len(index):
            chunks = (_rows(self.other_real, part) for part in torch.split(index, self.batch_size))
            parts = [] if self._other_features is None else [self._other_features]
            self._other_features = torch.cat([*parts, self._extract(chunks)])
        assert self._other_features is not None
        return self._other_features[:count]

    def _check_kind(self, images: Tensor) -> None:
        """Raise InputError if images are not finite, or bytes where the other real ones are floats."""
        check_finite("images", images)
        if images.is_floating_point() != self._floating:
            kinds = ("whole numbers", "floating-point numbers")
            raise InputError(
                f"all images must hold {kinds[self._floating]} as those of other_real do, and some hold "
                f"{kinds[not self._floating]}: features would see them in another range"
            )

    @torch.no_grad()
    def _extract(self, batches: Iterable[Tensor]) -> Tensor:
        found: list[Tensor] = []
        with _evaluating(self.features) as device, torch.random.fork_rng(devices=[]):
            for batch in batches:
                for images in torch.split(batch, self.batch_size):
                    self._check_kind(images)
                    features = self.features(images if device is None else images.to(device))
                    found.append(_checked(features, len(images)))
        if sum(map(len, found)) < 2:
            raise InputError(f"a score needs at least two images of each kind, not {sum(map(len, found))}")
        return torch.cat(found)


def _checked(features: Any, count: int) -> Tensor:
    """Features (count, D) on the CPU, in single or double precision."""
    is_table = isinstance(features, Tensor) and features.dim() == 2 and len(features) == count
    if not is_table or not features.is_floating_point():
        what = describe_value(features)
        raise InputError(f"features must return floats of shape ({count}, D) for {count} images, not {what}")
    check_finite("features", features)
    table: Tensor = features.detach().cpu()
    return table if table.dtype == torch.float64 else table.float()


@contextmanager
def _evaluating(features: Any) -> Iterator[torch.device | None]:
    """Put a module into evaluation mode for a while, and give its device; None for a function."""
    if not isinstance(features, nn.Module):
        yield None
        return
    tensor = next(iter([*features.parameters(), *features.buffers()]), None)
    with evaluation_mode(features):
        yield None if tensor is None else tensor.device


# --- images -------------------------------------------------------------------------------------------------

_PLAIN = (str, bytes, bytearray, dict, list, tuple)
"""Types that have an index and hold no images; a list may hold batches."""


def _images(source: Any, name: str) -> Any:
    """The images of a tensor, a TensorDataset or another Dataset, or an iterable of batches."""
    if _is_indexed(source):
        return _indexed(source, name)
    if not isinstance(source, Iterable) or isinstance(source, str | bytes | dict):
        raise InputError(
            f"{name} must be a tensor, a Dataset or an iterable of batches of images, not {type_name(source)}"
        )
    return source


def _is_indexed(source: Any) -> bool:
    return hasattr(source, "__getitem__") and hasattr(source, "__len__") and not isinstance(source, _PLAIN)


def _indexed(source: Any, name: str) -> Any:
    """Images that an index gives, at least two: a tensor or a Dataset."""
    if not _is_indexed(source):
        raise InputError(f"{name} must be a tensor or a Dataset of images, not {type_name(source)}")
    tensors = getattr(source, "tensors", None)
    images = tensors[0] if isinstance(tensors, tuple) and tensors else source
    if isinstance(images, Tensor) and images.dim() < 2:
        raise InputError(f"{name} must have shape (count, …), not {tuple(images.shape)}")
    if len(images) < 2:
        raise InputError(f"{name} must hold at least two images, not {len(images)}")
    if isinstance(images, Tensor):
        check_finite("images", images)
    return images


def _batches(images: Any, name: str, size: int = 64) -> Iterator[Tensor]:
    """Batches of images from a tensor, a Dataset, or an iterable of batches."""
    if isinstance(images, Tensor):
        yield images
    elif (
        hasattr(images, "__getitem__") and hasattr(images, "__len__") and not isinstance(images, list | tuple)
    ):
        for index in torch.split(torch.arange(len(images)), size):
            yield _rows(images, index)
    else:
        for batch in images:
            yield _image(batch, f"a batch of {name}")


def _rows(images: Any, index: Tensor) -> Tensor:
    """Some images of a tensor or a Dataset."""
    if isinstance(images, Tensor):
        return images[index.to(images.device)]
    items = [_image(images[int(position)], f"image {int(position)}") for position in index]
    if len({(item.shape, item.dtype) for item in items}) > 1:
        raise InputError("the images of a Dataset must all have one shape and dtype: resize them")
    return torch.stack(items)


def _image(item: Any, name: str) -> Tensor:
    """The image of an item of a Dataset, which may come with a label."""
    image = item[0] if isinstance(item, tuple | list) and len(item) else item
    if not isinstance(image, Tensor) or not image.dim():
        raise InputError(f"{name} must be a tensor or begin with one, not {describe_value(item)}")
    return image


def _check_different(reference: Any, other_real: Any) -> None:
    """Raise InputError if the reference is the other real images: their distance would be meaningless."""
    same = reference is other_real
    if isinstance(reference, Tensor) and isinstance(other_real, Tensor) and not same:
        same = reference.shape == other_real.shape and torch.equal(
            reference.to(other_real.device), other_real
        )
    if same:
        raise InputError(
            "the reference and other_real are the same images, so that the real-data value would be 0: give "
            "training images as one and held-out images as the other"
        )
