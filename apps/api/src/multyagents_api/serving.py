"""What the processes of the service share: where they listen, how they tell it, and when they end."""

import argparse
import ctypes
import ipaddress
import os
import signal
import socket
import sys
from pathlib import Path

__all__ = ["check_writable", "die_with_parent", "is_loopback", "listen", "port", "write_port"]

BACKLOG = 2048
_PR_SET_PDEATHSIG = 1


def port(text: str) -> int:
    """A TCP port, or 0.

    Raises:
        argparse.ArgumentTypeError, ValueError: it is none.
    """
    number = int(text)
    if not 0 <= number <= 65_535:  # noqa: PLR2004 - all there are
        raise argparse.ArgumentTypeError(f"{number} is no port; ports go from 0 to 65535")
    return number


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, before anything else: a port in use is told in one line.

    Raises:
        OSError: nobody can listen there.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an IP address; a zone, as in `fe80::1%eth0`, does not matter."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def check_writable(file: Path) -> None:
    """Find out before serving that the port could not be told.

    Raises:
        OSError: it could not.
    """
    probe = file.with_name(f".{file.name}.{os.getpid()}")
    probe.touch()
    probe.unlink()


def write_port(file: Path, port: int) -> None:
    """Write the port whole or not at all: whoever polls the file never reads half a number."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(f"{port}\n")
    temporary.replace(file)


def die_with_parent() -> None:
    """Let the kernel end this process when its parent dies (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
