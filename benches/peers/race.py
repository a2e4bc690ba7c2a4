"""Servers side by side: for each workload they take turns, round after round, so that the machine's moods meet all alike."""

import os
import shutil
import subprocess

import load
import workloads
from server import Server

# Pictures of each server that are kept, to be compared with the truth; one of one colour a dalle judges nobody.
SAMPLES = 4
# Where the files of a layer of another name are.
LAYERS = {"mosaic": ("dalles",), "cached": ("single_jpeg",), "stored": ("merc_256", "merc_dalles")}
# A round from a cache takes seconds, and no two are alike: most of it is the kernel's.
CACHED_ROUNDS = 8


def race(results, place, tables, workload, names, rounds, seconds, warm_s):
    """Measures what is missing; what is there is kept."""
    results.data["skipped"].pop(workload.name, None)
    entered = [Server(name, tables[name], place) for name in names]
    entered = [server for server in entered if server.has(workload)]
    for server in list(entered):
        if why := server.missing():
            results.skip(workload.name, server.name, why)
            entered.remove(server)
    if workload.is_cached and entered:
        make_static(place, tables)
        rounds = max(rounds, CACHED_ROUNDS)
    if any(len(results.rounds(workload.name, server.name)) < rounds for server in entered):
        read_files(place, workload)
    for number in range(rounds):
        for server in list(entered):
            if len(results.rounds(workload.name, server.name)) > number:
                continue
            try:
                told = one_round(server, workload, seconds, warm_s, is_first=number == 0)
            except Exception as error:  # noqa: BLE001: whatever ails one server, the others go on
                results.skip(workload.name, server.name, f"failed: {error}"[:300])
                print(f"{workload.name:5} {server.name:16} failed: {error}", flush=True)
                entered.remove(server)
                continue
            results.add(workload.name, server.name, told)
            print(line(workload.name, server.name, told), flush=True)


def line(workload, server, told):
    p99 = f"{told['p99_ms']:8.2f}" if told["p99_ms"] is not None else "       -"
    bad = f"  {told['bad']} BAD: {told['last_bad']}" if told["bad"] else ""
    return (f"{workload:5} {server:16} {told['rps']:9.1f}/s  p50 {told['p50_ms']:8.2f}  p99 {p99} ms  CPU {told['cpu_ms']:8.3f} ms  "
            f"RSS {told['peak_mb']:6.0f} MiB  other {told['other_cores']:.2f}{bad}")


# What this process has read.
_READ = set()
PIECE = 1 << 14


def read_files(place, workload):
    """So that the system has them in memory for whoever comes first, as for all after it. An hour of other imagery and disk caches may
    have driven them out.

    Files written a little at a time lie there in pages of 4 kB. The first time they are dropped and read in one go, which puts them in
    larger ones, so that reading costs the same in each run. By little pieces: what the system reads ahead, and in how large pages, grows from one
    to the next, and begins with 4 kB pages for as much as the first piece asks for, which would be half of a small file. No server may have
    them open then."""
    names = LAYERS.get(workload.layer, (workload.layer,))
    paths = [path for name in names for path in (f"{place.work}/data/{name}", f"{place.work}/data/{name}.tif")]
    files = [path for path in paths if os.path.isfile(path)]
    files += [entry.path for path in paths if os.path.isdir(path) for entry in os.scandir(path) if entry.is_file()]
    for path in files:
        with open(path, "rb", buffering=0) as file:
            if path not in _READ:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                _READ.add(path)
            while file.read(PIECE):
                pass


def one_round(server, workload, seconds, warm_s, connections=None, cpus=None, is_first=False):
    """A fresh server, a warm-up, a measurement; in the first round, pictures."""
    listed, first = load.write_list(server, workload)
    try:
        started_s = server.start(first, cpus)
        if workload.is_cached:
            load.fill_cache(server, workload, listed)
        elif is_first and workload.kind == "tiles" and workload.layer != "territory":
            keep_samples(server, workload)
        load.warm_up(server, workload, listed, warm_s, connections)
        return load.ask(server, workload, listed, seconds, connections) | {"started_s": started_s}
    finally:
        server.stop()


def keep_samples(server, workload):
    """The first tiles of the list."""
    folder = f"{server.place.work}/samples/{workload.name}/{server.name}"
    os.makedirs(folder, exist_ok=True)
    for number, tile in enumerate(workloads.tiles(server.place.work, workload)[:SAMPLES]):
        _, body = server.get(server.path(workload, tile))
        with open(f"{folder}/{number}.{workload.extension}", "wb") as file:
            file.write(body)


def make_caps(place, tables):
    """What Pavage builds in the background for low zooms, before anything is measured; nothing where it is there."""
    server = Server("pavage", tables["pavage"], place)
    server.write_files()
    subprocess.run([place.pavage, "cap", "--config", f"{server.run}/pavage.toml", "--cache", f"{place.work}/pavage-cache"], check=True,
                   stdout=subprocess.DEVNULL)


def make_static(place, tables):
    """The cached tiles as files, for servers that have nothing else: what this Pavage answers, byte by byte."""
    workload, folder = workloads.BY_NAME["C1"], f"{place.work}/static"
    if os.path.isdir(folder) and os.path.getmtime(folder) > os.path.getmtime(place.pavage):
        return
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(f"{folder}.part", ignore_errors=True)
    server = Server("pavage-cached", tables["pavage-cached"], place)
    tiles = workloads.tiles(place.work, workload)
    try:
        server.start(server.path(workload, tiles[0]))
        for z, x, y in tiles:
            _, body = server.get(server.path(workload, (z, x, y)))
            os.makedirs(f"{folder}.part/{z}/{x}", exist_ok=True)
            with open(f"{folder}.part/{z}/{x}/{y}.jpg", "wb") as file:
                file.write(body)
        os.rename(f"{folder}.part", folder)
        os.utime(folder)
    finally:
        server.stop()
