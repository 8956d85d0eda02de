"""Data with a card each; a loader imports what it needs only when it is called."""

from gantutor.data import toy
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import digits

__all__ = ["Card", "Dataset", "digits", "toy"]
