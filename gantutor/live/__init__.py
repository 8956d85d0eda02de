"""Interactive views for notebooks: dashboard, 2-D lab, latent explorer, time machine, and players."""

from gantutor.live.attribute_editor import AttributeEditor, edit
from gantutor.live.clips import Clips, play
from gantutor.live.dashboard import Dashboard
from gantutor.live.explorer import Explorer, explore
from gantutor.live.lab import Lab, lab
from gantutor.live.players import Players, listen
from gantutor.live.scoring import Scoring
from gantutor.live.time_machine import TimeMachine, time_machine
from gantutor.live.upload import Upload, upload

__all__ = [
    "AttributeEditor",
    "Clips",
    "Dashboard",
    "Explorer",
    "Lab",
    "Players",
    "Scoring",
    "TimeMachine",
    "Upload",
    "edit",
    "explore",
    "lab",
    "listen",
    "play",
    "time_machine",
    "upload",
]
