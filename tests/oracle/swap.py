"""Ten of 4096 dalles are replaced while eight clients ask for tiles of all zooms.

A tile with a new ETag shows nothing of the old dalles, no old tile is sent once a new one was, tiles elsewhere keep
their ETag all the time, and in the end nothing is provisional.
"""

import io
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request

import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import from_origin
from rasterio.warp import transform, transform_bounds

from serving import get, serving

NEW = np.array((230, 20, 230))
DALLE_M = 200
# Upper left corners in hectometres: two neighbours, one at the edge and one in the corner of the territory, the rest
# anywhere. Away from what `pavage demo` plants.
REPLACED = [(6508, 62310), (6510, 62310), (6500, 62270), (6626, 62350), (6538, 62224), (6524, 62334), (6550, 62240),
            (6606, 62300), (6616, 62246), (6612, 62330)]
ZOOMS = range(10, 22)
WORLD = 40075016.685578488
# Kernels and blocks of JPEG blur; what changes reaches so many pixels of a tile further.
BLUR_PX, REACH_PX = 3, 26


def footprint(corner):
    x, y = corner[0] * 100, corner[1] * 100
    return x, y - DALLE_M, x + DALLE_M, y


class Tile:
    """A tile of the web map, with the pixels of it that lie inside replaced dalles."""

    def __init__(self, z, x, y):
        self.z, self.x, self.y, self.etag = z, x, y, None
        self.cell = WORLD / 2**z / 256
        self.left, self.top = x * 256 * self.cell - WORLD / 2, WORLD / 2 - y * 256 * self.cell
        self.inside = []

    def url(self, base):
        return f"{base}/xyz/terr/{self.z}/{self.x}/{self.y}.png"

    def touches(self, boxes, reach_px):
        reach, side = reach_px * self.cell, 256 * self.cell
        return any(self.left - reach < box[2] and self.left + side + reach > box[0] and
                   self.top + reach > box[1] and self.top - side - reach < box[3] for box in boxes)

    def find_inside(self):
        step = 1 if self.z < 15 else 5
        rows, cols = (axis.ravel() for axis in np.mgrid[0:256:step, 0:256:step])
        x, y = self.left + (cols + 0.5) * self.cell, self.top - (rows + 0.5) * self.cell
        x, y = (np.array(axis) for axis in transform("EPSG:3857", "EPSG:2154", x, y))
        metres = self.cell * 0.73  # at this latitude
        margin = min(BLUR_PX * metres, 0.4 * DALLE_M)
        # Of a dalle of less than three pixels no pixel has the colour.
        self.is_telling = DALLE_M > 3 * metres
        for corner in REPLACED:
            left, bottom, right, top = footprint(corner)
            inside = (x > left + margin) & (x < right - margin) & (y > bottom + margin) & (y < top - margin)
            if inside.any():
                self.inside.append((corner, rows[inside], cols[inside]))

    def verdict(self, body, old_colours):
        """"new", "old" or "mixed": of which dalles the pixels inside are; nothing where none can tell."""
        if not self.is_telling:
            return None
        pixels = np.array(Image.open(io.BytesIO(body)).convert("RGB")).astype(int)
        seen = set()
        for corner, rows, cols in self.inside:
            shown = pixels[rows, cols]
            is_new = np.abs(shown - NEW).max(axis=1) < np.abs(shown - old_colours[corner]).max(axis=1)
            if self.z >= 14:
                assert np.abs(shown - NEW)[is_new].max(initial=0) < 40, (self.z, self.x, self.y, "neither old nor new")
            seen |= {"new" if new else "old" for new in is_new}
        return seen.pop() if len(seen) == 1 else "mixed"


