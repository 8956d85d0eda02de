"""Right calls of the still pictures, each drawn to its end."""

from __future__ import annotations

from typing import Any

from right_calls import Call, Made, image_run, noise, point_run, shades

import gantutor as gt

ANY_WORDS = dict.fromkeys(("title", "unit", "x", "y"), "Any")
"""What matplotlib writes as it comes: of whatever is given, str() is its text."""


def drawn(figure: Any, given: dict[str, Any]) -> Any:
    """The figure, which matplotlib has drawn: much that is wrong shows then only."""
    figure.canvas.draw()
    return figure


def drawn_on(nothing: Any, given: dict[str, Any]) -> Any:
    """What was drawn into panels that were given."""
    drawn(given["axes"].figure, given)
    return nothing


def panel() -> Any:
    return gt.plots.figure(size=(2.0, 1.5))[1]


PANEL = Made(panel)
IMAGES = shades(6, 1, 8, 8)
SPECTROGRAMS = shades(3, 1, 128, 16)

CALLS = [
    Call("plots.player_colours", {"names": ["generator", "frames"]}),
    Call(
        "plots.figure",
        {"rows": 1, "columns": 2, "size": (3.0, 2.0)},
        lambda made, given: drawn(made[0], given),
    ),
    Call(
        "plots.label",
        {"axes": PANEL, "title": "Losses", "x": "step", "y": "nats"},
        drawn_on,
        allowed=ANY_WORDS,
    ),
    Call("plots.moving_average", {"values": [1.0, 2.0, 4.0], "window": 2}),
    Call(
        "plots.downsample",
        {"steps": [0, 1, 2, 3], "values": [1.0, 2.0, 3.0, 4.0], "max_points": 2},
        lambda made, given: [len(column) for column in made],
    ),
    Call(
        "plots.losses", {"run": Made(point_run), "title": "Losses", "axes": PANEL}, drawn, allowed=ANY_WORDS
    ),
    Call(
        "plots.score_curves",
        {
            "curves": {"generated": ([1, 2], [9.0, 4.0])},
            "title": "Distance",
            "x_label": "step",
            "y_label": "distance",
            "levels": {"real data": 3.9},
            "colours": ["black"],
            "log": "xy",
            "joined": True,
            "axes": PANEL,
        },
        drawn,
        allowed=ANY_WORDS | dict.fromkeys(("x_label", "y_label"), "Any"),
    ),
    Call(
        "plots.bars",
        {
            "values": {"real": 1.0, "generated": 2.0},
            "title": "Two",
            "unit": "nats",
            "colours": ["#000000"] * 2,
            "log": False,
        },
        drawn,
        allowed=ANY_WORDS,
    ),
    Call(
        "plots.sample_grid",
        {"samples": IMAGES, "title": "Six", "columns": 3, "axes": PANEL, "to_text": None},
        drawn,
        allowed=ANY_WORDS,
    ),
    Call(
        "plots.sample_grid series",
        {
            "samples": noise(6, 12, 2),
            "columns": 3,
            "to_text": lambda sample: f"{float(sample.double().mean()):.1f}",
        },
        drawn,
    ),
    Call("plots.samples", {"run": Made(point_run), "axes": PANEL, "count": 8}, drawn),
    Call("plots.tile", {"images": IMAGES, "columns": 3}),
    Call(
        "plots.grid",
        {"images": IMAGES, "title": "Six", "columns": 3, "axes": PANEL},
        drawn,
        allowed=ANY_WORDS,
    ),
    Call("plots.grids", {"parts": {"real": IMAGES}, "columns": 3, "size": (3.0, 2.0)}, drawn),
    Call(
        "plots.series",
        {
            "parts": {"real": noise(6, 12, 2), "generated": noise(6, 12, 2)},
            "title": "Two kinds",
            "lines": 3,
            "unit": "value",
            "colours": ["#000000", "#ff0000"],
            "size": (3.0, 2.0),
        },
        drawn,
        allowed=ANY_WORDS,
    ),
    Call(
        "plots.table",
        {
            "rows": {"anna": [0.5, "new"]},
            "columns": ["share", "kind"],
            "corner": "name",
            "caption": "Names",
            "digits": ".3f",
        },
        allowed=ANY_WORDS,
    ),
    Call(
        "plots.trade_off",
        {
            "paths": {"GAN": [(1.0, 0.2), (0.9, 0.8)], "pairs": [(0.9, 0.7)]},
            "title": "Two",
            "x": "new",
            "y": "known",
            "real": ["pairs"],
        },
        drawn,
        allowed=ANY_WORDS,
    ),
    Call("plots.check_snapshots", {"run": Made(image_run), "to_text": None}),
    Call(
        "plots.time_machine",
        {"run": Made(image_run), "rows": 2, "columns": 2, "title": "Twice", "to_text": None, "early": True},
        drawn,
        allowed=ANY_WORDS,
    ),
    Call(
        "plots.points",
        {
            "real": noise(20, 2),
            "generated": noise(20, 2, seed=1),
            "title": "Two clouds",
            "discriminator": Made(lambda: point_run().gan.networks["discriminator"]),
            "axes": PANEL,
            "reach": 3.0,
            "legend": True,
        },
        drawn,
        allowed=ANY_WORDS,
    ),
    Call(
        "plots.lines",
        {
            "x": [0, 1, 2],
            "curves": {"p": [0.1, 0.5, 0.2], "q": [0.3, 0.3, 0.3]},
            "title": "Two curves",
            "x_label": "x",
            "y_label": "density",
            "colours": ["#000000", "#ff0000"],
            "axes": PANEL,
            "log": False,
        },
        drawn,
        allowed=dict.fromkeys(("title", "x_label", "y_label"), "Any"),
    ),
    Call(
        "plots.dots",
        {
            "values": {"real data": 1.0, "generated": [2.0, 3.0]},
            "title": "Two",
            "unit": "nats",
            "colours": ["#000000"] * 2,
            "log": False,
            "axes": PANEL,
        },
        drawn,
        allowed=ANY_WORDS,
    ),
    Call(
        "plots.clouds",
        {
            "real": noise(20, 2),
            "parts": {"early": noise(20, 2, seed=1), "late": noise(20, 2, seed=2)},
            "title": "Two moments",
            "columns": 2,
            "reach": 3.0,
        },
        drawn,
        allowed=ANY_WORDS,
    ),
    Call(
        "plots.mode_history",
        {"steps": [0, 100], "shares": shades(2, 8).abs(), "title": "Shares", "axes": PANEL},
        drawn,
        allowed=ANY_WORDS,
    ),
    Call(
        "plots.shade",
        {
            "axes": PANEL,
            "discriminator": Made(lambda: point_run().gan.networks["discriminator"]),
            "reach": 3.0,
            "side": 8,
        },
        drawn_on,
    ),
    Call(
        "plots.gradient_arrows",
        {"run": Made(point_run), "real": noise(20, 2), "axes": PANEL, "count": 8},
        drawn,
    ),
    Call(
        "plots.warped_grid",
        {"run": Made(point_run), "real": noise(20, 2), "axes": PANEL, "side": 5, "reach": 2.0},
        drawn,
    ),
    Call("plots.spectrograms_to_rgb", {"images": SPECTROGRAMS}),
    Call(
        "plots.spectrograms",
        {
            "parts": {"real": SPECTROGRAMS},
            "titles": ["a", "b"],
            "title": "One kind",
            "columns": 2,
            "rate": 8000,
            "size": (3.0, 2.0),
        },
        drawn,
        allowed=ANY_WORDS,
        examples=24,
    ),
    Call(
        "plots.texts",
        {"lines": ["anna", "bert"], "title": "Two", "axes": PANEL, "columns": 2},
        drawn,
        allowed=ANY_WORDS,
    ),
    Call("plots.diagrams.gan_game", {"real": shades(1, 8, 8), "generated": shades(1, 8, 8)}, drawn),
    Call(
        "plots.diagrams.label_paths",
        {"latent": 8, "embedding": 4, "features": 16, "shape": (1, 8, 8)},
        drawn,
    ),
    Call("plots.diagrams.stft", {"wave": shades(640)}, drawn),
    Call(
        "plots.diagrams.spectrogram_gan",
        {"real": shades(1, 128, 8), "generated": shades(1, 128, 8), "latent": 64},
        drawn,
    ),
    Call("plots.diagrams.band_u_net", {"channels": 16, "noise": 4, "frames": 64}, drawn),
    Call("plots.diagrams.training_loop", {"every": 100}, drawn),
    Call("plots.diagrams.ema", {"steps": 20, "half_life": 2.0, "seed": 0}, drawn),
    Call("plots.diagrams.r1_picture", {"gamma": 1.0}, drawn),
    Call("plots.diagrams.unrolled_rnn", {"latent": 4, "hidden": 8, "features": 2, "length": 6}, drawn),
    Call(
        "plots.diagrams.gumbel_softmax",
        {"logits": (0.0, 1.0), "noise": (0.5, -0.5), "temperatures": (1.0, 0.1), "letters": "ab"},
        drawn,
    ),
    Call("plots.diagrams.video_game", {"clip": shades(5, 1, 8, 8)}, drawn),
    Call("plots.diagrams.motion_path", {"frames": 8}, drawn),
    Call(
        "plots.diagrams.warp",
        {"first": shades(1, 8, 8), "shift_right": 1.0, "shift_down": 1.0, "turn": 10.0, "growth": 1.1},
        drawn,
    ),
    Call("plots.diagrams.moved_features", {"clip": shades(5, 1, 8, 8)}, drawn),
    Call("plots.diagrams.drawn_change", {"clip": shades(5, 3, 8, 8)}, drawn),
    Call("plots.diagrams.video_discriminators", {"clip": shades(5, 1, 8, 8)}, drawn),
    Call("plots.diagrams.teacher_forcing", {"word": "anna", "own": "aron"}, drawn),
    Call(
        "plots.diagrams.network",
        {
            "module": Made(lambda: point_run().gan.networks["generator"]),
            "inputs": (2,),
            "condition": None,
            "title": "Two layers",
            "role": "generator",
            "condition_name": "label",
        },
        drawn,
        allowed=ANY_WORDS,
    ),
]
