"""Sounds and files of one's own in a browser: players play, in the saved notebook too, and a file arrives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_browser import Notebook

import gantutor as gt

SOUNDS = """
import gantutor as gt, torch
time = torch.arange(4000) / 8000
tones = torch.stack([(2 * torch.pi * hertz * time).sin() / 2 for hertz in (200, 400, 800)])
gt.live.listen(tones, ["low", "middle", "high"])
"""
UPLOAD = """
def use(name, content):
    wave = gt.data.read_recording(content, length=4096)
    return gt.plots.spectrograms(gt.networks.spectrogram(wave[None])), gt.live.listen(wave, [name])
chosen = gt.live.upload(use)
"""
HEARD = """async players => {
    const found = [];
    for (const player of players) {
        player.muted = true;
        await player.play();
        await new Promise(resolve => setTimeout(resolve, 150));
        found.push([player.duration, player.currentTime > 0, player.title]);
        player.pause();
    }
    return found;
}"""


def heard(notebook: Notebook) -> Any:
    """Every player of the page, played for a moment: its seconds, whether it went on, and its name."""
    return notebook.page.locator(".jp-OutputArea-output audio").evaluate_all(HEARD)


def test_sounds_play(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SOUNDS)
    lab.run()
    lab.page.wait_for_selector("audio", timeout=60_000)
    lab.idle()
    assert heard(lab) == [[0.5, True, f"Play {name}"] for name in ("low", "middle", "high")]


def test_a_file_is_used(notebook: Callable[..., Notebook], tmp_path: Path) -> None:
    wave = gt.data.speech().held_out.tensors[0][0]
    file = gt.data.write_recording(tmp_path / "mine.wav", wave)
    (tmp_path / "none.wav").write_text("no sound")
    lab = notebook("import gantutor as gt", UPLOAD)
    lab.run()
    lab.page.wait_for_selector(".gt-upload", timeout=60_000)
    lab.idle()
    lab.page.on("filechooser", lambda chooser: chooser.set_files(file))
    lab.page.click(".gt-upload")
    lab.page.wait_for_selector("audio", timeout=20_000)
    assert heard(lab) == [[4096 / 8000, True, "Play mine.wav"]]
