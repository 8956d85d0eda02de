"""What moves on the page while a cell trains."""

from gantutor.live.dashboard import Dashboard
from gantutor.live.explorer import Explorer, explore
from gantutor.live.scoring import Scoring
from gantutor.live.snapshots import TimeMachine, time_machine

__all__ = ["Dashboard", "Explorer", "Scoring", "TimeMachine", "explore", "time_machine"]
