"""Ports of this machine that nobody else gets as long as the test's process lives."""

import socket

_held: list[socket.socket] = []


def free_port() -> int:
    """A port of 127.0.0.1 from the kernel.

    It stays bound, without listening: the kernel gives it to no other test and to no outgoing connection, also while
    the server that listens on it is killed and started again. Servers bind beside it, as they set SO_REUSEADDR.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _held.append(holder)
    return holder.getsockname()[1]
