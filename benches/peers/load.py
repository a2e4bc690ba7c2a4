"""Puts load on a server and tells what it cost: one measurement, by our own load, by wrk or by h2load."""

import json
import os
import re
import subprocess

import procs
import workloads

HERE = os.path.dirname(os.path.abspath(__file__))
STREAMS = 8

PATIENCE_S = 400

# On the cores of the server, an ordinary load interrupts it whenever an answer wakes it; a batch job waits for its share.
POLICIES = {"batch": ["chrt", "--batch", "0"], "ordinary": []}


class LoadError(Exception):
    pass


def _children_s():
    times = os.times()
    return times.children_user + times.children_system


def measured(server, ask):
    """What `ask` tells, with CPU time and memory of the server, and what else kept the machine busy."""
    machine, cpu, own = procs.machine_s(), procs.cpu_s(server.roots), _children_s()
    told = ask()
    cpu = procs.cpu_s(server.roots) - cpu
    machine, own = procs.machine_s() - machine, _children_s() - own
    told |= {"cpu_ms": cpu * 1000 / max(1, told["n"]), "other_cores": max(0.0, machine - cpu - own) / told["wall_s"]}
    return told | procs.memory_mb(server.roots)


def _output(server, command, seconds, **options):
    policy = POLICIES[server.place.load]
    result = subprocess.run([*policy, *command], capture_output=True, text=True, timeout=seconds + PATIENCE_S, **options)
    if result.returncode:
        raise LoadError(f"{command[0]}: {result.stderr.strip()[-300:]}")
    return result.stdout


def own(server, *arguments, seconds):
    """Our load, which waits for what it asked for."""
    program = f"{server.place.programs}/pavage-load"
    return json.loads(_output(server, [program, f"127.0.0.1:{server.port}", *map(str, arguments)], seconds))


def tiles(server, listed, connections, seconds, requests=0):
    return own(server, "closed", listed, "--connections", connections, "--seconds", seconds, "--requests", requests, seconds=seconds)


def sessions(server, listed, connections, seconds):
    told = own(server, "sessions", listed, "--connections", connections, "--seconds", seconds, seconds=seconds)
    view = told.pop("view")
    return told | {f"view_{key}": value for key, value in view.items()}


def wrk(server, listed, connections, seconds):
    """For tiles from a cache, where our load would be what limits."""
    command = ["wrk", "--latency", f"-t{min(2, connections)}", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", f"{HERE}/conf/wrk.lua", server.base]
    text = _output(server, command, seconds, env=os.environ | {"PATHS": listed})
    n, wall, unit = re.search(r"(\d+) requests in ([\d.]+)(s|m)", text).groups()
    wall = float(wall) * (60 if unit == "m" else 1)
    quantile = {part: _ms(*re.search(rf"\s{part}%\s+([\d.]+)(us|ms|s)", text).groups()) for part in (50, 99)}
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {"n": int(n), "wall_s": wall, "rps": int(n) / wall, "p50_ms": quantile[50], "p99_ms": quantile[99],
            "bad": int(bad[1]) if bad else 0, "last_bad": text if bad else ""}


def h2load(server, listed, connections, seconds):
    """Several streams on each connection, as browsers have them."""
    seconds = max(1, round(seconds))
    command = ["h2load", f"--duration={seconds}", f"--clients={connections}", f"--max-concurrent-streams={STREAMS}", "--threads=1",
               f"--input-file={listed}"]
    text = _output(server, command, seconds)
    if not re.search(r"Application protocol: h2", text):
        raise LoadError("no HTTP/2 was spoken")
    n, bad = map(int, re.search(r"(\d+) succeeded, (\d+) failed", text).groups())
    middle = _ms(*re.search(r"time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)", text).groups())
    # It tells the mean and no quantile.
    return {"n": n, "wall_s": seconds, "rps": n / seconds, "p50_ms": middle, "p99_ms": None, "bad": bad, "last_bad": ""}


def _ms(number, unit):
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


ASK = {"tiles": tiles, "sessions": sessions, "http": wrk, "unchanged": wrk, "tls": wrk, "http2": h2load}


def ask(server, workload, listed, seconds, connections=None):
    """One measurement of a workload."""
    connections = connections or workload.connections
    return measured(server, lambda: ASK[workload.kind](server, listed, connections, seconds))


def warm_up(server, workload, listed, seconds, connections=None):
    """Load that is not measured; where a server wants its caches full, as much as that takes."""
    requests = server.table.get("warm_tiles", 0)
    if workload.kind == "tiles" and requests:
        return tiles(server, listed, connections or workload.connections, seconds, requests)
    return ask(server, workload, listed, seconds, connections)


def write_list(server, workload):
    """What is asked for, as a file; its path and the first tile's."""
    work = server.place.work
    listed = f"{work}/lists/{workload.name}-{server.name}"
    os.makedirs(os.path.dirname(listed), exist_ok=True)
    if workload.kind == "sessions":
        trace = workloads.trace(work, workload)
        paths = [[[server.path(workload, tile) for tile in view] for view in user] for user in trace]
        with open(listed, "w") as file:
            json.dump(paths, file)
        return listed, paths[0][0][0]
    paths = [server.path(workload, tile) for tile in workloads.tiles(work, workload)]
    prefix = server.base if workload.kind == "http2" else ""
    with open(listed, "w") as file:
        file.writelines(f"{prefix}{path}\n" for path in paths)
    return listed, paths[0]


def fill_cache(server, workload, listed):
    """Asks for every tile once; for 304, notes what the client has then."""
    with open(listed) as file:
        paths = [line.strip().removeprefix(server.base) for line in file]
    heads = [server.get(path)[0] for path in paths]
    if (way := server.table.get("path")) and (others := {head.get("pavage-path") for head in heads} - {way}):
        raise LoadError(f"came by {others} and not by {way}")
    etags = [head.get("etag") for head in heads]
    if workload.kind == "unchanged":
        if not all(etags):
            raise LoadError("no ETag")
        with open(listed, "w") as file:
            file.writelines(f"{path} {etag}\n" for path, etag in zip(paths, etags))
