"""What a median of CPU time does not tell: overload, ten minutes of everything, more cores, more connections, tiles made beforehand."""

import operator
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import replace

import load
import procs
import race
import workloads
from server import Server

CONNECTIONS = (1, 4, 16, 64, 256)
# Both sides of a quotient are noisy, so it takes more of them.
SCALING_ROUNDS = 10
SEEDING_ROUNDS = 5
TIMES_CAPACITY, QUIET_PART = 4, 0.2
RECOVERY_S = 6
MIXED = ("U1", "U1d", "U1z", "U1w", "U1m", "U2", "U3", "U4a", "U4b", "U5", "U6")
MARGIN_MIB = 150


def overload(server, options):
    """Four times what it can do, whether or not it answers; before and after that a fifth."""
    workload = workloads.BY_NAME["U1"]
    listed, first = load.write_list(server, workload)
    seconds = options.overload_s
    try:
        server.start(first)
        capacity = load.tiles(server, listed, 16, options.seconds)["rps"]
        quiet = capacity * QUIET_PART
        phases = [f"--phase={quiet:.1f}:{RECOVERY_S}", f"--phase={capacity * TIMES_CAPACITY:.1f}:{seconds}",
                  f"--phase={quiet:.1f}:{RECOVERY_S}"]
        unloaded, loaded, after = load.own(server, "open", listed, *phases, seconds=seconds + 2 * RECOVERY_S)
    finally:
        server.stop()
    admitted, refused = loaded["by_status"].get("200", {}), loaded["by_status"].get("503", {})
    other = sum(told["n"] for status, told in loaded["by_status"].items() if status not in ("200", "503"))
    calm = unloaded["by_status"]["200"]["p99_ms"]
    return {
        "capacity_rps": capacity, "unloaded_p99_ms": calm,
        "admitted_rps": admitted.get("n", 0) / seconds, "admitted_p50_ms": admitted.get("p50_ms"), "admitted_p99_ms": admitted.get("p99_ms"),
        "refused_rps": refused.get("n", 0) / seconds, "refused_p50_ms": refused.get("p50_ms"), "refused_p99_ms": refused.get("p99_ms"),
        "other_answers": other, "unasked": loaded["unasked"], "recovery_s": _recovery_s(after["slices"], 4 * calm),
    }


def _recovery_s(slices, tolerable_ms):
    """From the end of the overload until all is answered, and as fast as that, for good."""
    troubled = [number for number, slice in enumerate(slices) if slice["other"] or slice["worst_ms"] > tolerable_ms]
    return (troubled[-1] + 1) / 10 if troubled else 0.0


def soak(server, options):
    """Everything at once for long: memory has to stay within the caches and a margin, and level."""
    mixed = [workloads.BY_NAME[name] for name in MIXED]
    lists = [server.path(workload, tile) for workload in mixed if workload.layer in server.table["layers"]
             for tile in workloads.tiles(server.place.work, workload)]
    random.Random("soak").shuffle(lists)
    listed = f"{server.place.work}/lists/soak-{server.name}"
    with open(listed, "w") as file:
        file.writelines(f"{path}\n" for path in lists)
    samples, done = [], threading.Event()

    def watch():
        while not done.wait(1):
            samples.append(procs.memory_mb(server.roots))

    try:
        server.start(lists[0])
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            told = load.measured(server, lambda: load.tiles(server, listed, 16, options.soak_s))
        finally:
            done.set()
            watcher.join()
    finally:
        server.stop()
    resident, anonymous = ([sample[key] for sample in samples] for key in ("rss_mb", "anon_mb"))
    # The first half fills the caches.
    half = len(samples) // 2
    caches = sum(int(server.filled(str(server.table.get(key, 0)))) for key in ("block_mib", "tile_mib"))
    return {
        "seconds": options.soak_s, "rps": told["rps"], "cpu_ms": told["cpu_ms"], "bad": told["bad"],
        "p50_ms": told["p50_ms"], "p99_ms": told["p99_ms"], "caches_mib": caches, "limit_mib": caches + MARGIN_MIB,
        "peak_rss_mib": max(resident), "peak_anon_mib": max(anonymous),
        "growth_mib_per_minute": _slope(anonymous[half:]) * 60, "anon_mib": [round(value) for value in anonymous[::10]],
    }


def _slope(values):
    """Of the straight line through values that are a second apart."""
    if len(values) < 2:
        return 0.0
    return statistics.linear_regression(range(len(values)), values).slope


def scaling(server, options):
    """Throughput on one core, two, four and so on. The load runs on the same ones: where it has cores of its own that are taken from it
    as the server gets more, that would be counted against the server.

    Cores of a virtual machine are not all equally fast, nor as fast together as alone. So fewer than all of them are others in each round,
    and `machine` says what a loop makes of them that touches nothing but its own core's first cache."""
    workload = workloads.BY_NAME["U1"]
    cores = sorted(os.sched_getaffinity(0))
    counts = [count for count in (1, 2, 4, 8, 16, 32, 64) if count <= len(cores)]
    rounds = {count: [] for count in counts}
    # In turn, so that a machine's moods meet all counts alike.
    for number in range(max(options.rounds, SCALING_ROUNDS)):
        for count in counts:
            cpus = some(cores, count, number)
            narrow = Server(server.name, server.table, replace(server.place, cores=count))
            os.sched_setaffinity(0, cpus)
            try:
                told = race.one_round(narrow, workload, options.seconds, options.warm, cpus=",".join(map(str, cpus)))
            finally:
                os.sched_setaffinity(0, cores)
            rounds[count].append(told | {"machine": loops(cpus), "cpus": cpus})
    return {str(count): {key: over_cores(rows, key) for key in ("rps", "cpu_ms", "other_cores", "machine")} for count, rows in rounds.items()}


