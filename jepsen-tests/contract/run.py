#!/usr/bin/env python3
"""Schemathesis, by others, against /openapi.json of a live cluster.

Starts `lexecon demo` on loopback, in a directory of its own, and has requests
made from the description: valid ones and broken ones. No reply may be a server
error, have a status or a shape that the description does not name, or take
longer than the limit. Afterwards the cluster must still decide and verify.

    run.py path/to/lexecon [examples for each operation]
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
SECONDS_MAX = 900
CHECKS = ",".join([
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
])
# What takes the cluster apart, or streams without an end, is not for random bytes.
LEFT_OUT = ["/cluster/nodes/{id}", "/cluster/nodes/{id}/demote", "/cluster/transfer-leader"]


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


def call(path: str, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data=data)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.load(reply)


def wait(demo: subprocess.Popen) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and demo.poll() is None:
        try:
            if call("/status")["policy_loaded"]:
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise SystemExit("the demo did not come up")


def run(examples: str) -> int:
    command = [tool(), "run", f"http://127.0.0.1:{PORT}/openapi.json", "--checks", CHECKS]
    command += ["--max-examples", examples, "--max-time", str(SECONDS_MAX), "--workers", "2"]
    command += ["--request-timeout", "30", "--continue-on-failure", "--no-color", "-q"]
    for path in LEFT_OUT:
        command += ["--exclude-path", path]
    return subprocess.run(command, check=False).returncode


def still_works() -> None:
    decision = call("/decide", {"actor": "ai_agent:contract", "action": "read"})
    assert decision["outcome"] in ("allowed", "denied", "escalated"), decision
    report = call("/ledger/verify")
    assert report["valid"], report


def main() -> int:
    lexecon, examples = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else "20")
    with tempfile.TemporaryDirectory(prefix="lexecon-contract-") as directory:
        command = [lexecon, "demo", "--port", str(PORT), "--data-dir", directory]
        with open(Path(directory) / "demo.log", "wb") as log:
            demo = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                wait(demo)
                code = run(examples)
                still_works()
                return code
            finally:
                demo.terminate()
                demo.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
