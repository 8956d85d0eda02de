# @title Google Colab, Kaggle and the like: install what is missing {display-mode: "form"}
# Only adds packages: every version that is there, such as torch and the kernel, stays as it is.
import importlib.util
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

source = ".." if Path("../pyproject.toml").exists() else "gantutor"
needed = {"gantutor": f"{source}[images,audio,faces,sequences]"}
needed |= {name: name for name in ("ipywidgets", "anywidget")}
if missing := [needed[name] for name in needed if importlib.util.find_spec(name) is None]:
    present = {d.metadata["Name"]: d.version for d in reversed(list(distributions())) if d.version}
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as constraints:
        constraints.writelines(f"{name}=={present[name]}\n" for name in present if name)
    pip = [sys.executable, "-m", "pip", "install", "-q", "-c", constraints.name]
    subprocess.run([*pip, *missing], check=True)
if "google.colab" in sys.modules:
    importlib.import_module("google.colab.output").enable_custom_widget_manager()
