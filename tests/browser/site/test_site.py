"""The site of the course: built without a warning, complete, and readable in a browser without a network."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import api_pages
import pytest

ROOT = Path(__file__).resolve().parents[3]
SHOTS = ROOT / "runs" / "browser"
NOTEBOOKS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
LUMINANCE = """colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(value => value / 255)
        .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}"""
CONTRASTS = f"""(selector) => {{
    const luminance = {LUMINANCE};
    const ground = element => {{
        for (let e = element; e; e = e.parentElement) {{
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$|transparent/.test(colour)) return luminance(colour);
        }}
        return 1;
    }};
    return [...document.querySelectorAll(selector)].map(element => {{
        const pair = [luminance(getComputedStyle(element).color), ground(element)].sort((a, b) => a - b);
        return [(pair[1] + 0.05) / (pair[0] + 0.05), element.textContent.trim().slice(0, 40)];
    }});
}}"""


class Page(HTMLParser):
    """What a page holds: its anchors, what it links to or loads, and its pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.pictures: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {given[key] or "" for key in ("id", "name") if key in given}
        self.links |= {given[key] or "" for key in ("href", "src") if key in given}
        if tag == "img":
            self.pictures.append(given)


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the site, built anew; a warning while it is built fails every test."""
    target = ROOT / "runs" / "site"
    built(target)
    return target


def built(target: Path, *options: str) -> None:
    command = [sys.executable, str(ROOT / "scripts/site/build.py"), str(target), *options]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=one_thread, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, Page]:
    files = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    return {path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8")) for path in files}


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


class Visit:
    """A browser's page on the site, in one theme and width, and what its console complains of."""

    def __init__(self, browser: Any, address: str, width: int = 1400, theme: str = "light") -> None:
        self.address, self.complaints = address, list[str]()
        self.page = browser.new_page(viewport={"width": width, "height": 1000})
        self.page.add_init_script(f"localStorage.mode = localStorage.theme = '{theme}'")
        self.page.on("console", lambda m: m.type in ("error", "warning") and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note)

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"asked for {request.url}")

    def open(self, name: str) -> Any:
        self.page.goto(self.address + name)
        return self.page

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"site-{name}.png")


# --- the files -------------------------------------------------------------------------------------------


def test_every_notebook_has_its_page_and_leads_to_the_next(pages: dict[str, Page]) -> None:
    for name, following in zip(NOTEBOOKS, [*NOTEBOOKS[1:], None], strict=True):
        page = pages[f"notebooks/{name}.html"]
        assert following is None or f"{following}.html" in page.links
        assert len(page.pictures) >= 5


def test_every_internal_link_leads_somewhere(site: Path, pages: dict[str, Page]) -> None:
    lost = []
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            inner = pages.get(target.resolve().relative_to(site.resolve()).as_posix())
            anchor = unquote(parts.fragment)
            # A link without a name is a button that a script serves.
            if not target.is_file() or (inner and anchor and anchor not in inner.anchors):
                lost.append(f"{name}: {link}")
    assert lost == []


def test_every_picture_has_alternative_text(pages: dict[str, Page]) -> None:
    bare = [name for name, page in pages.items() for picture in page.pictures if not picture.get("alt")]
    assert bare == [] and sum(len(page.pictures) for page in pages.values()) > 150


def test_every_picture_of_a_notebook_is_on_its_page(site: Path, pages: dict[str, Page]) -> None:
    for name in NOTEBOOKS:
        notebook = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8"))
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        stills = [o for o in outputs if "image/png" in o.get("data", {}) and "text/html" not in o["data"]]
        shown = [picture["alt"] for picture in pages[f"notebooks/{name}.html"].pictures]
        for still in stills:
            alt = still["metadata"].get("image/png", {}).get("alt")
            assert alt is None or alt in shown
        assert sum(alt is not None and not alt.startswith("<") for alt in shown) >= len(stills)


def test_no_output_is_left_as_raw_text(site: Path, pages: dict[str, Page]) -> None:
    for name in NOTEBOOKS:
        text = (site / f"notebooks/{name}.html").read_text(encoding="utf-8")
        visible = re.sub(r"<script.*?</script>|data:[^\"']*", "", text, flags=re.DOTALL)
        assert not re.search(r"\x1b|Widget\(|&lt;Figure|VBox\(|merror|\$\$", visible), name


def test_every_public_name_is_in_the_reference(pages: dict[str, Page]) -> None:
    for name, module in api_pages.public_modules().items():
        anchors = pages[f"reference/{name}.html"].anchors
        for member, value in api_pages.members(module).items():
            wanted = {f"{name}.{member}", *(f"{name}.{member}.{m}" for m in api_pages.methods(value))}
            assert wanted <= anchors, wanted - anchors
    private = [a for name, page in pages.items() if name.startswith("reference/") for a in page.anchors]
    assert not [anchor for anchor in private if re.search(r"^gantutor\S*\._", anchor)]


