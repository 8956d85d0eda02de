"""Right calls of networks: each is built, and then used once with what its size asks for."""

from __future__ import annotations

from typing import Any

import torch
from right_calls import Call, Made, noise, shades
from torch import nn

import gantutor as gt


def labels(given: dict[str, Any]) -> tuple[Any, ...]:
    return (torch.zeros(2, dtype=torch.long),) if given.get("classes") else ()


def from_latent(network: nn.Module, given: dict[str, Any]) -> Any:
    return network(torch.randn(2, given.get("latent", given.get("noise"))), *labels(given))


def of_images(network: nn.Module, given: dict[str, Any]) -> Any:
    side = given.get("size", 28)
    return network(torch.randn(2, given.get("channels", 1), side, side), *labels(given))


def of_series(network: nn.Module, given: dict[str, Any]) -> Any:
    return network(torch.randn(2, given.get("length", 12), given["features"]))


def frames(*lead: int, size: int = 16, channels: int = 1) -> torch.Tensor:
    return shades(*lead, channels, size, size)


CALLS = [
    Call(
        "networks.AdaptedNetwork",
        {"network": nn.Linear(2, 3), "call": lambda network, inputs, condition: network(inputs)},
        lambda net, a: net(torch.randn(2, 2)),
    ),
    Call(
        "networks.MLPGenerator",
        {"latent": 2, "shape": (1, 3, 3), "width": 4, "depth": 2, "activation": nn.ReLU, "output": nn.Tanh},
        lambda net, a: from_latent(net, a).flatten(1),
    ),
    Call(
        "networks.MLPDiscriminator",
        {"shape": (1, 3, 3), "width": 4, "depth": 2, "activation": nn.ReLU, "scale": 1.0},
        lambda net, a: net(torch.randn(2, *a["shape"])),
    ),
    Call(
        "networks.ConvGenerator",
        {"latent": 3, "classes": 2, "channels": 1, "size": 8, "embedding": 3},
        from_latent,
    ),
    Call(
        "networks.ConvDiscriminator",
        {"classes": 2, "channels": 1, "size": 8, "features": 4, "group": 2},
        of_images,
    ),
    Call("networks.DCGANGenerator", {"latent": 3, "channels": 1, "width": 4}, from_latent),
    Call(
        "networks.DCGANDiscriminator",
        {"channels": 1, "width": 4, "normalize": True},
        lambda net, a: net(torch.randn(2, a["channels"], 28, 28)),
    ),
    Call(
        "networks.DeepGenerator",
        {"latent": 3, "classes": 2, "channels": 1, "size": 16, "widths": (8, 4, 4), "embedding": 3},
        from_latent,
    ),
    Call(
        "networks.DeepDiscriminator",
        {"classes": 2, "channels": 1, "size": 16, "widths": (4, 8), "features": 4, "group": 2},
        of_images,
    ),
    Call("networks.Flow", {"velocity": torch.nn.Linear(2, 2), "evaluations": 3, "limit": 1.0}),
    Call("networks.FlowUNet", {"classes": 2, "channels": 1, "widths": (8, 16)}),
    Call("networks.soft_clamp", {"x": noise(3, 2), "limit": 1.0, "sharpness": 5.0}),
    Call("networks.time_features", {"time": torch.rand(3), "count": 8}),
    Call(
        "networks.AttributeGenerator",
        {"options": (3, 2), "latent": 3, "channels": 1, "widths": (4, 4), "style": 4},
        lambda net, a: net(torch.randn(2, a["latent"]), torch.zeros(2, len(a["options"]), dtype=torch.long)),
    ),
    Call(
        "networks.AttributeDiscriminator",
        {"options": (3, 2), "channels": 1, "size": 16, "widths": (4, 8), "features": 4, "group": 2},
        lambda net, a: net(
            torch.randn(2, a["channels"], a["size"], a["size"]),
            torch.zeros(2, len(a["options"]), dtype=torch.long),
        )[0],
    ),
    Call(
        "networks.FourierFeatures",
        {"inputs": 2, "count": 4, "frequency": 1.0, "scale": 1.0},
        lambda net, a: net(torch.randn(2, a["inputs"])),
    ),
    Call(
        "networks.NameGenerator",
        {"latent": 3, "letters": 5, "length": 4, "hidden": 4, "temperature": 1.0},
        lambda net, a: net(torch.randn(2, net.inputs)),
    ),
    Call(
        "networks.PackedDiscriminator",
        {"discriminator": Made(lambda: nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))), "packing": 2},
        lambda net, a: net(torch.zeros(2 * a["packing"], 4 // a["packing"])),
    ),
    Call(
        "networks.GRUGenerator",
        {"latent": 3, "features": 2, "length": 5, "hidden": 4, "output": nn.Tanh},
        from_latent,
    ),
    Call(
        "networks.FreshNoiseGRUGenerator",
        {"noise": 3, "features": 2, "length": 5, "hidden": 4},
        lambda net, a: net(torch.randn(2, a["length"] * a["noise"])),
    ),
    Call("networks.GRUDiscriminator", {"features": 2, "hidden": 4}, of_series),
    Call("networks.SequenceConvDiscriminator", {"features": 2, "length": 12, "channels": 4}, of_series),
    Call("networks.FiniteDifferences", {"real": noise(9, 8, 2), "order": 2}, lambda net, a: net(a["real"])),
    Call(
        "networks.CumulativeSum", {"differences": Made(lambda: gt.networks.FiniteDifferences(noise(9, 8, 2)))}
    ),
    Call(
        "networks.SpectrogramGenerator",
        {"latent": 3, "classes": 2, "frames": 16, "embedding": 3},
        from_latent,
    ),
    Call(
        "networks.SpectrogramDiscriminator",
        {"classes": 2, "frames": 16, "features": 4, "group": 2},
        lambda net, a: net(torch.randn(2, 1, 128, a["frames"]), *labels(a)),
    ),
    Call("networks.SpectrogramTranslator", {"channels": 2}, lambda net, a: net(None, shades(2, 1, 128, 64))),
    Call(
        "networks.PairDiscriminator",
        {"channels": 2},
        lambda net, a: net(shades(2, 1, 128, 64), shades(2, 1, 128, 64)),
    ),
    Call(
        "networks.BandGenerator",
        {"channels": 2},
        lambda net, a: net(torch.randn(2, 4, 32, 8), shades(2, 1, 64, 16)),
    ),
    Call(
        "networks.BandDiscriminator",
        {"channels": 3},
        lambda net, a: net(shades(2, 1, 64, 16), shades(2, 1, 64, 16)),
    ),
    Call(
        "networks.WaveGenerator",
        {"latent": 3, "classes": 2, "length": 1024, "channels": 2, "embedding": 3},
        from_latent,
    ),
    Call(
        "networks.WaveDiscriminator",
        {"classes": 2, "length": 1024, "channels": 2, "shuffle": 2},
        lambda net, a: net(torch.randn(2, a["length"]), *labels(a)),
    ),
    Call(
        "networks.TypeTranslator", {"typefaces": 2, "latent": 3, "channels": 2, "features": 4, "embedding": 3}
    ),
    Call("networks.PatchDiscriminator", {"typefaces": 2, "pairs": True, "channels": 2, "group": 2}),
    Call("networks.DiscreteCodeTranslator", {"glyphs": shades(10, 1, 28, 28), "channels": 2, "features": 4}),
    Call("networks.unique_glyphs", {"images": shades(40, 1, 28, 28)}),
    Call(
        "networks.MotionPath",
        {"latent": 3, "code": 4, "frames": 4, "size": 16, "hidden": 4},
        lambda net, a: net(torch.randn(2, a["latent"]), torch.randn(2, a["code"])),
    ),
    Call(
        "networks.AffineVideoGenerator",
        {"latent": 3, "frames": 4, "size": 16, "hidden": 4},
        lambda net, a: net(torch.randn(2, a["latent"]), frames(2, size=a["size"])),
    ),
    Call(
        "networks.DecoderVideoGenerator",
        {"latent": 3, "frames": 4, "size": 16, "hidden": 4, "channels": 2, "image_channels": 1},
        lambda net, a: net(
            torch.randn(2, a["latent"]), frames(2, size=a["size"], channels=a["image_channels"])
        ),
    ),
    Call(
        "networks.FrameDiscriminator",
        {"size": 16, "image_channels": 1, "group": 2},
        lambda net, a: net(*[frames(2, size=a["size"], channels=a["image_channels"])] * 2),
    ),
    Call(
        "networks.ClipDiscriminator",
        {"frames": 4, "size": 16, "image_channels": 1, "channels": 4, "group": 2}
        | {"use_ink_trajectory": True},
        lambda net, a: net(
            frames(2, a["frames"], size=a["size"], channels=a["image_channels"]),
            frames(2, size=a["size"], channels=a["image_channels"]),
        ),
    ),
    Call("data.spectrogram", {"waves": shades(2, 1024)}),
    Call("data.normalize_peak", {"waves": shades(2, 64)}),
    Call("data.phase", {"waves": shades(2, 1024)}),
    Call("data.split_bands", {"spectrograms": shades(2, 1, 128, 16)}),
    Call("data.join_bands", {"lower": shades(2, 1, 64, 16), "upper": shades(2, 1, 64, 16)}),
    Call("data.band_pairs", {"waves": shades(2, 1024)}),
    Call("data.remove_upper_band", {"waves": shades(2, 1024)}),
    Call(
        "data.extend_waves",
        {"waves": shades(2, 1024), "upper": shades(2, 1, 64, 16), "iterations": 2, "seed": 0},
    ),
    Call(
        "data.griffin_lim", {"spectrograms": shades(2, 1, 128, 16), "iterations": 2, "phase": None, "seed": 0}
    ),
]
