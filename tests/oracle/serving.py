"""A server for one test, and what all tests ask of it."""

import contextlib
import json
import re
import subprocess
import time
import urllib.request


@contextlib.contextmanager
def serving(pavage, work, *arguments):
    """Runs `pavage serve` on a free port; yields its address. Its log must hold no error at the end."""
    log = open(f"{work}/serve-{time.monotonic_ns()}.log", "w+")
    process = subprocess.Popen(
        [pavage, "serve", "--listen", "127.0.0.1:0", "--log-format", "json", *map(str, arguments)],
        stderr=log, stdout=subprocess.DEVNULL)
    try:
        yield wait_for_address(process, log.name)
    finally:
        process.terminate()
        assert process.wait(timeout=40) == 0, "the server ends with 0"
        log.seek(0)
        errors = [line for line in log if json.loads(line)["level"] == "ERROR"]
        assert not errors, errors


def wait_for_address(process, log):
    for _ in range(300):
        found = re.search(r'"url":"(http://[^"]+)"', open(log).read())
        if found:
            return found[1]
        assert process.poll() is None, open(log).read()
        time.sleep(0.1)
    raise AssertionError("the server does not start")


def get(url, headers=None):
    """Status, headers and body; an error status is not an exception."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()
