"""Sounds and files of one's own in a browser: players play, in the saved notebook too, and a file arrives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from jupyter_browser import ANSWERS, READY, Notebook

import gantutor as gt

SOUNDS = """
import gantutor as gt, torch
time = torch.arange(4000) / 8000
tones = torch.stack([(2 * torch.pi * hertz * time).sin() / 2 for hertz in (200, 400, 800)])
gt.live.listen(tones, ["low", "middle", "high"])
"""
TRAINING = """
gan = gt.GAN(gt.networks.MLPGenerator(2, (4000,)), gt.networks.MLPDiscriminator((4000,)), latent=2)
board = gt.live.Dashboard(sounds=lambda run: run.sample(2).tanh())
run = gt.train(gan, tones, steps=10**6, batch_size=3, progress=False, callbacks=[board])
print("returned", run.ended)
"""
UPLOAD = """
def use(name, content):
    wave = gt.data.read_recording(content)
    return gt.plots.spectrograms(gt.data.spectrogram(wave[None])), gt.live.listen(wave, [name])
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
THREE = [[0.5, True, f"Play {name}"] for name in ("low", "middle", "high")]


def heard(notebook: Notebook) -> Any:
    """Every player of the page, played for a moment: its seconds, whether it went on, and its name."""
    return notebook.page.locator(".jp-OutputArea-output audio").evaluate_all(HEARD)


def saved(notebook: Notebook, path: Path) -> nbformat.NotebookNode:
    notebook.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    return nbformat.read(path, 4)


def test_sounds_play_in_a_notebook_that_is_opened_again_and_not_trusted(
    notebook: Callable[..., Notebook], server: tuple[str, Path], shot: Callable[..., None]
) -> None:
    folder = server[1]
    lab = notebook(SOUNDS)
    lab.run()
    lab.page.wait_for_selector("audio", timeout=60_000)
    lab.idle()
    assert heard(lab) == THREE
    lab.page.locator("audio").first.focus()
    lab.page.keyboard.press("Space")
    playing = "players => players.map(player => !player.paused)"
    lab.until(
        lambda: lab.page.locator("audio").evaluate_all(playing)[0], 5, "a sound begun with the keyboard"
    )
    reached = []
    for _ in range(40):  # a player has buttons of its own
        lab.page.keyboard.press("Tab")
        reached.append(lab.page.evaluate("document.activeElement.title"))
    assert {"Play middle", "Play high"} <= set(reached)
    content = saved(lab, next(folder.glob("test_sounds_play*.ipynb")))
    content.cells.append(nbformat.v4.new_markdown_cell("By somebody else"))  # signed by nobody
    nbformat.write(content, folder / "again.ipynb")
    lab.page.evaluate("void window.jupyterapp.commands.execute('docmanager:open', {path: 'again.ipynb'})")
    again = lab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    again.locator("p", has_text="By somebody else").wait_for(timeout=30_000)
    trusted = "window.jupyterapp.shell.currentWidget.content.model.cells.get(0).trusted"
    lab.until(lambda: again.locator("audio").count() == 3, 30, "the players")
    assert lab.page.evaluate(trusted) is False
    shot(lab, "players")
    assert again.locator("audio").evaluate_all(HEARD) == THREE
    alts = again.locator(".gt-players img").evaluate_all("all => all.map(one => one.alt)")
    assert "Spectrogram of middle: 0.50 s, loudest near 406 Hz" in alts[1]
    lab.page.wait_for_function(READY, timeout=30_000)  # its kernel has begun, and can end
    lab.page.evaluate(ANSWERS)


def test_a_training_is_heard_while_it_runs_and_afterwards(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SOUNDS, TRAINING)
    lab.run()
    lab.page.wait_for_selector(".gt-dashboard audio", timeout=60_000)
    lab.says("Pause, step and steer")
    first = lab.page.locator(".gt-dashboard audio").first.get_attribute("src")
    lab.page.click(".gt-pause")
    lab.says("paused", 5)

    def renewed() -> bool:
        return bool(lab.page.locator(".gt-dashboard audio").first.get_attribute("src") != first)

    lab.until(renewed, 10, "the sounds of the pause")
    assert lab.page.locator(".gt-dashboard audio").evaluate_all(HEARD) == [
        [0.5, True, f"Play sound {i}"] for i in (1, 2)
    ]
    lab.page.click(".gt-stop")
    lab.says("returned stopped", 10)
    lab.idle()
    assert lab.page.locator(".gt-dashboard").count() == 0
    assert [name for _, went_on, name in heard(lab)[3:] if went_on] == ["Play sound 1", "Play sound 2"]


def test_a_file_is_used(notebook: Callable[..., Notebook], server: tuple[str, Path], tmp_path: Path) -> None:
    wave = gt.data.spoken_digits().held_out.tensors[0][0]
    files = [tmp_path / "none.wav", gt.data.write_recording(tmp_path / "mine.wav", wave)]
    files[0].write_text("no sound")
    lab = notebook("import gantutor as gt", UPLOAD)
    lab.run()
    lab.page.wait_for_selector(".gt-upload", timeout=60_000)
    lab.idle()
    lab.page.on("filechooser", lambda chooser: chooser.set_files(files.pop()))
    lab.page.locator(".gt-upload").focus()
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_selector("audio", timeout=20_000)
    assert heard(lab) == [[4096 / 8000, True, "Play mine.wav"]]
    lab.page.locator(".gt-upload").click()
    lab.says("none.wav: the recording cannot be read as sound")
    assert heard(lab) == [[4096 / 8000, True, "Play mine.wav"]]
    outputs = saved(lab, next(server[1].glob("test_a_file_is_used*.ipynb"))).cells[1].outputs
    assert [sorted(output.data) for output in outputs][1] == ["text/html", "text/plain"]
    assert "data:audio/wav" in outputs[1].data["text/html"]
