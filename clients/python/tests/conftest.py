"""What tests are given: a server, and programs beside it, which end with the test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest
from server import ROOT, Server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server with settings."""
    servers: list[Server] = []

    def start(**settings: str) -> Server:
        servers.append(Server(tmp_path, settings))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()
    if servers:
        print((tmp_path / "stderr").read_text())


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server."""
    return start_server()


@pytest.fixture
def program() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a Python program of this package."""
    programs: list[subprocess.Popen[bytes]] = []

    def start(path: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        everything = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment}
        programs.append(subprocess.Popen([sys.executable, str(ROOT / path), *arguments], env=everything))
        return programs[-1]

    yield start
    for each in programs:
        each.kill()
        each.wait()
