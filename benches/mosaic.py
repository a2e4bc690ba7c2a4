"""A folder of very many dalles beside one of 64 of the same kind: how long the first scan takes, how large the index is, how
much memory the server needs, how soon it answers after a restart, and how long tiles take.

`make bench-mosaic`, or `python3 benches/mosaic.py PAVAGE WORK [DALLES]`. The dalles are made once in WORK and kept: a million
small files need some gigabytes. It needs nothing but Python.
"""

import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

# Targets of the issue that asked for all this.
SCAN_FILES_PER_S, PLAN_P50_US, RSS_BYTES, START_S, RATIO = 2000, 50, 1024, 1.0, 1.2
NATIVE_ZOOM, TILES = 21, 400


def warm(folder):
    """Brings the heads of all files into the page cache; tells how many there are and their size."""
    count = size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".tif"):
                path = os.path.join(place, name)
                with open(path, "rb") as file:
                    file.read(16384)
                count += 1
                size += os.path.getsize(path)
    return count, size


@contextmanager
def server(pavage, work, cache, folder):
    """Yields its address, the seconds until it listened, and its process."""
    log = open(f"{work}/serve.log", "w+")
    config = f"{work}/serve.toml"
    with open(config, "w") as out:
        out.write(f'[io]\nwatch_s = 3600\n[[layer]]\nid = "dalles"\npath = "{folder}"\ncap = false\nempty = "no-content"\n'
                  f'sets = ["WebMercatorQuad", "LAMB93_5cm", "WorldCRS84Quad"]\n')
    started = time.monotonic()
    process = subprocess.Popen([pavage, "serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--cache", cache,
                                "--config", config], stderr=log, stdout=subprocess.DEVNULL)
    try:
        while not (found := re.search(r'"url":"(http://[^"]+)"', open(log.name).read())):
            assert process.poll() is None, open(log.name).read()
            time.sleep(0.005)
        yield found[1], time.monotonic() - started, process
    finally:
        process.terminate()
        process.wait()


def rss(process):
    text = open(f"/proc/{process.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def extent(base):
    """Of the layer in WebMercatorQuad's tiles of native zoom, from its TileJSON."""
    import math
    west, south, east, north = json.loads(get(f"{base}/xyz/dalles/tilejson.json"))["bounds"]
    count = 2 ** NATIVE_ZOOM
    col = lambda lon: int((lon + 180) / 360 * count)
    row = lambda lat: int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * count)
    return col(west) + 2, row(north) + 2, col(east) - 2, row(south) - 2


def race(runners):
    """Seconds of each of many random tiles with imagery for each of several places. They take turns, since the machine is not
    the same from one minute to the next; the first half, in which caches fill, does not count."""
    draws = [random.Random(seed) for _, _, seed in runners]
    connections = [http.client.HTTPConnection(base.split("//")[1], timeout=60) for base, _, _ in runners]
    times = [[] for _ in runners]
    for turn in range(2 * TILES):
        for (_, box, _), draw, connection, taken in zip(runners, draws, connections, times):
            status = 0
            while status != 200:
                tile = f"/xyz/dalles/{NATIVE_ZOOM}/{draw.randint(box[0], box[2])}/{draw.randint(box[1], box[3])}.jpg"
                started = time.perf_counter()
                connection.request("GET", tile)
                answer = connection.getresponse()
                answer.read()
                took, status = time.perf_counter() - started, answer.status
            if turn >= TILES:
                taken.append(took)
    return [sorted(taken) for taken in times]


def neighbourhood(box, side):
    """A square of so many tiles somewhere in the middle."""
    col, row = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    return (max(box[0], col - side // 2), max(box[1], row - side // 2),
            min(box[2], col + side // 2), min(box[3], row + side // 2))


def told(name, value, target=None, is_met=None):
    mark = "" if target is None else f"   (wanted {target}: {'met' if is_met else 'MISSED'})"
    print(f"{name:44} {value}{mark}", flush=True)


def measure(pavage, work, folder, name, is_judged):
    count, size = warm(folder)
    cache = f"{work}/cache-{name}"
    subprocess.run(["rm", "-rf", cache], check=True)
    print(f"\n{count} dalles, {size / 1e6:.0f} MB")
    with server(pavage, work, cache, folder) as (base, took, process):
        rate = count / took
        told("first scan, page cache warm", f"{took:.1f} s, {rate:.0f} files/s", f">= {SCAN_FILES_PER_S}" if is_judged else None,
             rate >= SCAN_FILES_PER_S)
    index = [os.path.join(place, file) for place, _, files in os.walk(cache) for file in files if file.endswith(".fgb")]
    size = sum(map(os.path.getsize, index))
    told("index", f"{size / 1e6:.1f} MB, {size / count:.0f} bytes a dalle")
    box = None
    starts = []
    for _ in range(3):
        started = time.monotonic()
        with server(pavage, work, cache, folder) as (base, took, process):
            if box:
                get(f"{base}/xyz/dalles/{NATIVE_ZOOM}/{(box[0] + box[2]) // 2}/{(box[1] + box[3]) // 2}.jpg")
            box = box or extent(base)
            starts.append(time.monotonic() - started)
    told("start with the index, to the first tile", f"{min(starts[1:]):.2f} s", f"< {START_S:.0f} s" if is_judged else None,
         min(starts[1:]) < START_S)
    with server(pavage, work, cache, folder) as (base, _, process):
        # The first look at all files follows the start at once.
        time.sleep(1 + count / 20_000)
        told("memory", f"{rss(process) / 1e6:.0f} MB")
        memory = rss(process)
    return count, memory, cache, box


def main(pavage, work, many="150000"):
    os.makedirs(work, exist_ok=True)
    results = {}
    for count in ("64", many):
        folder = f"{work}/dalles-{count}"
        subprocess.run([pavage, "demo", "--dalles", count, "--detail", "cheap", "--flawless", "--no-serve", "--dir", folder], check=True,
                       stdout=subprocess.DEVNULL)
        results[count] = measure(pavage, work, folder, count, count == many)
    few, large = results["64"], results[many]
    print()
    each = (large[1] - few[1]) / (large[0] - few[0])
    told("memory per dalle", f"{each:.0f} bytes", f"< {RSS_BYTES}", each < RSS_BYTES)
    with server(pavage, work, few[2], f"{work}/dalles-64") as (small, _, _), \
            server(pavage, work, large[2], f"{work}/dalles-{many}") as (base, _, process):
        time.sleep(1 + large[0] / 20_000)
        box = large[3]
        times = race([(small, few[3], 1), (base, neighbourhood(box, 150), 2), (base, box, 3)])
        middle = [statistics.median(taken) for taken in times]
        for what, taken, ratio in zip(("tile of 64 dalles", "tile in a neighbourhood of 64 of many", "tile anywhere among many"),
                                      times, (None, middle[1] / middle[0], middle[2] / middle[0])):
            told(what, f"p50 {statistics.median(taken) * 1e3:.2f} ms, p99 {taken[int(len(taken) * .99)] * 1e3:.2f} ms")
            if ratio:
                told("  beside 64 dalles", f"{ratio:.2f}", f"<= {RATIO}", ratio <= RATIO)
        told("memory after the tiles", f"{rss(process) / 1e6:.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
