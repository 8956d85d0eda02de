"""Train the two readers of lines that the package ships: ``python scripts/weights/train_text_readers.py``.

Both learn from lines of type, of the fonts that are not held out, and of MNIST digits, blurred and with noise
at random; they differ in architecture, seed and lines. The recurrent one, which scores use, also learns to
name the writer. The weights are written only if the readers misread at most 8 % of the characters of type and
of the MNIST numbers that they have not seen.
"""

from __future__ import annotations

import sys
import time

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._files import write_tensors
from gantutor.data.handwriting_fonts import NEW_WRITERS, WRITERS
from gantutor.data.words import decode_text
from gantutor.data.written_lines import handwritten_lines, line_typefaces
from gantutor.metrics.text_reader import WEIGHTS, character_error_rate, ctc_loss, read_text
from gantutor.networks.text_readers import ConvTextReader, RecurrentTextReader
from gantutor.training.device import without_denormals

SEEN = [name for name in WRITERS if name not in NEW_WRITERS]
LINES, STEPS, BATCH = 8_000, {"loss": 1300, "independent": 1300}, 48


def degraded(lines: Tensor, rng: torch.Generator) -> Tensor:
    """Lines blurred and with noise at random, so that flaws of a generator do not blind the reader."""
    share, strength = torch.rand(2, len(lines), 1, 1, 1, generator=rng)
    blurred = F.avg_pool2d(F.pad(lines, (1, 1, 1, 1), value=-1.0), 3, 1)
    noise = 0.15 * strength * torch.randn(lines.shape, generator=rng)
    noisy: Tensor = (lines + share.square() * (blurred - lines) + noise).clamp(-1, 1)
    return noisy


def train(name: str, seed: int) -> None:
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    lines = handwritten_lines(SEEN, LINES, seed, line_typefaces(), with_digits=0.12)
    written, typed, writer, _, codes = lines.train.tensors
    places = torch.tensor([WRITERS.index(one) for one in SEEN] + [-100])[writer]
    net = ConvTextReader() if name == "loss" else RecurrentTextReader(len(WRITERS))
    net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, betas=(0.9, 0.99), weight_decay=0.02, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, STEPS[name], pct_start=0.2)
    started = time.process_time()
    for step in range(1, STEPS[name] + 1):
        chosen = torch.randint(len(written), (BATCH,), generator=rng)
        hands = chosen[: BATCH * 3 // 4]
        batch = torch.cat([written[hands], typed[chosen[len(hands) :]]])
        with torch.autocast("cpu", torch.bfloat16):
            outputs = net(degraded(batch, rng))
        frames = outputs[0] if isinstance(outputs, tuple) else outputs
        loss = ctc_loss(frames, codes[chosen])
        if isinstance(outputs, tuple):
            loss = loss + 0.3 * F.cross_entropy(outputs[1][: len(hands)].float(), places[hands])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(name, step, f"{loss.item():.3f}, {time.process_time() - started:.0f} CPU s", flush=True)
    net.eval().requires_grad_(False)
    errors = {}
    for part, writers, digits in (("seen", SEEN, 0.0), ("new", NEW_WRITERS, 0.0), ("mnist", SEEN, 1.0)):
        test = handwritten_lines(writers, 4000, 99, line_typefaces(), with_digits=digits).held_out.tensors
        texts = decode_text(test[4])
        errors[part] = character_error_rate(read_text(test[0], net), texts)
        errors[f"{part}, in type"] = character_error_rate(read_text(test[1], net), texts)
        if name == "independent" and part == "seen":
            said = torch.cat([net(chunk)[1] for chunk in torch.split(test[0], 100)]).argmax(1)
            right = torch.tensor([WRITERS.index(one) for one in SEEN])[test[2]]
            print(f"writer named right: {(said == right).double().mean():.3f}")
    print(name, {key: round(value, 4) for key, value in errors.items()})
    if errors["seen, in type"] > 0.08 or errors["mnist"] > 0.08:
        raise SystemExit("not written: type and MNIST numbers must be read with at most 8 % of errors")
    # Half precision halves the files, and changes what is read by less than the seed does.
    state = {
        key: value.half() if value.is_floating_point() else value for key, value in net.state_dict().items()
    }
    write_tensors(WEIGHTS[name], state)
    print(f"written to {WEIGHTS[name].name}")


def main() -> None:
    with without_denormals():
        for name in sys.argv[1:] or WEIGHTS:
            train(name, {"loss": 0, "independent": 1}[name])


if __name__ == "__main__":
    main()
