"""Scores with their floors: each is a number that says how many samples, against what, and what real data
reach."""

from gantutor.metrics.digit import class_means, digit_scores
from gantutor.metrics.digit_classifier import DigitClassifier, digit_classifier, read_digits
from gantutor.metrics.divergence import divergence_scores
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.manifold import precision_recall
from gantutor.metrics.modes import mode_scores
from gantutor.metrics.neighbours import nearest, nearest_neighbour_ratio
from gantutor.metrics.score import MIME, Score, Scores, record

__all__ = [
    "MIME",
    "DigitClassifier",
    "Score",
    "Scores",
    "class_means",
    "digit_classifier",
    "digit_scores",
    "divergence_scores",
    "frechet_distance",
    "mode_scores",
    "nearest",
    "nearest_neighbour_ratio",
    "precision_recall",
    "read_digits",
    "record",
]
