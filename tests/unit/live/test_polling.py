"""Messages of the page while a cell is busy: ours are obeyed at once, all others keep their place."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gantutor.live import display, polling

zmq = pytest.importorskip("zmq")
session_module = pytest.importorskip("jupyter_client.session")

OURS, THEIRS = "a view's comm", "a slider's comm"


class FakeStream:
    """Stands for pyzmq's stream: it gives messages to the kernel."""

    def __init__(self, socket: Any, session: Any) -> None:
        self.socket, self.handed_over, self.flushed = socket, list[str](), 0
        self._session = session

    def _recv_callback(self, frames: Any) -> None:
        try:
            _, parts = self._session.feed_identities(frames, copy=False)
            message = self._session.deserialize(parts, copy=False)
            self.handed_over.append(message["content"].get("code", message["msg_type"]))
        except Exception:
            self.handed_over.append("what no one can read")

    def _run_callback(self, callback: Any, frames: Any) -> None:
        callback(frames)

    def flush(self) -> None:
        self.flushed += 1


class FakeKernel:
    """A kernel that is busy with a cell, whose messages come through a pair of sockets."""

    def __init__(self) -> None:
        context = zmq.Context.instance()
        self.page, socket = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        self.page.connect(f"tcp://127.0.0.1:{port}")
        self.session = session_module.Session(key=b"a secret")
        self.sender = session_module.Session(key=b"a secret")
        self.shell_stream = FakeStream(socket, self.session)
        self.status: list[tuple[str, str]] = []
        self.handled: list[Any] = []
        self.shell_handlers = {
            "comm_msg": lambda _, __, message: self.handled.append(message["content"]["data"])
        }
        self.io_loop = SimpleNamespace(add_callback=lambda callback: callback())

    def _publish_status(self, status: str, channel: str, parent: Any) -> None:
        self.status.append((status, parent.get("msg_type", "the cell")))

    def get_parent(self, channel: str) -> dict[str, Any]:
        return {}

    def send(self, kind: str, **content: Any) -> None:
        self.sender.send(self.page, kind, content)

    def wait(self) -> None:
        assert self.shell_stream.socket.poll(5000)
        time.sleep(0.05)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKernel]:
    made = FakeKernel()
    monkeypatch.setattr(display, "kernel", lambda: made)
    yield made
    for socket in (made.page, made.shell_stream.socket):
        socket.close(0)


def test_ours_are_obeyed_and_the_others_keep_their_order(kernel: FakeKernel) -> None:
    kernel.send("execute_request", code="first")
    kernel.send("comm_msg", comm_id=OURS, data="pause")
    kernel.send("comm_msg", comm_id=THEIRS, data="slide")
    kernel.send("execute_request", code="second")
    kernel.send("comm_msg", comm_id=OURS, data="resume")
    kernel.wait()
    assert polling.poll({OURS}) == 2
    assert kernel.handled == ["pause", "resume"]
    assert kernel.shell_stream.handed_over == ["first", "comm_msg", "second"]
    assert kernel.shell_stream.flushed == 1
    assert kernel.status == [("busy", "comm_msg"), ("idle", "comm_msg"), ("busy", "the cell")] * 2
    assert polling.poll({OURS}) == 0 and kernel.shell_stream.flushed == 1


def test_a_message_that_nobody_can_read_goes_to_the_kernel(kernel: FakeKernel) -> None:
    kernel.page.send_multipart([b"no", b"message"])
    kernel.send("comm_msg", comm_id=OURS, data="pause")
    kernel.wait()
    assert polling.poll({OURS}) == 1 and kernel.shell_stream.handed_over == ["what no one can read"]


def test_an_error_in_a_view_leaves_the_kernel_busy_with_its_cell(kernel: FakeKernel) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    kernel.shell_handlers = {"comm_msg": fail}
    kernel.send("comm_msg", comm_id=OURS, data="pause")
    kernel.wait()
    with pytest.raises(ZeroDivisionError):
        polling.poll({OURS})
    assert kernel.status[-1] == ("busy", "the cell")


def test_another_thread_leaves_the_queue_alone(kernel: FakeKernel) -> None:
    kernel.send("comm_msg", comm_id=OURS, data="pause")
    kernel.wait()
    counts = list[int]()
    thread = threading.Thread(target=lambda: counts.append(polling.poll({OURS})))
    thread.start()
    thread.join()
    assert counts == [0] and not kernel.handled


def test_a_kernel_of_another_kind_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "kernel", lambda: SimpleNamespace(shell_stream=object()))
    assert polling.poll({OURS}) == 0


# --- who watches ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "watched"),
    [
        ({"metadata": {"cellId": "a"}, "content": {"allow_stdin": True}}, True),  # JupyterLab, VS Code
        ({"metadata": {"colab": {"cell_id": "a"}}, "content": {"allow_stdin": True}}, True),
        ({"metadata": {}, "content": {"allow_stdin": False}}, False),  # papermill, nbclient, nbval
        ({"metadata": {"cellId": "a"}, "content": {"allow_stdin": False}}, False),
        ({"metadata": {}, "content": {"allow_stdin": True}}, False),  # a console
        ({}, False),
    ],
)
def test_somebody_watches_where_the_front_end_shows_cells(
    monkeypatch: pytest.MonkeyPatch, request_: dict[str, Any], watched: bool
) -> None:
    monkeypatch.setattr(display, "kernel", lambda: SimpleNamespace(get_parent=lambda channel: request_))
    assert display.watched() is watched


