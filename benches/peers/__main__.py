"""Tile servers side by side with Pavage: `python3 benches/peers --help`. What it measures: docs/benchmarks.md."""

import argparse
import fcntl
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import load
import report
import server
import setup
import trials
import workloads
from race import make_caps, race
from results import Results, default_folder

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def words(text):
    return [word for word in re.split(r"[,\s]+", text) if word]


def arguments():
    parser = argparse.ArgumentParser(prog="benches/peers", description="Tile servers side by side with Pavage.")
    parser.add_argument("steps", nargs="*", help="setup, run, report (all three), or list")
    parser.add_argument("--work", default=f"{ROOT}/target/peers", help="where peers and imagery are (PEERS_DIR)")
    parser.add_argument("--pavage", default=f"{ROOT}/target/release/pavage")
    parser.add_argument("--programs", default=f"{ROOT}/target/release", help="where pavage-load and pavage-hello are")
    parser.add_argument("--results", help="folder to write to; what is in it is kept; default benches/results/<date>-<machine>")
    parser.add_argument("--workloads", type=words, default=[*workloads.BY_NAME, *trials.ALL], help="names, and those of trials")
    parser.add_argument("--peers", type=words, help="names from servers.toml; Pavage's own entries always take part")
    parser.add_argument("--pavages", type=words, help="which of Pavage's own entries take part")
    parser.add_argument("--again", action="store_true", help="measure what was chosen anew")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--warm", type=float, default=1.5, help="seconds of load before a round's measurement")
    parser.add_argument("--overload-s", type=int, default=30)
    parser.add_argument("--soak-s", type=int, default=600)
    parser.add_argument("--load", choices=load.POLICIES, default="batch", help="how the system schedules what asks")
    parser.add_argument("--base-port", type=int, default=18200)
    parser.add_argument("--with-martin", action="store_true", help="build Martin, which takes tens of minutes")
    parser.add_argument("--readme", help="page whose section on speed is made anew")
    options = parser.parse_args()
    if unknown := set(options.workloads) - {*workloads.BY_NAME, *trials.ALL}:
        parser.error(f"no such workloads: {' '.join(unknown)}")
    options.work, options.pavage, options.programs = map(os.path.abspath, (options.work, options.pavage, options.programs))
    options.results = os.path.abspath(options.results or default_folder(f"{ROOT}/benches/results"))
    return options


def chosen(options, tables):
    """Pavage's entries and the peers', in the file's order."""
    for name in (options.peers or []) + (options.pavages or []):
        if name not in tables:
            raise SystemExit(f"no such server: {name}")
    is_chosen = {name: name in wanted if (wanted := options.pavages if table["family"] == "pavage" else options.peers) is not None else True
                 for name, table in tables.items()}
    return [name for name in tables if is_chosen[name]]


def versions(options):
    def told(*command, pattern=r"(\S+)\s*$"):
        try:
            result = subprocess.run(command, capture_output=True, text=True)
        except OSError:
            return None
        found = re.search(pattern, result.stdout + result.stderr, re.MULTILINE)
        return found and found[1]

    package = lambda name: told("dpkg-query", "-W", "-f", "${Version}", name)
    found = {
        "Pavage": told(options.pavage, "--version"), "commit": told("git", "-C", ROOT, "rev-parse", "--short", "HEAD"),
        "MapServer": told("mapserv", "-v", pattern=r"version ([\d.]+)"), "GDAL": told("gdalinfo", "--version", pattern=r"GDAL ([\d.]+)"),
        "nginx": package("nginx-light") or package("nginx"), "QGIS Server": package("qgis-server"),
        "Martin": told(f"{options.work}/martin/bin/martin", "--version"), "wrk": package("wrk"),
    }
    listed = subprocess.run([f"{options.work}/venv/bin/pip", "list", "--format", "json"], capture_output=True, text=True).stdout
    python = {re.sub(r"[._]", "-", package["name"]).lower(): package["version"] for package in json.loads(listed or "[]")}
    found |= {name: python.get(name) for name in ("titiler-application", "rio-tiler", "rasterio", "uvicorn", "simplejpeg")}
    return {name: version for name, version in found.items() if version}


def in_venv(options, script, *more):
    result = subprocess.run([f"{options.work}/venv/bin/python", f"{HERE}/{script}", *more], stdout=subprocess.PIPE, text=True)
    if result.returncode:
        raise SystemExit(f"{script} failed")
    return result.stdout


def floor(results, options):
    told = json.loads(in_venv(options, "floor.py", f"{options.work}/data"))
    results.data["floors"].append({"at": time.strftime("%FT%TZ", time.gmtime())} | told)
    results.save()


def alone(work):
    """Two runs would take each other's ports, sockets and CPU; the lock lasts as long as its file is open."""
    lock = open(f"{work}/lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"another run is using {work}") from None
    return lock


def run(results, options, tables):
    results.measured_with(options.load)
    place = server.Place(options.work, options.pavage, options.programs, options.base_port, load=options.load)
    names = chosen(options, tables)
    results.data |= {"versions": versions(options), "data": workloads.facts(options.work)}
    results.data["commands"].append(shlex.join(["benches/peers", *sys.argv[1:]]))
    make_caps(place, tables)
    floor(results, options)
    for name in options.workloads:
        if name in trials.ALL:
            if options.again:
                results.data["trials"].pop(name, None)
            trials.run(results, place, tables, name, names, options)
            continue
        if options.again:
            for other in names:
                results.forget(name, other)
        race(results, place, tables, workloads.BY_NAME[name], names, options.rounds, options.seconds, options.warm)
    floor(results, options)
    # The samples of others lie there too.
    judged = json.loads(in_venv(options, "quality.py", options.work))
    results.data["quality"] |= {name: told for name, told in judged.items() if name in options.workloads}
    results.save()


def write_report(results, options, tables):
    with open(f"{results.folder}/README.md", "w") as file:
        file.write(results.hidden(report.readme(results.data, tables)))
    in_venv(options, "chart.py", results.folder)
    if options.readme:
        link = os.path.relpath(results.folder, os.path.dirname(os.path.abspath(options.readme)))
        report.put_between_marks(options.readme, report.short(results.data, link))
    print(f"{results.folder}/README.md")


def main():
    # So that servers are ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options, tables = arguments(), server.settings()
    steps = options.steps or ["setup", "run", "report"]
    if "list" in steps:
        for workload in workloads.ALL:
            print(f"{workload.name:12} {workload.title}")
        for name in trials.ALL:
            print(f"{name:12} {trials.ALL[name][0].__doc__}")
        for name, table in tables.items():
            print(f"{name:16} {table['what']}")
        return
    if "setup" in steps:
        setup.everything(options.work, options.pavage, options.with_martin)
    results = Results(options.results, {options.pavage: "pavage", options.programs: "PROGRAMS", options.results: "RESULTS",
                                        options.work: "PEERS_DIR", ROOT: "."})
    if "run" in steps:
        with alone(options.work):
            run(results, options, tables)
    if "report" in steps:
        write_report(results, options, tables)


main()
