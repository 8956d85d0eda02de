"""Messages of views while a cell is busy: the kernel's queue is polled between two steps.

A kernel handles one message after the other, so it would handle a button that is pressed while a cell trains
only after the cell has ended. Some front ends and kernels have subshells for this (ipykernel 7.1 to 7.3 with
JupyterLab 4.4 or later); everywhere else ``poll`` takes our views' messages out of the queue. The others,
such as cells that were queued meanwhile, go to the kernel in the order in which they came.

This uses attributes of ipykernel and pyzmq that are not public; pyproject.toml names the versions that it was
tested with. Where they are missing, nothing is polled.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any

from gantutor.live import display
from gantutor.training.control import defer_interrupts


def poll(comm_ids: Collection[str]) -> int:
    """Handle the waiting messages of some views in the middle of the present cell.

    Outside the main thread of a kernel nothing is done.

    Args:
        comm_ids: the identities of the views' comms.

    Returns:
        The number of messages that were handled.

    >>> poll(["a view's comm"])  # there is no kernel here
    0
    """
    kernel = display.kernel()
    stream = _stream_of(kernel)
    if stream is None or not _is_waiting(stream.socket):
        return 0
    count = 0
    with defer_interrupts():  # ■ must not lose a message that was taken and is not handed over yet
        while (frames := _take(stream.socket)) is not None:
            if _belongs_to(frames, comm_ids, kernel.session):
                _handle(frames, kernel, stream)
                count += 1
            else:  # in the way in which the stream itself gives the kernel a message
                stream._run_callback(stream._recv_callback, frames)
        # The stream is not told that a message came that we have read: let it look once the cell has ended.
        kernel.io_loop.add_callback(stream.flush)
    return count


def _stream_of(kernel: Any) -> Any:
    """The stream of the messages to the main shell of a kernel, or None where it cannot be read."""
    if kernel is None or threading.current_thread() is not threading.main_thread():
        return None
    thread = getattr(kernel, "shell_channel_thread", None)
    if thread is None:
        stream = getattr(kernel, "shell_stream", None)
    else:  # ipykernel 7: a thread of its own reads the socket and passes on what is not for a subshell
        stream = getattr(getattr(thread.manager, "_shell_channel_to_main", None), "to_stream", None)
    usable = getattr(stream, "_recv_callback", None) is not None and hasattr(stream, "_run_callback")
    return stream if usable and hasattr(kernel, "io_loop") else None


def _is_waiting(socket: Any) -> bool:
    import zmq

    return bool(socket.getsockopt(zmq.EVENTS) & zmq.POLLIN)


def _take(socket: Any) -> Any:
    """Take the frames of the next message; None if there is none."""
    import zmq

    try:
        return socket.recv_multipart(zmq.NOBLOCK, copy=False)
    except zmq.Again:
        return None


def _belongs_to(frames: Any, comm_ids: Collection[str], session: Any) -> bool:
    """Whether a message is for one of these comms.

    Only the header and the text of the content are read: a message may be unpacked whole only once, because
    its signature would be refused the second time.
    """
    try:
        _, parts = session.feed_identities(frames, copy=False)
        glance = session.deserialize(parts, content=False, copy=False)
        return (
            glance["header"]["msg_type"] == "comm_msg"
            and session.unpack(glance["content"]).get("comm_id") in comm_ids
        )
    except Exception:  # not a message as we know them: the kernel says what is wrong with it
        return False


def _handle(frames: Any, kernel: Any, stream: Any) -> None:
    """Handle a message to a comm as the kernel would, and leave the kernel busy with its cell."""
    idents, parts = kernel.session.feed_identities(frames, copy=False)
    message = kernel.session.deserialize(parts, content=True, copy=False)
    kernel._publish_status("busy", "shell", parent=message)
    try:
        kernel.shell_handlers["comm_msg"](stream, idents, message)
    finally:
        kernel._publish_status("idle", "shell", parent=message)
        kernel._publish_status("busy", "shell", parent=kernel.get_parent("shell"))