def some(cores, count, number):
    """So many of the cores, from another one on in each round."""
    return sorted(cores[(number + index) % len(cores)] for index in range(count))


def over_cores(rows, key):
    """The median of those that ran on the same cores, and the mean of that over the cores."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row["cpus"]), []).append(row[key])
    return statistics.mean(map(statistics.median, groups.values()))


# Waits for a moment, so that all begin at once.
LOOP = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
start, seconds, loops = float(sys.argv[2]), float(sys.argv[3]), 0
while time.time() < start: pass
began = time.time()
while time.time() < start + seconds:
    for _ in range(2000): pass
    loops += 1
print(loops / (time.time() - began))
"""


def loops(cpus, seconds=0.4):
    """Loops a second of all these cores together."""
    start = time.time() + 0.3
    running = [subprocess.Popen([sys.executable, "-c", LOOP, str(cpu), str(start), str(seconds)], stdout=subprocess.PIPE, text=True) for cpu in cpus]
    return sum(float(each.communicate()[0]) for each in running)


def connections(server, options):
    """How cost and latency grow with those who ask."""
    workload, told = workloads.BY_NAME["C1" if is_for_cached(server) else "U1"], {}
    for count in CONNECTIONS:
        rounds = [race.one_round(server, workload, options.seconds, options.warm, connections=count) for _ in range(options.rounds)]
        told[str(count)] = {key: statistics.median(row[key] for row in rounds)
                            for key in ("rps", "p50_ms", "p99_ms", "cpu_ms", "other_cores")} | {"bad": sum(row["bad"] for row in rounds)}
    return told


def seeding(server, options):
    """Tiles a CPU-second that are made beforehand into PMTiles, and those that the server renders, in turn: native zoom of one image, and of a mosaic."""
    told = {}
    for workload in (workloads.BY_NAME["U1"], workloads.BY_NAME["U3"]):
        seeded, served = [], []
        for _ in range(max(options.rounds, SEEDING_ROUNDS)):
            seeded.append(_seed(server, workload))
            served.append(1000 / race.one_round(server, workload, options.seconds, options.warm)["cpu_ms"])
        told |= {f"{workload.name}_seeded_a_cpu_s": statistics.median(seeded), f"{workload.name}_least_seeded_a_cpu_s": min(seeded),
                 f"{workload.name}_served_a_cpu_s": statistics.median(served),
                 f"{workload.name}_seeded_to_served": statistics.median(map(operator.truediv, seeded, served))}
    return told


def _seed(server, workload):
    target, layer = f"{server.run}/seeded.pmtiles", server.table["layers"][workload.layer]
    server.write_files()
    _forget(target)
    command = [server.place.pavage, "seed", "--config", f"{server.run}/pavage.toml", "--cache", f"{server.place.work}/pavage-cache",
               "--layer", layer, "--zoom", str(workloads.NATIVE), "--into", target]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            text = process.stdout.read()
            # Not `wait`, which knows no CPU time.
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        _forget(target)
    made = re.search(r"([\d,]+) tiles made", text)
    if process.returncode != 0 or not made:
        raise RuntimeError(f"pavage seed: {text[-300:]}")
    return int(made[1].replace(",", "")) / (used.ru_utime + used.ru_stime)


def _forget(target):
    for path in (target, f"{target}.spool"):
        if os.path.exists(path):
            os.remove(path)


def is_for_cached(server):
    return "C1" in server.table.get("only", ())


# What runs by default, and on which servers.
ALL = {
    "overload": (overload, ("pavage", "mapserver")),
    "soak": (soak, ("pavage-cached",)),
    "scaling": (scaling, ("pavage", "pavage-hot", "mapserver")),
    "connections": (connections, ("pavage", "pavage-cached", "mapserver", "titiler")),
    "seeding": (seeding, ("pavage",)),
}


def run(results, place, tables, name, chosen, options):
    trial, usual = ALL[name]
    kept = results.data["trials"].setdefault(name, {})
    for server in (Server(server, tables[server], place) for server in usual if server in chosen):
        if server.name in kept or server.missing():
            continue
        if name == "connections" and is_for_cached(server):
            race.make_static(place, tables)
        try:
            told = trial(server, options)
        except Exception as error:  # noqa: BLE001: the others go on
            print(f"{name} {server.name} failed: {error}", flush=True)
            continue
        kept[server.name] = {"at": time.strftime("%FT%TZ", time.gmtime())} | told
        results.save()
        print(name, server.name, {key: value for key, value in told.items() if key != "anon_mib"}, flush=True)
