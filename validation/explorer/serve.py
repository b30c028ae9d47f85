"""The server: on this machine's loopback only, and with everything it needs from this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from ...theory.core.checks import count
from ...theory.core.errors import InvalidInput, NotAvailable

ADDRESS = "127.0.0.1"
#: a page that was left ends its simulation within so many milliseconds
_LEFT = {"unused_session_lifetime_milliseconds": 3000, "check_unused_sessions_milliseconds": 1000}


def server(port: int = 0) -> Any:
    """Return a started server of Bokeh; port 0 takes a free one.

    Raises
    ------
    NotAvailable
        Bokeh is not installed.
    InvalidInput
        A port that is taken or out of range.
    """
    try:
        from bokeh.application import Application
        from bokeh.application.handlers.function import FunctionHandler
        from bokeh.server.server import Server
    except ImportError as error:
        remedy = "is not installed here: pip install 'limitlab[explore]'"
        raise NotAvailable("explore", "bokeh", remedy) from error
    if count("port", port, 0) > 65535:
        raise InvalidInput("port", port, "give a port up to 65535, or 0 for a free one")
    application = Application(FunctionHandler(_open))
    try:
        _try(port)
        found = Server({"/": application}, port=port, address=ADDRESS, **_LEFT)
    except OSError as error:
        remedy = f"cannot be used ({error.strerror}); give another port, or 0 for a free one"
        raise InvalidInput("port", port, remedy) from None
    found.start()
    return found


def _try(port: int) -> None:
    """Take a port and let it go: Bokeh leaves its socket open where it is taken."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tried.bind((ADDRESS, port))


def _open(document: Any) -> None:
    from .page import Page

    document.title = "limitlab"
    Page(document)


def explore(port: int, browser: bool, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C."""
    running = server(port)
    address = f"http://{ADDRESS}:{running.port}/"
    say(f"limitlab: {address} (Ctrl-C ends it)")
    if browser:
        import webbrowser

        running.io_loop.add_callback(webbrowser.open, address)
    try:
        running.io_loop.start()
    finally:
        running.stop()
