"""Scores with their floors: each is a number that says how many samples, against what, and what real data
reach."""

from gantutor.metrics.audio import (
    audio_scores,
    inception_score,
    log_spectral_distance,
    scale_invariant_sdr,
    signal_to_noise,
)
from gantutor.metrics.digit import class_means, digit_scores
from gantutor.metrics.digit_classifier import DigitClassifier, digit_classifier, read_digits
from gantutor.metrics.divergence import divergence_scores
from gantutor.metrics.face_features import FaceFeatures
from gantutor.metrics.faces import eigenface_features, face_scores
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.judges import Judge, light_judge, strong_judge
from gantutor.metrics.kernel import kernel_distance, kernel_distances
from gantutor.metrics.manifold import precision_recall
from gantutor.metrics.modes import mode_scores
from gantutor.metrics.motion import motion_diversity, motion_scores, wasserstein_distance
from gantutor.metrics.neighbours import nearest, nearest_neighbour_ratio
from gantutor.metrics.permutation import best_permutation
from gantutor.metrics.reconstruction import psnr
from gantutor.metrics.registration import bring_back, measure_motion
from gantutor.metrics.score import MIME, Score, Scores, record
from gantutor.metrics.sequences import discriminative_score, predictive_score, train_on_synthetic
from gantutor.metrics.sines import nearest_sine, sine_scores
from gantutor.metrics.spelling import bigram_names, name_scores, ngram_overlap
from gantutor.metrics.spoken_reader import SpokenReader, read_spoken_digits, spoken_reader
from gantutor.metrics.stacked import stacked_scores
from gantutor.metrics.type_reader import TypeReader, read_type, type_reader, type_scores

__all__ = [
    "MIME",
    "DigitClassifier",
    "FaceFeatures",
    "Judge",
    "Score",
    "Scores",
    "SpokenReader",
    "TypeReader",
    "audio_scores",
    "best_permutation",
    "bigram_names",
    "bring_back",
    "class_means",
    "digit_classifier",
    "digit_scores",
    "discriminative_score",
    "divergence_scores",
    "eigenface_features",
    "face_scores",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "kernel_distances",
    "light_judge",
    "log_spectral_distance",
    "measure_motion",
    "mode_scores",
    "motion_diversity",
    "motion_scores",
    "name_scores",
    "nearest",
    "nearest_neighbour_ratio",
    "nearest_sine",
    "ngram_overlap",
    "precision_recall",
    "predictive_score",
    "psnr",
    "read_digits",
    "read_spoken_digits",
    "read_type",
    "record",
    "scale_invariant_sdr",
    "signal_to_noise",
    "sine_scores",
    "spoken_reader",
    "stacked_scores",
    "strong_judge",
    "train_on_synthetic",
    "type_reader",
    "type_scores",
    "wasserstein_distance",
]
