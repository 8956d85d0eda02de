"""Settings of the site. Sphinx reads them when ``make site`` runs scripts/site/build.py.

For a published copy set one thing: ``Repository`` under ``[project.urls]`` in pyproject.toml. With it the
pages have buttons that edit them, and notebooks one that opens them in Colab.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts" / "site")]

_project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
repository = os.environ.get("GANTUTOR_REPOSITORY", "")  # set by scripts/site/build.py

project = "GANTutor"
author = "The GANTutor developers"
release = version = _project["version"]
language = "en"
html_title = "GANTutor"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "site_extension"]

# The pages are Markdown, and notebooks with the outputs that are committed with them: nothing is executed.
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
myst_heading_slug_func = "site_sources.slug"
html_math_renderer = "mathml"

# The reference: docstrings are written in sections, and a class says what its constructor takes.
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_copy_source = True
html_show_sphinx = False
html_theme_options: dict[str, Any] = {
    "logo": {"text": "GANTutor"},
    "navbar_persistent": [],  # the side bar has the field to search
    "home_page_in_toc": False,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": True,
    "use_fullscreen_button": False,
}
if repository:
    html_theme_options |= {
        "repository_url": repository,
        "repository_branch": "main",
        "path_to_docs": "",
        "use_repository_button": True,
        "use_edit_page_button": True,
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    }
