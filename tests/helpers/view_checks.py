"""What the browser tests ask of every view: themes, and nothing cut off."""

from __future__ import annotations

from jupyter_browser import Notebook

CUT = """selector => {
    const view = document.querySelector(selector);
    const output = view.closest(".jp-OutputArea-output").getBoundingClientRect();
    return [...view.querySelectorAll("*")]
        .filter(element => {
            const box = element.getBoundingClientRect();
            return box.width && (box.right > output.right + 1 || box.left < output.left - 1);
        })
        .map(element => `${element.tagName}.${element.className}`).join(", ");
}"""
"""The elements of a view that reach beyond the output of their cell."""


def set_theme(notebook: Notebook, theme: str) -> None:
    """Change to the theme "Light" or "Dark", and wait until it is there."""
    change = f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {theme}'}})"
    notebook.page.evaluate(change)
    wanted = str(theme == "Light").lower()
    notebook.until(
        lambda: notebook.page.evaluate("document.body.dataset.jpThemeLight") == wanted, 20, "the theme"
    )
