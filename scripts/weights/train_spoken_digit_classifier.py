"""Train the classifier of spoken digits that the package ships.

    python scripts/weights/train_spoken_digit_classifier.py

It learns from the 1,817 training recordings, each of them also after a way to a spectrogram and back, moved,
stretched, tilted and masked at random, and is tested on the 449 held-out ones. The weights are written only
if it reads at least 97 % of them, after the way back to sound as well, and if clips that ears would refuse
(time reversed, muffled, noise of the same loudness) score at least 10 times the floor; none of this is looked
at while it trains.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from classifier_training import train
from torch import Tensor

from gantutor import data
from gantutor._files import write_tensors
from gantutor.data.spectrograms import griffin_lim, normalize_peak, spectrogram
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.sound import even_split
from gantutor.metrics.spoken_digit_classifier import WEIGHTS, SpokenDigitClassifier

STEPS, BATCH, RATE, SEED = 2400, 64, 2e-3, 0
READ, PUNISHED = 0.97, 10.0


def distorted(pictures: Tensor, draw: torch.Generator) -> Tensor:
    """Each spectrogram (N, 1, 128, 64) moved by up to 6 times, stretched by 10 % in time and 5 % in
    frequency, made louder or softer, tilted, a little noisy, and with a band and a stretch of time hidden."""
    count = len(pictures)

    def normal(scale: float, *shape: int) -> Tensor:
        return scale * torch.randn(count, *shape, generator=draw)

    zero = torch.zeros(count)
    move = (2 * torch.rand(count, generator=draw) - 1) * 6 / 32
    rows = [torch.stack([normal(0.1).exp(), zero, move], 1)]
    high = normal(0.05).exp()  # frequency 0 stays where it is: y = −1 is sent to itself
    rows.append(torch.stack([zero, high, high - 1], 1))
    place = F.affine_grid(torch.stack(rows, 1), list(pictures.shape), align_corners=False)
    seen = F.grid_sample(pictures + 1, place, align_corners=False)
    slope = torch.linspace(-1, 1, 128)[None, None, :, None]
    level = normal(0.08, 1, 1, 1) + normal(0.08, 1, 1, 1) * slope
    seen = seen + level * (seen > 0.05) + 0.03 * torch.randn(seen.shape, generator=draw)
    for axis, most in ((2, 16), (3, 8)):
        size = seen.shape[axis]
        width = torch.randint(0, most, (count, 1), generator=draw)
        start = (torch.rand(count, 1, generator=draw) * (size - width)).long()
        line = torch.arange(size)[None]
        hidden = (line >= start) & (line < start + width)
        seen = seen * ~(hidden[:, None, :, None] if axis == 2 else hidden[:, None, None, :])
    return seen.clamp(0, 2) - 1


def muffled(waves: Tensor) -> Tensor:
    """Waves without what lies above 700 Hz."""
    spectrum = torch.fft.rfft(waves)
    spectrum[:, int(700 / 4000 * (spectrum.shape[1] - 1)) :] = 0
    return torch.fft.irfft(spectrum, n=waves.shape[1])


def noise_as_loud(waves: Tensor) -> Tensor:
    """White noise that swells and fades as each wave does."""
    envelope = F.avg_pool1d(waves.abs()[:, None], 257, 1, 128)[:, 0]
    return envelope * torch.randn(waves.shape, generator=torch.Generator().manual_seed(0))


CONTROLS: dict[str, Callable[[Tensor], Tensor]] = {
    "reversed": lambda waves: waves.flip(1),
    "muffled": muffled,
    "noise": noise_as_loud,
}


def pictures_of(waves: Tensor) -> Tensor:
    return torch.cat([spectrogram(normalize_peak(part)) for part in waves.split(200)])


def there_and_back(pictures: Tensor) -> Tensor:
    return torch.cat([pictures_of(griffin_lim(part)) for part in pictures.split(200)])


def trained(pictures: Tensor, classes: Tensor) -> SpokenDigitClassifier:
    """A reader that has learnt from these spectrograms, frozen."""
    torch.manual_seed(SEED)
    draw = torch.Generator().manual_seed(SEED)
    reader = SpokenDigitClassifier().to(memory_format=torch.channels_last)

    def loss() -> Tensor:
        chosen = torch.randint(len(pictures), (BATCH,), generator=draw)
        seen = distorted(pictures[chosen], draw).contiguous(memory_format=torch.channels_last)
        return F.cross_entropy(reader(seen), classes[chosen])

    train(reader, loss, STEPS, RATE)
    return reader


def floor_of(features: Tensor, classes: Tensor) -> float:
    """The Fréchet distance of real recordings from others: the median over 20 even splits."""
    shuffle = torch.Generator().manual_seed(0)
    splits = [even_split(classes, 449, 449, shuffle) for _ in range(20)]
    floors = [frechet_distance(features[one], features[other]) for one, other in splits]
    return torch.tensor(floors).median().item()


def main() -> None:
    recordings = data.spoken_digits()
    (waves, labels), (test_waves, test_labels) = recordings.train.tensors, recordings.held_out.tensors
    pictures, test_pictures = pictures_of(waves), pictures_of(test_waves)
    both, classes = torch.cat([pictures, there_and_back(pictures)]), torch.cat([labels, labels])
    started = time.time()
    reader = trained(both, classes)

    def features(part: Tensor) -> Tensor:
        return torch.cat([reader.features(some) for some in part.split(200)])

    def accuracy(part: Tensor) -> float:
        return float((reader.head(features(part)).argmax(1) == test_labels).double().mean())

    read, read_back = accuracy(test_pictures), accuracy(there_and_back(test_pictures))
    real, held_out = features(pictures), features(test_pictures)
    floor = floor_of(torch.cat([real, held_out]), torch.cat([labels, test_labels]))
    print(
        f"{time.time() - started:.0f} s; held-out accuracy {read:.2%}, after the way back {read_back:.2%}; "
        f"floor {floor:.3f}; training recordings against held-out ones "
        f"{frechet_distance(real, held_out) / floor:.2f} × floor; the way back "
        f"{frechet_distance(features(there_and_back(test_pictures)), held_out) / floor:.2f} × floor"
    )
    punished = True
    for name, change in CONTROLS.items():
        bad = pictures_of(change(test_waves))
        multiple = frechet_distance(features(bad), held_out) / floor
        punished &= multiple >= PUNISHED
        print(f"{name}: {multiple:.1f} × floor, read right {accuracy(bad):.1%}")
    if min(read, read_back) < READ or not punished:
        raise SystemExit(
            f"not written: it must read {READ:.0%} of the held-out recordings, after the way back too, and "
            f"punish every bad control with {PUNISHED:g} times the floor"
        )
    write_tensors(WEIGHTS, reader.state_dict())
    print(f"written to {WEIGHTS.name}")


if __name__ == "__main__":
    main()
