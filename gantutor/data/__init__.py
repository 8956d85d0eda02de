"""Data with a card each; a loader imports what it needs only when it is called."""

from gantutor.data import toy
from gantutor.data.clips import clips_in, write_clip
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import digits
from gantutor.data.faces import faces
from gantutor.data.handwriting import handwritten_line, read_handwriting
from gantutor.data.letters import letters
from gantutor.data.moving_digits import Motion, MovingDigits, futures, moving_digits, place_digit
from gantutor.data.names import decode, encode, names
from gantutor.data.noisy import noisy_speech
from gantutor.data.pairs import Translation, handwriting_and_type, handwriting_to_type
from gantutor.data.photographs import read_photograph
from gantutor.data.recordings import read_recording, write_recording
from gantutor.data.series import electricity, sines
from gantutor.data.speech import speech
from gantutor.data.stacked import stacked_digits
from gantutor.data.typefaces import Typeface, typeface_traits, typefaces
from gantutor.data.typeset import typeset, typeset_string

__all__ = [
    "Card",
    "Dataset",
    "Motion",
    "MovingDigits",
    "Translation",
    "Typeface",
    "clips_in",
    "decode",
    "digits",
    "electricity",
    "encode",
    "faces",
    "futures",
    "handwriting_and_type",
    "handwriting_to_type",
    "handwritten_line",
    "letters",
    "moving_digits",
    "names",
    "noisy_speech",
    "place_digit",
    "read_handwriting",
    "read_photograph",
    "read_recording",
    "sines",
    "speech",
    "stacked_digits",
    "toy",
    "typeface_traits",
    "typefaces",
    "typeset",
    "typeset_string",
    "write_clip",
    "write_recording",
]
