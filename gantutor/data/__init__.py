"""Data with a card each; a loader imports what it needs only when it is called."""

from gantutor.data import toy
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import digits
from gantutor.data.names import decode, encode, names
from gantutor.data.series import electricity, sines

__all__ = ["Card", "Dataset", "decode", "digits", "electricity", "encode", "names", "sines", "toy"]
