"""Scores of generated samples, each with its real-data value in the same measurement."""

from gantutor.metrics.attribute_classifier import (
    AttributeClassifier,
    attribute_classifier,
    attribute_scores,
    edit_scores,
    read_attributes,
    variety_within_condition,
)
from gantutor.metrics.band_extension import (
    band_distance,
    band_energy_error,
    extension_scores,
    local_contrast,
)
from gantutor.metrics.checkerboard import checkerboard_share
from gantutor.metrics.classifier_test import (
    ClassifierTest,
    light_classifier_test,
    strong_classifier_test,
    two_sample_error,
)
from gantutor.metrics.clustering import clustering_accuracy
from gantutor.metrics.digit_classifier import DigitClassifier, classify_digits, digit_classifier
from gantutor.metrics.digits import class_means, digit_scores
from gantutor.metrics.divergence import divergence_scores
from gantutor.metrics.face_features import FaceFeatures
from gantutor.metrics.faces import eigenface_features, face_scores
from gantutor.metrics.features import feature_scores
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.kernel_distance import kernel_distance, kernel_distances
from gantutor.metrics.modes import mode_scores
from gantutor.metrics.motion import median_scores, motion_diversity, motion_scores, wasserstein_distance
from gantutor.metrics.motion_estimation import measure_motion, undo_motion
from gantutor.metrics.names import bigram_names, name_scores, ngram_overlap, perfect_sampler, rediscovery
from gantutor.metrics.neighbours import (
    nearest_neighbour_error,
    nearest_neighbour_ratio,
    nearest_neighbours,
)
from gantutor.metrics.precision_recall import precision_recall
from gantutor.metrics.psnr import psnr
from gantutor.metrics.roc import RocArea, roc_area, roc_curve
from gantutor.metrics.score import MIME, Score, Scores, format_number, record
from gantutor.metrics.series import discriminative_score, predictive_score, train_on_synthetic
from gantutor.metrics.series_features import series_features
from gantutor.metrics.sines import nearest_sine, sine_scores
from gantutor.metrics.sound import (
    audio_scores,
    inception_score,
    log_spectral_distance,
    scale_invariant_sdr,
    signal_to_noise,
)
from gantutor.metrics.spoken_digit_classifier import (
    SpokenDigitClassifier,
    classify_spoken_digits,
    spoken_digit_classifier,
)
from gantutor.metrics.stacked_digits import stacked_scores
from gantutor.metrics.type_classifier import TypeClassifier, classify_type, train_type_classifier, type_scores

__all__ = [
    "MIME",
    "AttributeClassifier",
    "ClassifierTest",
    "DigitClassifier",
    "FaceFeatures",
    "RocArea",
    "Score",
    "Scores",
    "SpokenDigitClassifier",
    "TypeClassifier",
    "attribute_classifier",
    "attribute_scores",
    "audio_scores",
    "band_distance",
    "band_energy_error",
    "bigram_names",
    "checkerboard_share",
    "class_means",
    "classify_digits",
    "classify_spoken_digits",
    "classify_type",
    "clustering_accuracy",
    "digit_classifier",
    "digit_scores",
    "discriminative_score",
    "divergence_scores",
    "edit_scores",
    "eigenface_features",
    "extension_scores",
    "face_scores",
    "feature_scores",
    "format_number",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "kernel_distances",
    "light_classifier_test",
    "local_contrast",
    "log_spectral_distance",
    "measure_motion",
    "median_scores",
    "mode_scores",
    "motion_diversity",
    "motion_scores",
    "name_scores",
    "nearest_neighbour_error",
    "nearest_neighbour_ratio",
    "nearest_neighbours",
    "nearest_sine",
    "ngram_overlap",
    "perfect_sampler",
    "precision_recall",
    "predictive_score",
    "psnr",
    "read_attributes",
    "record",
    "rediscovery",
    "roc_area",
    "roc_curve",
    "scale_invariant_sdr",
    "series_features",
    "signal_to_noise",
    "sine_scores",
    "spoken_digit_classifier",
    "stacked_scores",
    "strong_classifier_test",
    "train_on_synthetic",
    "train_type_classifier",
    "two_sample_error",
    "type_scores",
    "undo_motion",
    "variety_within_condition",
    "wasserstein_distance",
]
