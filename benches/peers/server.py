"""A server under test: its settings from `servers.toml`, its start and its end, what it is asked."""

import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import time
import tomllib
import urllib.request
from dataclasses import dataclass, field

import grid
import procs

HERE = os.path.dirname(os.path.abspath(__file__))
MIME = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
# What all are asked for, where they can be asked; the others have it by their configuration, or by default.
QUALITY = {"jpeg": 85, "png": 85, "webp": 75}
START_S, STOP_S = 90, 5


@dataclass(frozen=True)
class Place:
    """Where everything is."""

    work: str
    pavage: str
    programs: str
    base_port: int
    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    # How the system schedules what asks; a key of load.POLICIES.
    load: str = "batch"

    def values(self):
        memory_mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        return {"work": self.work, "pavage": self.pavage, "bin": self.programs, "venv": f"{self.work}/venv/bin",
                "cores": str(self.cores), "blocks_64": str(64 * self.cores),
                "blocks_5_percent": str(memory_mib // 20 * self.cores)}


def settings():
    """Of all servers, by name, in the order of the file."""
    with open(f"{HERE}/servers.toml", "rb") as file:
        tables = tomllib.load(file)
    for name, table in tables.items():
        if like := table.get("like"):
            inherited = {key: value for key, value in tables[like].items() if key != "only"}
            layers = inherited["layers"] | table.get("layers", {})
            tables[name] = inherited | table | {"layers": layers}
    return tables


class Server:
    def __init__(self, name, table, place):
        self.name, self.table, self.place = name, table, place
        self.port = place.base_port + table["port"]
        self.run = f"{place.work}/run/{name}"
        self.base = f"{table.get('scheme', 'http')}://127.0.0.1:{self.port}"
        self.processes = []

    def filled(self, text):
        """With what `@key@` stands for; a value may name others."""
        values = {key: str(value) for key, value in self.table.items() if isinstance(value, (str, int))}
        values |= self.place.values() | {"name": self.name, "run": self.run, "port": str(self.port)}
        for _ in range(2):
            text = re.sub(r"@(\w+)@", lambda found: _toml(values.get(found[1], found[0])), text)
        return text

    def missing(self):
        """Why it cannot take part, or nothing."""
        for need in map(self.filled, self.table.get("needs", [])):
            if not shutil.which(need) and not os.path.exists(need):
                return f"{need} is not installed"
        if option := self.table.get("needs_option"):
            text = subprocess.run([self.place.pavage, "serve", "--help"], capture_output=True, text=True).stdout
            if option not in text:
                return f"this Pavage has no {option}"
        return None

    def has(self, workload):
        if (only := self.table.get("only")) and workload.name not in only:
            return False
        return workload.layer in self.table["layers"] and workload.format in self.table["formats"]

    def path(self, workload, tile):
        z, x, y = tile
        west, south, east, north = grid.bounds(z, x, y)
        url = self.table.get("urls", {}).get(workload.layer, self.table["url"])
        return self.filled(url).format(
            layer=self.table["layers"][workload.layer], format=self.table["formats"][workload.format],
            ext=workload.extension, mime=MIME[workload.format], quality=QUALITY[workload.format], z=z, x=x, y=y,
            west=west, south=south, east=east, north=north)

    def get(self, path, timeout=300):
        """Headers and body."""
        unchecked = ssl._create_unverified_context() if self.base.startswith("https") else None
        with urllib.request.urlopen(self.base + path, timeout=timeout, context=unchecked) as answer:
            return answer.headers, answer.read()

    @property
    def roots(self):
        return [process.pid for process in self.processes]

    def start(self, first_path, cpus=None):
        """Returns the seconds until the first tile was there."""
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                raise RuntimeError(f"port {self.port} is taken: by a server that was left behind?")
        self.write_files()
        env = os.environ | {key: self.filled(value) for key, value in self.table.get("env", {}).items()}
        pinned = ["taskset", "-c", cpus] if cpus else []
        started = time.monotonic()
        if command := self.table.get("fcgi"):
            with socket.socket(socket.AF_UNIX) as shared:
                shared.bind(f"{self.run}/fcgi.sock")
                shared.listen(4096)
                for _ in range(self.place.cores):
                    self._spawn([*pinned, *shlex.split(command)], env, shared)
        for command in self.table["start"]:
            self._spawn([*pinned, *shlex.split(self.filled(command))], env, subprocess.DEVNULL)
        self._wait(first_path, started)
        return time.monotonic() - started

    def write_files(self):
        """An empty folder for the run, and the configuration in it."""
        shutil.rmtree(self.run, ignore_errors=True)
        os.makedirs(self.run)
        for name, template in self.table.get("files", {}).items():
            with open(f"{HERE}/conf/{template}") as source, open(f"{self.run}/{name}", "w") as target:
                target.write(self.filled(source.read()))

    def _spawn(self, command, env, stdin):
        with open(f"{self.run}/output.log", "ab") as log:
            self.processes.append(subprocess.Popen(command, env=env, stdin=stdin, stdout=log, stderr=log, start_new_session=True))

    def _wait(self, path, started):
        problem = None
        while time.monotonic() - started < START_S:
            if ended := [process.args for process in self.processes if process.poll() is not None]:
                raise RuntimeError(f"{ended[0]} ended at once: see {self.run}/output.log")
            try:
                return self.get(path)
            except (OSError, http.client.HTTPException) as error:
                problem = error
            time.sleep(0.02)
        raise RuntimeError(f"no tile from {self.base}{path}: {problem}")

    def stop(self):
        """Ends what was started here, with its children, and nothing else."""
        left = procs.family(self.roots)
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for pid in left:
                try:
                    os.kill(pid, sign)
                except ProcessLookupError:
                    pass
            end = time.monotonic() + STOP_S
            while left and time.monotonic() < end:
                for process in self.processes:
                    process.poll()
                left = {pid for pid in left if os.path.exists(f"/proc/{pid}")}
                time.sleep(0.02)
        self.processes = []


def _toml(value):
    """`True` of Python is `true` of everybody else."""
    return {"True": "true", "False": "false"}.get(value, value)
