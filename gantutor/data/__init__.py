"""Data with a card each; a loader imports what it needs only when it is called."""

from gantutor.data import toy
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import digits
from gantutor.data.series import electricity, sines

__all__ = ["Card", "Dataset", "digits", "electricity", "sines", "toy"]