def test_the_glossary_links_terms_sections_and_names(pages: dict[str, Page]) -> None:
    glossary = pages["docs/glossary.html"]
    terms = {anchor for anchor in glossary.anchors if anchor.startswith("term-")}
    assert "term-batch-norm" in terms and len(terms) > 80
    assert "../notebooks/02_fully_connected_gan.html#break-it" in glossary.links
    assert "../reference/gantutor.games.html#gantutor.games.pix2pix" in glossary.links


def test_buttons_to_edit_and_to_launch_need_a_repository(
    site: Path, pages: dict[str, Page], tmp_path: Path
) -> None:
    for name in pages:
        text = (site / name).read_text(encoding="utf-8")
        assert "source-edit-button" not in text
        assert not any("colab.research.google.com" in link for link in pages[name].links)
    project = small_project(tmp_path)
    script = (
        f"import build, pathlib; raise SystemExit(build.build(pathlib.Path({str(tmp_path / 'site')!r}),"
        f" pathlib.Path({str(project)!r}), 'https://github.com/somebody/gantutor', 1))"
    )
    path = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "scripts/site"), str(ROOT)])}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    notebook = Page((tmp_path / "site/notebooks/00_one.html").read_text(encoding="utf-8"))
    repository = "somebody/gantutor"
    assert f"https://github.com/{repository}/edit/main/notebooks/00_one.ipynb" in notebook.links
    assert (
        f"https://colab.research.google.com/github/{repository}/blob/main/notebooks/00_one.ipynb"
        in notebook.links
    )
    index = Page((tmp_path / "site/index.html").read_text(encoding="utf-8"))
    assert f"https://github.com/{repository}/edit/main/docs/index.md" in index.links


def small_project(folder: Path) -> Path:
    project = folder / "project"
    for name in ("docs", "notebooks"):
        (project / name).mkdir(parents=True)
    (project / "docs/index.md").write_text("# Home\n\n```{toctree}\nnotebooks/00_one\n```\n")
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# One"]}]
    python = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": python, "nbformat": 4, "nbformat_minor": 5}
    (project / "notebooks/00_one.ipynb").write_text(json.dumps(notebook))
    return project


# --- in a browser ----------------------------------------------------------------------------------------


