"""Right calls of scores."""

from __future__ import annotations

import torch
from right_calls import Call, Made, noise, shades
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.data import toy

FEATURES = {"first": noise(20, 4), "second": noise(20, 4, seed=1)}
WAVES = {"estimate": noise(3, 512), "target": noise(3, 512, seed=1)}
READING = tuple[torch.Tensor, torch.Tensor]


def reading(seed: int) -> READING:
    return noise(20, 4, seed=seed), torch.eye(5).repeat(4, 1)


def digits(count: int) -> torch.Tensor:
    return gt.data.digits().held_out.tensors[0][:: 1000 // count][:count]


def clips(count: int, seed: int) -> torch.Tensor:
    return gt.data.sample_futures(digits(count), 1, seed=seed)[:, 0]


def labels(count: int) -> torch.Tensor:
    return gt.data.digits().held_out.tensors[1][:: 1000 // count][:count]


def type_set() -> TensorDataset:
    return TensorDataset(*(part[:40] for part in gt.data.typeset(copies=1).held_out.tensors))


SERIES = {"real": torch.rand(60, 6, 2), "generated": noise(60, 6, 2)}

CALLS = [
    Call("metrics.psnr", {"images": shades(3, 1, 4, 4), "targets": shades(3, 1, 4, 4, seed=1), "peak": 2.0}),
    Call("metrics.checkerboard_share", {"images": shades(3, 1, 8, 8)}),
    Call("metrics.frechet_distance", FEATURES),
    Call("metrics.kernel_distance", FEATURES),
    Call("metrics.kernel_distances", FEATURES | {"size": 10, "subsets": 2, "seed": 0}),
    Call("metrics.precision_recall", {"real": noise(20, 4), "generated": noise(20, 4, seed=1), "k": 3}),
    Call("metrics.nearest_neighbours", {"queries": noise(5, 3), "data": noise(9, 3, seed=1)}),
    Call(
        "metrics.nearest_neighbour_ratio",
        {"generated": noise(5, 3), "train": noise(9, 3, seed=1), "held_out": noise(4, 3, seed=2)},
    ),
    Call("metrics.nearest_neighbour_error", {"real": noise(9, 3), "generated": noise(9, 3, seed=1)}),
    Call("metrics.roc_area", {"positives": noise(5), "negatives": noise(4, seed=1), "confidence": 0.9}),
    Call("metrics.roc_curve", {"positives": noise(5), "negatives": noise(4, seed=1)}),
    Call("metrics.series_features", {"series": noise(4, 12, 2)}),
    Call("metrics.wasserstein_distance", {"first": noise(2, 9), "second": noise(2, 7, seed=1)}),
    Call(
        "metrics.clustering_accuracy",
        {"predicted": torch.tensor([1, 1, 2, 2, 0]), "labels": torch.tensor([0, 0, 1, 1, 2]), "classes": 3},
    ),
    Call("metrics.local_contrast", {"bands": shades(2, 1, 8, 8)}),
    Call("metrics.band_energy_error", {"bands": shades(2, 1, 8, 8), "real": shades(2, 1, 8, 8)}),
    Call("metrics.band_distance", {"bands": shades(2, 1, 8, 8), "real": shades(2, 1, 8, 8)}),
    Call(
        "metrics.extension_scores",
        {name: shades(4, 1, 64, 64) for name in ("upper", "real_upper", "lower")},
    ),
    Call("metrics.log_spectral_distance", WAVES | {"min_level": -60.0}),
    Call("metrics.signal_to_noise", WAVES),
    Call("metrics.scale_invariant_sdr", WAVES),
    Call("metrics.inception_score", {"probabilities": torch.eye(5)}),
    Call(
        "metrics.audio_scores",
        {
            "generated": reading(0),
            "real": reading(1),
            "other_real": reading(2),
            "labels": torch.arange(20) % 5,
            "real_labels": torch.arange(20) % 5,
            "seed": 0,
        },
    ),
    Call("metrics.mode_scores", {"samples": noise(50, 2), "distribution": toy.ring(), "seed": 0}),
    Call(
        "metrics.divergence_scores",
        {"samples": noise(50, 2), "distribution": toy.ring(), "side": 4, "seed": 0},
    ),
    Call("metrics.classify_digits", {"images": shades(2, 1, 28, 28)}),
    Call("metrics.class_means", {"count": 10}),
    Call(
        "metrics.digit_scores",
        {
            "generated": Made(lambda: digits(20)),
            "reference": Made(lambda: TensorDataset(digits(20), labels(20))),
            "generated_labels": Made(lambda: labels(20)),
            "seed": 0,
        },
        examples=40,
    ),
    Call("metrics.stacked_scores", {"generated": shades(20, 3, 28, 28)}),
    Call(
        "metrics.face_scores",
        {
            "generated": shades(12, 1, 64, 64),
            "reference": TensorDataset(shades(12, 1, 64, 64, seed=1)),
            "train": TensorDataset(shades(12, 1, 64, 64, seed=2)),
            "features": lambda images: images.flatten(1)[:, :4],
            "features_name": "pixels",
            "k": 3,
            "seed": 0,
        },
    ),
    Call(
        "metrics.feature_scores",
        {
            "features": lambda images: images.flatten(1)[:, :4],
            "other_real": noise(12, 1, 4, 4),
            "features_name": "pixels",
            "k": 2,
            "kid_size": 5,
            "kid_subsets": 2,
            "batch_size": 7,
            "seed": 0,
        },
        then=lambda score, arguments: score(noise(9, 1, 4, 4, seed=1), noise(10, 1, 4, 4, seed=2)),
    ),
    Call(
        "metrics.feature_scores of images",
        {
            "generated": noise(9, 1, 4, 4, seed=1),
            "reference": noise(10, 1, 4, 4, seed=2),
        },
        of=lambda: gt.metrics.feature_scores(lambda images: images.flatten(1)[:, :4], noise(12, 1, 4, 4)),
    ),
    Call("metrics.eigenface_features", {"images": shades(2, 1, 64, 64)}),
    Call("metrics.FaceFeatures", {"train": shades(12, 1, 16, 16), "eigenfaces": 4}),
    Call(
        "metrics.FaceFeatures of images",
        {"images": shades(3, 1, 16, 16)},
        of=lambda: gt.metrics.FaceFeatures(shades(12, 1, 16, 16), 4),
    ),
    Call(
        "metrics.measure_motion",
        {"clips": Made(lambda: clips(3, 0)), "first_frames": Made(lambda: clips(3, 0)[:, 0])},
    ),
    Call(
        "metrics.undo_motion",
        {"frames": Made(lambda: clips(3, 0)[:, 0]), "turn": torch.zeros(3), "growth": torch.ones(3)},
    ),
    Call(
        "metrics.motion_scores",
        {
            "generated": Made(lambda: clips(10, 0)),
            "first_frames": Made(lambda: clips(10, 0)[:, 0]),
            "labels": Made(lambda: labels(10)),
            "real": Made(lambda: clips(20, 1)),
            "real_labels": Made(lambda: labels(20)),
            "diversity_clips": None,
            "seed": 0,
        },
        examples=50,
    ),
    Call(
        "metrics.motion_diversity",
        {
            "generated": Made(lambda: gt.data.sample_futures(digits(3), 4, seed=0)),
            "real": Made(lambda: gt.data.sample_futures(digits(3), 4, seed=1)),
        },
    ),
    Call("metrics.nearest_sine", {"samples": torch.rand(3, 12, 2), "max_frequency": 0.1, "max_phase": 0.1}),
    Call(
        "metrics.sine_scores",
        {"samples": torch.rand(3, 12, 2), "max_frequency": 0.1, "max_phase": 0.1, "seed": 0},
    ),
    Call("metrics.light_classifier_test", {"steps": 2, "hidden": 3}),
    Call("metrics.strong_classifier_test", {"steps": 12, "channels": 4, "checkpoints": 2}),
    Call(
        "metrics.ClassifierTest",
        {
            "name": "own",
            "network": lambda features, length: gt.networks.GRUDiscriminator(features, 2),
            "steps": 2,
            "batch": 4,
            "learning_rate": 1e-3,
            "checkpoints": 1,
        },
    ),
    Call(
        "metrics.discriminative_score",
        SERIES
        | {
            "test": Made(lambda: gt.metrics.light_classifier_test(2)),
            "other_real": noise(60, 6, 2, seed=2),
            "seed": 0,
        },
    ),
    Call(
        "metrics.predictive_score",
        SERIES | {"hidden": 2, "steps": 2, "batch": 4, "learning_rate": 1e-3, "seed": 0},
    ),
    Call(
        "metrics.train_on_synthetic",
        {
            "generated": noise(20, 6, 1),
            "real_train": noise(20, 6, 1, seed=1),
            "held_out": noise(20, 6, 1, seed=2),
            "hidden": 2,
            "steps": 2,
            "batch": 4,
            "seed": 0,
            "repeats": 2,
        },
    ),
    Call("metrics.perfect_sampler", {"train": ["anna", "bob"], "held_out": ["dora"], "count": 3}),
    Call("metrics.rediscovery", {"names": ["anna", "dora"], "train": ["Anna"], "held_out": ["Dora"]}),
    Call("metrics.name_scores", {"generated": ["anna", "hanna"], "train": ["Anna"], "held_out": ["Johanna"]}),
    Call("metrics.ngram_overlap", {"names": ["anna", "abba"], "reference": ["hanna"], "n": 3}),
    Call("metrics.bigram_names", {"names": ["ab", "ac"], "count": 3, "seed": 0}),
    Call("metrics.classify_spoken_digits", {"clips": shades(2, 4096)}),
    Call("metrics.TypeClassifier", {"characters": 3, "faces": 2}),
    Call(
        "metrics.train_type_classifier",
        {"faces": None, "characters": "01", "steps": 2, "seed": 0},
        examples=24,
    ),
    Call(
        "metrics.classify_type",
        {"images": shades(2, 1, 28, 28), "classifier": Made(lambda: gt.metrics.TypeClassifier(10, 8).eval())},
    ),
    Call(
        "metrics.type_scores",
        {
            "images": shades(4, 1, 28, 28),
            "labels": torch.arange(4),
            "typeface": torch.arange(4),
            "classifier": Made(lambda: gt.metrics.TypeClassifier(10, 8).eval()),
            "real": Made(type_set),
        },
    ),
]
