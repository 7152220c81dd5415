"""The gRPC face of the server: everything between a connection and the core."""

from rockqueue_server.api.server import BindError, RunningServer, ServerSettings, serve

__all__ = ["BindError", "RunningServer", "ServerSettings", "serve"]
