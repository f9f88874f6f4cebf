#!/usr/bin/env python3
"""Schemathesis, by others, against /openapi.json of a live node, in both modes.

Requests are made from the description: valid ones and broken ones. No reply may
be a server error, have a status or a shape that the description does not name,
or take longer than the limit. 503 is described, and an answer: what is asked for is
not there in time, say an index nobody has reached. In mode `required` they are made with a key that
may do everything, and without one. Afterwards the node must still decide and
verify.

    run.py path/to/lexecon [examples for each operation [seconds at most for each run]]
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

VERSION = "schemathesis==4.32.5"
PORT = 8500
URL = f"http://127.0.0.1:{PORT}"
SECONDS_MAX = "600"
SETTINGS = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]
"""
CHECKS = ",".join([
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
])
# What takes the cluster apart is not for random bytes.
LEFT_OUT = ["/cluster/nodes", "/cluster/nodes/{id}", "/cluster/nodes/{id}/demote",
            "/cluster/transfer-leader"]
PERMISSIONS = ["view_dashboard", "view_audit_logs", "request_audit_packet",
               "approve_audit_packet", "export_data", "manage_policies", "manage_users"]


def tool() -> str:
    """The program, installed beside other caches when it is not there."""
    found = shutil.which("schemathesis")
    if found:
        return found
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lexecon" / "contract"
    program = home / "bin" / "schemathesis"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", VERSION], check=True)
    return str(program)


def call(path, body=None, key=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data)
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.load(reply)


def wait(node: subprocess.Popen) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and node.poll() is None:
        try:
            call("/health/ready")
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the node did not come up")


def run(directory: Path, limits: tuple, key) -> int:
    examples, seconds = limits
    settings = directory / "schemathesis.toml"
    settings.write_text(SETTINGS)
    command = [tool(), "--config-file", settings, "run", f"{URL}/openapi.json", "--checks", CHECKS]
    command += ["--max-examples", examples, "--max-time", seconds, "--workers", "2"]
    command += ["--request-timeout", "30", "--continue-on-failure", "--no-color"]
    if key:
        command += ["-H", f"Authorization: Bearer {key}"]
    for path in LEFT_OUT:
        command += ["--exclude-path", path]
    return subprocess.run(command, check=False, cwd=directory).returncode


def still_works(key) -> None:
    decision = call("/decide", {"actor": "ai_agent:contract", "action": "read"}, key)
    assert decision["outcome"] in ("allowed", "denied", "escalated"), decision
    report = call("/ledger/verify", key=key)
    assert report["valid"], report


def key_for_all(lexecon: str, directory: Path) -> str:
    """An administrator, and a key that may do what keys may."""
    password = directory / "password"
    password.write_text("Vigil-Tram0!kesp")
    socket = directory / "node" / "admin.sock"
    own = {**os.environ, "HOME": str(directory)}
    make = [lexecon, "admin", "create", "--socket", socket, "--username", "root", "--email",
            "root@example.com", "--password-file", password]
    subprocess.run(make, check=True, env=own, stdout=subprocess.DEVNULL)
    make = [lexecon, "api-key", "create", "--socket", socket, "--name", "contract", "--actor", "*"]
    for permission in PERMISSIONS:
        make += ["--permission", permission]
    made = subprocess.run(make, check=True, env=own, capture_output=True, text=True)
    return made.stdout.strip()


def mode(lexecon: str, limits: tuple, auth: str) -> int:
    with tempfile.TemporaryDirectory(prefix="lexecon-contract-") as name:
        directory = Path(name)
        command = [lexecon, "serve", "--node-id", "n1", "--data-dir", directory / "node", "--auth", auth,
                   "--listen", f"127.0.0.1:{PORT}", "--peer-listen", f"127.0.0.1:{PORT + 1000}",
                   "--rate-limit-auth-login", "1000000/60"]
        with open(directory / "log", "wb") as log:
            node = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                wait(node)
                keys = [None]
                if auth == "required":
                    keys = [key_for_all(lexecon, directory), None]
                codes = [run(directory, limits, key) for key in keys]
                still_works(keys[0])
                return max(codes)
            finally:
                node.terminate()
                node.wait(timeout=30)


def main() -> int:
    lexecon, given = str(Path(sys.argv[1]).absolute()), sys.argv[2:4]
    limits = tuple(given + ["20", SECONDS_MAX][len(given):])
    return max(mode(lexecon, limits, auth) for auth in ("open", "required"))


if __name__ == "__main__":
    sys.exit(main())
