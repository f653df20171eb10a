"""Serving the page on this machine only."""

from __future__ import annotations

import os
import socket
import webbrowser
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from saccade.errors import RunError

HOST = "127.0.0.1"
TRIED = 50  # ports


def serve(
    app: FastAPI, *, port: int = 8000, open_browser: bool = True, announce: Callable[[str], None] = print
) -> None:
    """Serve ``app`` on 127.0.0.1 until Ctrl+C, on ``port`` or the next free one after it.

    Args:
        app: the page, from ``create_app``.
        port: 1 to 65535, or 0 for any free one.
        open_browser: show it in the user's web browser.
        announce: is given the address as soon as it answers.

    Raises:
        RunError: no port is free.
    """
    listener = listen(port)
    url = f"http://{HOST}:{listener.getsockname()[1]}/"
    announce(url)
    if open_browser:
        webbrowser.open(url)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn has shut down in good order and then raises it again
        pass
    finally:
        listener.close()


def listen(port: int) -> socket.socket:
    """A listening socket on the first free port from ``port`` on; connections wait in it to be served.

    Raises:
        RunError: no port is free.
    """
    for candidate in range(port, min(port + TRIED, 65536)):
        # With the protocol named, asyncio turns off Nagle's algorithm, which delays each answer by 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere it would let us take a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        return listener
    raise RunError(f"port {port} and the {TRIED} after it cannot be used; name another one, such as --port 9000")
