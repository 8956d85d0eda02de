"""The notebooks of the course, and how their cells are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gantutor.course.commands.notebook_files import Notebook, text_of

ROOT = Path(__file__).resolve().parents[2]

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SCORES = {
    "00": "environment_ok",
    "01": "ring_modes_collapsed ring_modes ring_reverse_kl optimal_discriminator_error",
    "02": "digit_fid digit_fid_class_means digit_fid_equal_steps digit_fid_wgan_gp "
    "digit_fid_wgan_gp_equal_steps digits_covered nearest_neighbour_ratio",
    "03": "digit_fid recall precision class_accuracy digit_fid_unlabelled",
    "04": "sines_discriminative sines_predictive series_train_on_synthetic series_train_on_real "
    "series_last_value name_triples names_new names_distinct",
    "05": "reader_on_real reader_on_generated recall audio_frechet inception_score inception_score_real "
    "audio_to_audio audio_to_audio_input audio_to_audio_no_gan extension_frechet extension_frechet_no_gan "
    "extension_contrast extension_contrast_no_gan extension_distortion extension_distortion_no_gan",
    "06": "face_kernel_distance face_kernel_distance_no_augmentation inversion_psnr inversion_psnr_nearest "
    "precision_before_rejection precision_after_rejection nearest_neighbour_ratio",
    "07": "reader_paired reader_regression reader_strings typeface_match reader_unpaired "
    "reader_unpaired_best_permutation",
    "08": "last_frame_class motion_diversity displacement_distance rotation_distance scale_distance "
    "displacement_distance_constant_motion",
    "10": "loop_ratio seconds_to_5x_floor resume_exact",
}

every = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
first = pytest.mark.parametrize("path", PATHS[:1], ids=[path.stem for path in PATHS[:1]])


def code_cells(notebook: Notebook) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def lesson_cells(notebook: Notebook) -> list[dict[str, Any]]:
    """The code cells without the one that installs what a hosted notebook lacks."""
    return [cell for cell in code_cells(notebook) if "hide-input" not in cell["metadata"].get("tags", [])]


def prose(notebook: Notebook) -> str:
    return "\n\n".join(text_of(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