def test_search_finds_a_word(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    page = visit.open("search.html?q=checkerboard")
    page.wait_for_selector("#search-results li a", timeout=30_000)
    found = page.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    assert any("notebooks/03_cnn_image_gan.html" in link for link in found)
    assert any("docs/glossary.html" in link for link in found)
    assert visit.complaints == []


@pytest.mark.parametrize("name", ["index", "notebooks/05_audio_gan", "reference/gantutor.training"])
def test_a_page_loads_without_a_network_and_without_complaints(browser: Any, address: str, name: str) -> None:
    visit = Visit(browser, address)
    visit.open(f"{name}.html").wait_for_load_state("networkidle")
    assert visit.complaints == []


def test_sounds_and_clips_play_without_a_kernel(browser: Any, address: str) -> None:
    page = Visit(browser, address).open("notebooks/05_audio_gan.html")
    played = """async player => {
        player.muted = true;
        await player.play();
        await new Promise(resolve => setTimeout(resolve, 150));
        return [player.duration, player.currentTime];
    }"""
    duration, reached = page.locator(".gt-players audio").first.evaluate(played)
    assert duration > 0.1 and reached > 0
    page = Visit(browser, address).open("notebooks/08_image_to_video.html")
    clips = page.locator(".gt-clips details[open] img")
    sizes = clips.evaluate_all("all => all.map(one => [one.naturalWidth, one.src.slice(0, 14)])")
    assert len(sizes) >= 4 and all(width > 0 and kind == "data:image/gif" for width, kind in sizes)


def test_formulas_are_drawn(browser: Any, address: str) -> None:
    page = Visit(browser, address).open("notebooks/01_concepts.html")
    heights = page.locator("math").evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
    assert len(heights) > 50 and min(heights) > 5


GRADIENT_ERROR = """async ([address, gamma]) => {
    const {Game, Network, random, sample, DATA} = await import(address + '_static/lab.js');
    const settings = {data: 'ring', loss: 'non-saturating', gamma, seed: 4, rates: {}};
    const game = new Game(settings), d = game.discriminator, points = sample(DATA.ring, 16, random(2));
    const value = () => {
        if (!gamma) return d.forward(points).reduce((a, b) => a + b);
        d.forward(points);
        const slopes = d.backward(new Float64Array(16).fill(1), 0);
        return gamma / 2 * slopes.reduce((sum, slope) => sum + slope * slope, 0) / 16;
    };
    if (gamma) game.penalize(points, gamma);
    else { d.forward(points); d.backward(new Float64Array(16).fill(1)); }
    let worst = 0;
    for (const layer of d.layers) for (const k of [0, 3, 7, 31]) {
        if (k >= layer.values[0].length) continue;
        const weight = layer.values[0], kept = weight[k], h = 1e-6;
        weight[k] = kept + h; const above = value();
        weight[k] = kept - h; const below = value();
        weight[k] = kept;
        const found = layer.gradients[0][k], expected = (above - below) / (2 * h);
        worst = Math.max(worst, Math.abs(found - expected) / (1e-3 + Math.abs(expected)));
    }
    return worst;
}"""
LEARNT = """async address => {
    const {Game} = await import(address + '_static/lab.js');
    const rates = {generator: 0.002, discriminator: 0.002};
    const game = new Game({data: 'ring', loss: 'non-saturating', gamma: 0, seed: 0, rates});
    for (let i = 0; i < 3000; i++) game.step();
    return game.scores();
}"""


@pytest.mark.parametrize("gamma", [0, 0.5])
def test_the_gradients_of_the_lab_are_right(browser: Any, address: str, gamma: float) -> None:
    page = Visit(browser, address).open("docs/lab.html")
    assert page.evaluate(GRADIENT_ERROR, [address, gamma]) < 1e-3


def test_the_lab_learns_a_ring(browser: Any, address: str) -> None:
    scores = Visit(browser, address).open("docs/lab.html").evaluate(LEARNT, address)
    assert scores["covered"] >= 6 and scores["quality"] > 0.4


def test_the_lab_plays_steps_and_begins_anew(browser: Any, address: str) -> None:
    visit = Visit(browser, address, theme="dark")
    page = visit.open("docs/lab.html")
    page.click(".lab-play")
    page.wait_for_function("/step [1-9]\\d+/.test(document.querySelector('.lab-numbers').textContent)")
    visit.shot("lab")
    page.click(".lab-play")
    assert page.locator(".lab-play").inner_text() == "Play"
    page.select_option("select[name=data]", "grid")
    assert page.locator(".lab-numbers").inner_text().startswith("step 0 · modes covered")
    page.click(".lab-step")
    assert "step 1 ·" in page.locator(".lab-numbers").inner_text()
    assert "of 9" in page.locator(".lab-plane").get_attribute("aria-label")
    assert visit.complaints == []


def test_recorded_trainings_move_with_their_slider(browser: Any, address: str) -> None:
    visit = Visit(browser, address, theme="dark")
    page = visit.open("docs/replay.html")
    page.wait_for_function("document.querySelectorAll('.replay canvas').length === 3")
    for training in ("digits", "collapse", "cure"):
        place = page.locator(f"[data-training={training}]")
        slider, canvas = place.locator("input"), place.locator("canvas")
        at_the_end = canvas.evaluate("canvas => canvas.toDataURL()")
        slider.fill("0")
        assert place.locator("output").inner_text() == "step 1"
        assert canvas.get_attribute("aria-label").endswith("step 1")
        assert canvas.evaluate("canvas => canvas.toDataURL()") != at_the_end
        place.locator("button").click()
        page.wait_for_function("slider => slider.value > 1", arg=slider.element_handle())
        place.locator("button").click()
        assert place.locator("button").inner_text() == "Play"
    visit.shot("replay")
    assert visit.complaints == []


def test_pages_can_be_read_on_a_telephone(browser: Any, address: str, pages: dict[str, Page]) -> None:
    visit = Visit(browser, address, width=400)
    wide = []
    for name in pages:
        page = visit.open(name)
        if page.evaluate("document.documentElement.scrollWidth") > 400:
            wide.append(name)
    assert wide == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 900, 400])
def test_text_stands_out_from_its_ground(browser: Any, address: str, theme: str, width: int) -> None:
    visit = Visit(browser, address, width, theme)
    for name in ("index", "notebooks/04_rnn_sequence_gan", "notebooks/05_audio_gan", "docs/glossary"):
        page = visit.open(f"{name}.html")
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        dark = page.evaluate(f"({LUMINANCE})(getComputedStyle(document.body).backgroundColor)") < 0.1
        assert dark == (theme == "dark")
        contrasts = page.evaluate(CONTRASTS, "main :is(p, li, h1, h2, th, td, caption, figcaption, summary)")
        faint = [text for contrast, text in contrasts if text and contrast < 4.5]
        assert contrasts and faint == []
        visit.shot(f"{Path(name).name}-{width}-{theme}")
