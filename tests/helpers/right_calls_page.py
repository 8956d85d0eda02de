"""Right calls of what moves on the page, of the doctor, the exercises and the parameters."""

from __future__ import annotations

from typing import Any

import torch
from right_calls import Call, Made, image_run, noise, shades

import gantutor as gt
from gantutor.live.lab import Settings


def shown(thing: Any, given: dict[str, Any]) -> Any:
    """The still picture of something live."""
    return thing.still()


CALLS = [
    Call("live.Clips", {"clips": shades(2, 4, 1, 8, 8), "titles": ["a", "b"], "fps": 8.0}, shown),
    Call("live.play", {"clips": shades(2, 4, 1, 8, 8), "titles": ["a", "b"], "fps": 8.0}),
    Call("live.Players", {"waves": shades(2, 1024), "titles": ["a", "b"], "rate": 8000}, shown),
    Call("live.listen", {"waves": shades(2, 1024), "titles": ["a", "b"], "rate": 8000}),
    Call("live.Explorer", {"run": Made(lambda: image_run(2)), "data": None, "label": 1}, shown),
    Call("live.explore", {"run": Made(image_run), "data": shades(9, 1, 8, 8), "label": None}, examples=16),
    Call("live.TimeMachine", {"run": Made(image_run), "columns": 4, "to_text": None}, shown),
    Call("live.time_machine", {"run": Made(image_run), "columns": 4, "to_text": None, "early": False}),
    Call(
        "live.Dashboard",
        {"view": None, "scoring": None, "doctor": None, "seconds": 1.0, "sounds": None},
        allowed={"doctor": "Any"},
    ),
    Call(
        "live.Scoring",
        {
            "reference": torch.utils.data.TensorDataset(noise(20, 2)),
            "steps": [1, 2],
            "samples": 10,
            "score": gt.metrics.digit_scores,
        },
    ),
    Call("live.Upload", {"use": print, "accept": ".txt", "prompt": "Choose"}),
    Call("live.upload", {"use": print, "accept": ".txt", "prompt": "Choose"}),
    Call(
        "live.lab lab",
        {"generator": None, "discriminator": None, "data": noise(60, 2), "steps": 1},
        of=lambda: gt.live.lab,
    ),
    Call(
        "live.lab Settings",
        {
            "distribution": "ring",
            "loss": "hinge",
            "r1": 0.1,
            "r2": 0.1,
            "generator_rate": 1e-3,
            "discriminator_rate": 1e-3,
            "discriminator_turns": 1,
            "generator_width": 10,
            "generator_depth": 1,
            "discriminator_width": 10,
            "discriminator_depth": 1,
            "latent": 2,
            "seed": 0,
        },
        of=lambda: Settings,
    ),
    Call("doctor.Doctor", {"data": noise(64, 2), "held_out": noise(64, 2, seed=1), "every": 5}),
    Call("doctor.patients", {"seed": 0, "budget": 0.01}, examples=4),
    Call("exercises.check", {"number": "01.2", "answer": "ab"}, allowed={"answer": "Any"}),
    Call("exercises.question", {"number": "01.2"}),
    Call("exercises.hint", {"number": "01.2"}),
    Call("exercises.solution", {"number": "01.2"}),
    Call("_checks.check_device", {"name": "cpu"}),
    Call(
        "course.parameters.validate",
        {"namespace": {"seed": 3}},
        of=lambda: (
            lambda namespace: gt.course.parameters.validate(namespace, seed=gt.course.parameters.integer(0))
        ),
    ),
]
