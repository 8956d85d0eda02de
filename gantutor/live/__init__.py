"""What moves on the page while a cell trains."""

from gantutor.live.dashboard import Dashboard
from gantutor.live.picture import Picture
from gantutor.live.scoring import Scoring

__all__ = ["Dashboard", "Picture", "Scoring"]
