"""A real server process for the tests, with a store of its own; and programs beside it."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from patience import until

ROOT = Path(__file__).parents[1]


class Server:
    """A running server, with settings like DRIVER_LEASE_TIME="2s"."""

    def __init__(self, home: Path, settings: dict[str, str]) -> None:
        self._program = os.environ.get("CONVEYOR_BIN", "")
        if not self._program:
            if os.environ.get("CI"):
                pytest.fail("CONVEYOR_BIN does not name the server")
            pytest.skip("CONVEYOR_BIN does not name the server: make test does")
        self._home = home
        self._environment = {"HOME": str(home), **{f"CONVEYOR_{key}": value for key, value in settings.items()}}
        self._listen = "127.0.0.1:0"
        self.url = ""
        self.start()

    def start(self) -> None:
        """Starts it, on the port that it had. A client's outgoing connection may hold that for a moment."""
        until("the server starts", self._launch)

    def _launch(self) -> bool:
        command = [self._program, "up", "--listen", self._listen, "--data", str(self._home / "data")]
        with open(self._home / "stderr", "ab") as stderr:
            self._process = subprocess.Popen(
                command, env=self._environment, cwd=self._home, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self.kill()
            return False
        self.url = line.split()[2]
        self._listen = self.url.removeprefix("http://")
        return True

    def kill(self) -> None:
        """Ends the process with no warning."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Sends JSON and gives the answer."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 201
            read: dict[str, Any] = json.load(answer)
            return read
