"""The data sets of the course, each with a card of its source, and functions for the user's own files."""

from gantutor.data import toy
from gantutor.data.alignment import align_faces
from gantutor.data.band_extension import (
    band_pairs,
    extend_waves,
    join_bands,
    remove_upper_band,
    split_bands,
)
from gantutor.data.clips import clip_count, write_clip
from gantutor.data.dataset import Card, Dataset, with_mirror_images
from gantutor.data.digits import digits
from gantutor.data.drawn_faces import FACE_ATTRIBUTES, FaceStyle, draw_faces, drawn_faces, random_faces
from gantutor.data.elastic_distortion import elastic_distortion
from gantutor.data.faces import faces
from gantutor.data.handwriting import handwritten_line, read_handwriting
from gantutor.data.handwriting_type import TranslationDataset, paired_handwriting, unpaired_handwriting
from gantutor.data.letters import letters
from gantutor.data.moving_digits import Motion, MovingDigits, moving_digits, place_digit, sample_futures
from gantutor.data.names import decode_names, encode_names, names
from gantutor.data.noisy_speech import noisy_speech
from gantutor.data.photographs import read_photograph
from gantutor.data.picture_folder import picture_folder
from gantutor.data.recordings import read_recording, write_recording
from gantutor.data.series import electricity, sines
from gantutor.data.spectrograms import griffin_lim, magnitude, normalize_peak, phase, spectrogram
from gantutor.data.spoken_digits import spoken_digits
from gantutor.data.stacked_digits import stacked_digits
from gantutor.data.talking_faces import Expressions, TalkingFaces, read_expressions, talking_faces
from gantutor.data.typefaces import Typeface, typeface_traits, typefaces
from gantutor.data.typeset import typeset, typeset_line

__all__ = [
    "FACE_ATTRIBUTES",
    "Card",
    "Dataset",
    "Expressions",
    "FaceStyle",
    "Motion",
    "MovingDigits",
    "TalkingFaces",
    "TranslationDataset",
    "Typeface",
    "align_faces",
    "band_pairs",
    "clip_count",
    "decode_names",
    "digits",
    "draw_faces",
    "drawn_faces",
    "elastic_distortion",
    "electricity",
    "encode_names",
    "extend_waves",
    "faces",
    "griffin_lim",
    "handwritten_line",
    "join_bands",
    "letters",
    "magnitude",
    "moving_digits",
    "names",
    "noisy_speech",
    "normalize_peak",
    "paired_handwriting",
    "phase",
    "picture_folder",
    "place_digit",
    "random_faces",
    "read_expressions",
    "read_handwriting",
    "read_photograph",
    "read_recording",
    "remove_upper_band",
    "sample_futures",
    "sines",
    "spectrogram",
    "split_bands",
    "spoken_digits",
    "stacked_digits",
    "talking_faces",
    "toy",
    "typeface_traits",
    "typefaces",
    "typeset",
    "typeset_line",
    "unpaired_handwriting",
    "with_mirror_images",
    "write_clip",
    "write_recording",
]
