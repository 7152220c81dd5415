"""RockQueue in a Flask app: one sync client for each process, opened when it is first used.

    from rockqueue.flask import RockQueue

    queue = RockQueue()

    @blueprint.post("/signup")
    def signup():
        send_email.push(queue.client, to=request.form["email"])
        return "on its way", 202

    def create_app():
        app = Flask(__name__)
        app.config["ROCKQUEUE_URL"] = "rockqueue://localhost:7655"
        queue.init_app(app)
        return app

Needs `pip install "rockqueue[flask]"`.
"""

from __future__ import annotations

import os
from typing import Any, Unpack, cast

from flask import Flask, current_app

from rockqueue._client_base import ClientOptions
from rockqueue._sync import SyncClient

__all__ = ["RockQueue"]

NAME = "rockqueue"


class RockQueue:
    """The extension; one object serves any number of apps.

    Servers that fork their workers (gunicorn, uWSGI) may load the app first: the client is opened in the process that
    uses it, and stays open until that process ends. An embedded store belongs to one process at a time: an app that is
    served by several needs a server.

    Args:
        app: The app, unless `init_app` is called with it.
        options: As for `SyncClient`.
    """

    def __init__(self, app: Flask | None = None, **options: Unpack[ClientOptions]) -> None:
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Adds the extension to an app. `app.config["ROCKQUEUE_URL"]` is read when the client is first used.

        Default: the environment variable ROCKQUEUE_URL, else rockqueue://localhost:7655.
        """
        app.extensions[NAME] = _ClientPerProcess(app, self._options)

    @property
    def client(self) -> SyncClient:
        """The current app's client in this process. Raises RuntimeError outside of an app, or without `init_app`."""
        return _of_current_app().client()

    def close(self) -> None:
        """Closes the current app's client in this process; the next use opens another. Twice is fine."""
        _of_current_app().close()


class _ClientPerProcess:
    def __init__(self, app: Flask, options: ClientOptions) -> None:
        self._config = cast("dict[str, Any]", app.config)
        self._options = options
        self._clients: dict[int, SyncClient] = {}

    def client(self) -> SyncClient:
        found = self._clients.get(os.getpid())
        if found is None:
            # Making one does no I/O: of two threads that come here at once, one wins, and nothing is lost. A lock might
            # have been held at the fork, and nobody would ever open it here.
            found = self._clients.setdefault(
                os.getpid(), SyncClient(self._config.get("ROCKQUEUE_URL"), **self._options)
            )
        return found

    def close(self) -> None:
        client = self._clients.pop(os.getpid(), None)
        if client is not None:
            client.close()


def _of_current_app() -> _ClientPerProcess:
    found = current_app.extensions.get(NAME)
    if found is None:
        raise RuntimeError("this app has no RockQueue extension: call RockQueue().init_app(app) when it is made")
    return cast(_ClientPerProcess, found)
