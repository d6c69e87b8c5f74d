"""Binds the socket before the server starts, so that a port in use is reported at once."""

from __future__ import annotations

import socket

from orchestration.errors import UserError


def bind_socket(host: str, port: int) -> socket.socket:
    """The socket. Raises UserError when it cannot be bound: another program may have the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise UserError(f"{host}, port {port} cannot be listened on: {error.strerror}.") from error
    return listening
