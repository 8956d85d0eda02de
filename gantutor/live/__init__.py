"""What moves on the page while a cell trains."""

from gantutor.live.picture import Picture
from gantutor.live.scoring import Scoring

__all__ = ["Picture", "Scoring"]