def tiles_of(random):
    """Of each zoom some that show replaced dalles, and some near and far that do not; what only may is left out."""
    web = [transform_bounds("EPSG:2154", "EPSG:3857", *footprint(corner)) for corner in REPLACED]
    all_ = transform_bounds("EPSG:2154", "EPSG:3857", 650100, 6222300, 662700, 6234900)
    touched, untouched = {}, {}
    for z in ZOOMS:
        side = WORLD / 2**z
        at = lambda x, y: (z, int((x + WORLD / 2) // side), int((WORLD / 2 - y) // side))
        for left, bottom, right, top in web:
            for _ in range(4):
                key = at(random.uniform(left, right), random.uniform(bottom, top))
                touched[key] = Tile(*key)
            for _ in range(8):
                away = REACH_PX * side / 256 + random.random() * side
                beside = [(left - away, top), (right + away, bottom), (left, top + away), (right, bottom - away)]
                key = at(*random.choice(beside))
                untouched[key] = Tile(*key)
        for _ in range(30):
            key = at(random.uniform(all_[0], all_[2]), random.uniform(all_[1], all_[3]))
            untouched[key] = Tile(*key)
    for tile in touched.values():
        tile.find_inside()
    return ([tile for tile in touched.values() if tile.inside],
            [tile for tile in untouched.values() if not tile.touches(web, REACH_PX) and tile.touches([all_], 0)])


class Clients:
    """Ask until they are stopped; remember what they saw."""

    def __init__(self, base, touched, untouched, old_colours):
        self.base, self.pools, self.old_colours = base, (touched, untouched), old_colours
        self.touched, self.untouched, self.others, self.failed, self.running = [], [], [], [], True
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(8)]
        for thread in self.threads:
            thread.start()

    def run(self, seed):
        random = np.random.default_rng(seed)
        while self.running:
            time.sleep(0.03)  # the cap is built of what clients leave
            try:
                self.ask(random)
            except Exception as error:  # the test fails for it, not the thread
                self.failed.append(error)
                return

    def ask(self, random):
        is_touched = random.random() < 0.5
        tile = random.choice(self.pools[0 if is_touched else 1])
        headers = {"If-None-Match": tile.etag} if random.random() < 0.5 else {}
        started = time.monotonic()
        status, answer, body = get(tile.url(self.base), headers)
        ended = time.monotonic()
        if status not in (200, 304):
            self.others.append((status, started, tile.z, tile.x, tile.y, is_touched))
            return
        is_old = answer["etag"] == tile.etag
        name = (tile.z, tile.x, tile.y)
        if is_touched:
            verdict = tile.verdict(body, self.old_colours) if status == 200 else None
            self.touched.append((started, ended, name, is_old, "pavage-provisional" in answer, verdict))
        else:
            self.untouched.append((name, is_old and status == (304 if headers else 200)))

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join()
        for error in self.failed:
            raise error


def replace_dalles(folder, work):
    """New files of another colour, each moved into its place whole."""
    new = np.broadcast_to(NEW.astype("uint8")[:, None, None], (3, 4000, 4000))
    for x, y in REPLACED:
        place = f"{folder}/2023-{x:05}-{y:05}-LA93-0M05-RVB.tif"
        assert os.path.exists(place), place
        profile = dict(driver="COG", width=4000, height=4000, count=3, dtype="uint8", crs="EPSG:2154", compress="JPEG",
                       transform=from_origin(x * 100, y * 100, 0.05, 0.05), overview_resampling="average")
        with rasterio.open(f"{work}/new-{x}-{y}.tif", "w", **profile) as out:
            out.write(new)
    for x, y in REPLACED:
        os.replace(f"{work}/new-{x}-{y}.tif", f"{folder}/2023-{x:05}-{y:05}-LA93-0M05-RVB.tif")


def old_colours_of(folder):
    colours = {}
    for x, y in REPLACED:
        with rasterio.open(f"{folder}/2023-{x:05}-{y:05}-LA93-0M05-RVB.tif") as file:
            colours[x, y] = file.read(out_shape=(3, 16, 16)).reshape(3, -1).mean(axis=1)
    return colours


def missing(base):
    found = re.search(r"^pavage_cap_patches_missing\{[^}]*\} (\d+)", get(f"{base}/metrics")[2].decode(), re.M)
    return int(found[1]) if found else 0


def wait_for(done, seconds, what):
    started = time.monotonic()
    while not done():
        assert time.monotonic() - started < seconds, f"{what}: not after {seconds} s"
        time.sleep(0.1)
    return time.monotonic() - started


def one_swap(base, folder, work):
    touched, untouched = tiles_of(np.random.default_rng(7))
    assert len(untouched) >= 300 and {tile.z for tile in touched} == set(ZOOMS), (len(untouched), len(touched))
    old_colours = old_colours_of(folder)
    for tile in touched + untouched:
        status, answer, body = get(tile.url(base))
        assert status == 200 and "pavage-provisional" not in answer, (status, tile.z, tile.x, tile.y)
        tile.etag = answer["etag"]
        assert not tile.inside or tile.verdict(body, old_colours) in (None, "old"), (tile.z, tile.x, tile.y)

    clients = Clients(base, touched, untouched, old_colours)
    try:
        time.sleep(2)
        replace_dalles(folder, work)
        replaced = time.monotonic()
        rescan = urllib.request.Request(f"{base}/admin/rescan", method="POST")
        assert urllib.request.urlopen(rescan, timeout=30).status == 202
        wait_for(lambda: any(not is_old for _, _, _, is_old, _, _ in list(clients.touched)), 20, "a new tile")
        wait_for(lambda: missing(base) > 0, 20, "patches to build")
        built = wait_for(lambda: missing(base) == 0, 90, "the cap is built")
        time.sleep(2)
    finally:
        clients.stop()

    seen = clients.touched
    swapped = min(ended for _, ended, _, is_old, _, _ in seen if not is_old)
    stale = [name for started, _, name, is_old, _, _ in seen if is_old and started > swapped]
    assert not stale, f"{len(stale)} old tiles after the swap: {stale[:5]}"
    wrong = [(name, is_old, is_provisional, verdict) for _, _, name, is_old, is_provisional, verdict in seen
             if verdict not in (None, "old" if is_old else "new")]
    assert not wrong, f"{len(wrong)} tiles show what they must not: {wrong[:5]}"
    changed = [name for name, is_same in clients.untouched if not is_same]
    assert not changed, f"{len(changed)} tiles elsewhere have changed: {sorted(set(changed))[:5]}"
    late = [other for other in clients.others if other[1] > swapped or not other[5] or other[0] != 503]
    assert not late, f"{len(late)} other answers: {late[:5]}"
    provisional = sum(is_provisional for _, _, _, is_old, is_provisional, _ in seen if not is_old)
    final = sum(not is_old and not is_provisional for _, _, _, is_old, is_provisional, _ in seen)

    for tile in touched:
        status, answer, body = get(tile.url(base), {"If-None-Match": tile.etag})
        assert status == 200 and "pavage-provisional" not in answer, (status, tile.z, tile.x, tile.y)
        assert tile.verdict(body, old_colours) in (None, "new"), (tile.z, tile.x, tile.y)
    for tile in untouched:
        assert get(tile.url(base), {"If-None-Match": tile.etag})[0] == 304, (tile.z, tile.x, tile.y)
    print(f"swap: {len(seen) + len(clients.untouched)} answers for {len(touched)} tiles that change and "
          f"{len(untouched)} that do not, none wrong; {len(clients.others)} times 503; "
          f"new after {swapped - replaced:.1f} s; {provisional} provisional, {final} final new ones; "
          f"the cap was whole again {built:.1f} s later")


def main(pavage, work):
    folder, cache = f"{work}/terr", f"{work}/terr-cache"
    quiet = dict(check=True, capture_output=True)
    subprocess.run([pavage, "demo", "--dalles", "4096", "--detail", "cheap", "--no-serve", "--dir", folder], **quiet)
    subprocess.run([pavage, "cap", "--cache", cache, folder], **quiet)
    with serving(pavage, work, "--cache", cache, folder) as base:
        one_swap(base, folder, work)


if __name__ == "__main__":
    main(*sys.argv[1:])