# --- a real kernel ----------------------------------------------------------------------------------------

SETUP = """
import os
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import gantutor as gt, torch
torch.set_num_threads(1)
points = torch.randn(64, 2)
def train():
    gan = gt.GAN(gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,)), latent=2)
    run = gt.train(gan, points, steps=10**7, batch_size=32, progress=False, callbacks=[gt.live.Dashboard()])
    print("returned", run.ended)
"""


class Kernel:
    """A kernel and what a front end without subshells sends to it."""

    def __init__(self) -> None:
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(kernel_name="python3", startup_timeout=90)
        self.seen: list[dict[str, Any]] = []
        self.statuses: dict[str, str] = {}

    def execute(self, code: str) -> str:
        content = {"code": code, "silent": False, "allow_stdin": True, "stop_on_error": True}
        message = self.client.session.msg("execute_request", content)
        message["metadata"] = {"cellId": "a cell"}
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def until(self, happened: Callable[[dict[str, Any]], Any], seconds: float = 90) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                message = self.client.get_iopub_msg(timeout=0.2)
            except queue.Empty:
                continue
            self.seen.append(message)
            if found := happened(message):
                return found
        raise AssertionError(f"it did not come; the kernel says {self.text()!r}")

    def idle_after(self, request: str) -> None:
        self.until(
            lambda message: (
                message["msg_type"] == "status"
                and message["content"]["execution_state"] == "idle"
                and message["parent_header"].get("msg_id") == request
            )
        )

    def text(self) -> str:
        return "".join(m["content"]["text"] for m in self.seen if m["msg_type"] == "stream")

    def train(self, code: str = "train()") -> tuple[str, str]:
        """Begin a training; gives the request and the comm of its dashboard."""
        request = self.execute(code)
        return request, self.until(
            lambda m: (
                m["msg_type"] == "comm_open"
                and "_esm" in m["content"]["data"]["state"]
                and m["content"]["comm_id"]
            )
        )

    def press(self, comm: str, kind: str, **content: Any) -> dict[str, Any]:
        """Send what a button sends, and return the status that answers it."""
        mark = f"{kind} {time.monotonic()}"
        data = {"method": "custom", "content": {"kind": kind, "mark": mark, **content}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", {"comm_id": comm, "data": data}))

        def answer(message: dict[str, Any]) -> Any:
            if message["msg_type"] != "comm_msg":
                return None
            sent = message["content"]["data"].get("content", {})
            return sent if sent.get("mark") == mark else None

        return self.until(answer, 30)  # type: ignore[no-any-return]

    def replies(self, *requests: str) -> list[str]:
        end = time.monotonic() + 30
        while not set(requests) <= set(self.statuses) and time.monotonic() < end:
            try:
                message = self.client.get_shell_msg(timeout=0.5)
            except queue.Empty:
                continue
            self.statuses[message["parent_header"]["msg_id"]] = message["content"].get("status")
        return [self.statuses.get(request, "no reply") for request in requests]


@pytest.fixture(scope="module")
def busy() -> Iterator[Kernel]:
    pytest.importorskip("ipykernel")
    pytest.importorskip("anywidget")
    kernel = Kernel()
    kernel.idle_after(kernel.execute(SETUP))
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


def test_controls_answer_while_the_cell_runs_and_queued_cells_wait_their_turn(busy: Kernel) -> None:
    request, comm = busy.train()
    assert busy.press(comm, "pause")["paused"]
    step = busy.press(comm, "ready")["step"]
    queued = [busy.execute(f"print('cell', {number})") for number in range(3)]
    asked = [busy.client.kernel_info() for _ in range(3)]
    busy.press(comm, "step", networks=[])
    assert busy.press(comm, "rate", name="generator", value=0.25)["rates"]["generator"] == 0.25
    assert not busy.press(comm, "resume")["paused"]
    queued.append(busy.execute("print('cell', 3)"))
    for _ in range(1000):  # a stop that comes before the first step ends the run at once
        if busy.press(comm, "ready")["step"] > step:
            break
    assert busy.press(comm, "stop")["step"] > step
    busy.idle_after(queued[-1])
    assert busy.text().endswith("returned stopped\ncell 0\ncell 1\ncell 2\ncell 3\n")
    assert set(busy.replies(request, *queued, *asked)) == {"ok"}


def test_an_error_aborts_the_cells_that_wait(busy: Kernel) -> None:
    request, comm = busy.train("train()\n1 / 0")
    busy.press(comm, "pause")
    queued = [busy.execute("print('must not run')") for _ in range(2)]
    busy.press(comm, "rate", name="generator", value=0.1)  # the queue was looked through after they came
    busy.press(comm, "stop")
    assert busy.replies(request, *queued) == ["error", "aborted", "aborted"]


def test_an_interrupt_ends_the_run_and_loses_no_cell(busy: Kernel) -> None:
    time.sleep(0.5)  # the kernel aborts what comes right after an error
    _, comm = busy.train()
    busy.press(comm, "pause")
    after = busy.execute("print('after it')")
    busy.press(comm, "rate", name="generator", value=0.1)
    busy.manager.interrupt_kernel()
    busy.idle_after(after)
    assert busy.text().endswith("returned interrupted\nafter it\n")
