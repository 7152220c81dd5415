"""How a listen address becomes a listening socket, and what people are told when it cannot."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import grpc

from rockqueue_server.config import Address, TcpAddress, UnixAddress

PROBE_S = 1.0


class BindError(Exception):
    """A listen address that cannot be had. The message names it and says what to do."""


def bind(server: grpc.aio.Server, address: Address) -> Address:
    """Makes the server listen on `address`; returns it with the real port. Raises BindError."""
    if isinstance(address, UnixAddress):
        return _bind_unix(server, address)
    try:
        port = server.add_insecure_port(str(address))
    except RuntimeError:
        raise bind_error(address, None) from None
    return TcpAddress(address.host, port)


def bind_error(address: Address, cause: OSError | None) -> BindError:
    """The error for an address that is taken, not of this machine, or not allowed."""
    why = "" if cause is None else f" ({cause.strerror or cause})"
    return BindError(
        f"cannot listen on {address}{why}: another program has the port, or the address is not one of this machine; "
        "stop that program, or choose another address (port 0 takes any free one)"
    )


def _bind_unix(server: grpc.aio.Server, address: UnixAddress) -> UnixAddress:
    """Only the user who runs the server can connect, as there is no other check of who does."""
    _refuse_taken_path(address)
    previous = os.umask(0o177)
    try:
        server.add_insecure_port(str(address))
    except RuntimeError:
        raise BindError(
            f"cannot listen on {address}: the folder does not exist or cannot be written to; "
            "make it, or choose another path"
        ) from None
    finally:
        os.umask(previous)
    return address


def _refuse_taken_path(address: UnixAddress) -> None:
    """Lets only a left-over socket be replaced. Left alone, gRPC replaces anything, a running server's socket too."""
    try:
        mode = Path(address.path).stat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise BindError(f"cannot listen on {address}: a file is in the way; remove it, or choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(address.path)
        except ConnectionRefusedError:
            return
        except OSError as error:
            raise bind_error(address, error) from None
    raise BindError(f"cannot listen on {address}: a running server has this socket; stop it, or choose another path")
