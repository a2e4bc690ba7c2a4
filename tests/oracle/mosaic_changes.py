"""What a mosaic without cap does when it is large, damaged, or changed.

- A tile of 144 dalles answers in bounded time: provisional, for a short time only, and not blank.
- A truncated dalle is a hole that the older one fills, and a warning.
- A replaced dalle changes the ETag of each tile whose pixels change, and of none that kernels cannot reach; others answer 304.
"""

import os
import re
import shutil
import sys
import time
import urllib.request

import numpy as np
from rasterio.warp import transform_bounds

from scene import write_cog
from serving import get, serving
from tiling import address, fetch, pixels, sets_of

LEFT, TOP, CELL, SIDE = 652_000.0, 6_236_000.0, 0.05, 1000
SETS = ["WebMercatorQuad", "LAMB93_5cm", "WorldCRS84Quad"]
# A tile is made of no more files; what is beyond waits for the cap.
FILES = 64
BOUNDED_S = 10


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def dalle(folder, col, row, random, prefix="2024"):
    """Waves of a colour of its own."""
    y, x = np.mgrid[:SIDE, :SIDE]
    colour = random.integers(60, 190, 3)
    image = colour + 50 * np.sin(x / 37)[:, :, None] * np.cos(y / 23)[:, :, None]
    path = f"{folder}/{prefix}-{col:02}-{row:02}.tif"
    write_cog(path, np.clip(image, 1, 255).astype("uint8"), LEFT + col * SIDE * CELL, TOP - row * SIDE * CELL, CELL,
              overview_count=3)
    return path


def square(folder, across, seed):
    random = np.random.default_rng(seed)
    return {(col, row): dalle(folder, col, row, random) for row in range(across) for col in range(across)}


def layer(config, name, path):
    config.write(f'[[layer]]\nid = "{name}"\npath = "{path}"\nformats = ["png"]\nsets = {SETS}\ncap = false\n')


def box_in(found, cols, rows):
    side = SIDE * CELL
    return transform_bounds("EPSG:2154", found.crs, LEFT + cols[0] * side, TOP - rows[1] * side,
                            LEFT + cols[1] * side, TOP - rows[0] * side)


def many(pavage, work):
    across = 12
    folder = fresh(f"{work}/many")
    square(folder, across, 1)
    with open(f"{work}/many.toml", "w") as config:
        layer(config, "many", folder)
    with serving(pavage, work, "--cache", f"{work}/cache-many", "--config", f"{work}/many.toml") as base:
        for name, found in sets_of(base).items():
            if name not in SETS:
                continue
            box = box_in(found, (0, across), (0, across))
            native = found.zoom_for((box[2] - box[0]) / (across * SIDE))
            all_of_it = found.zoom_for((box[2] - box[0]) / 256)
            line = []
            for zoom in range(all_of_it - 3, native + 1):
                tile = found.tile_at(zoom, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
                started = time.monotonic()
                image, headers = fetch(address(base, "many", name, tile))
                took = time.monotonic() - started
                is_provisional = headers.get("Pavage-Provisional") == "1"
                max_age = int(re.search(r"max-age=(\d+)", headers["Cache-Control"])[1])
                # What of the tile lies in the imagery, two pixels from its edge.
                left, bottom, right, top = found.bounds(tile)
                cell = found.cells[zoom]
                cols = slice(max(0, int((box[0] - left) / cell) + 3), max(0, int((box[2] - left) / cell) - 3))
                rows = slice(max(0, int((top - box[3]) / cell) + 3), max(0, int((top - box[1]) / cell) - 3))
                inside = image[rows, cols, 3]
                blank = (inside < 255).mean() if inside.size else 0
                line.append(f"{zoom}: {took:.2f} s{', provisional' if is_provisional else ''}")
                assert took < BOUNDED_S, (name, tile, took)
                assert max_age <= 5 if is_provisional else max_age == 3600, (name, tile, max_age)
                # The box in another CRS is a little larger than what is in it.
                assert blank < 0.04, (name, tile, f"{blank:.0%} of the imagery is blank")
                dalles = inside.size * cell ** 2 / ((box[2] - box[0]) * (box[3] - box[1])) * across ** 2
                if dalles > 1.3 * FILES:
                    assert is_provisional, (name, tile, "is made of a part of its dalles and does not say so")
            print(f"{across * across} dalles in {name}: {'; '.join(line)}")


def damaged(pavage, work):
    folder = fresh(f"{work}/damaged")
    random = np.random.default_rng(2)
    older = {(col, 0): dalle(folder, col, 0, random, "2021") for col in range(3)}
    newer = {(col, 0): dalle(folder, col, 0, random, "2024") for col in range(3)}
    only_old = fresh(f"{work}/damaged-old")
    for path in older.values():
        shutil.copy(path, only_old)
    path = newer[1, 0]
    os.truncate(path, int(os.path.getsize(path) * 0.6))
    with open(f"{work}/damaged.toml", "w") as config:
        layer(config, "damaged", folder)
        layer(config, "older", only_old)
    with serving(pavage, work, "--cache", f"{work}/cache-damaged", "--config", f"{work}/damaged.toml") as base:
        found = sets_of(base)["LAMB93_5cm"]
        zoom = found.zoom_for(CELL)
        counts = {"older": 0, "newer": 0}
        for level in (zoom, zoom - 1, zoom - 2):
            box = box_in(found, (1, 2), (0, 1))
            for tile in found.tiles(level, box):
                left, bottom, right, top = found.bounds(tile)
                if left < box[0] or right > box[2] or bottom < box[1] or top > box[3]:
                    continue
                here, _ = fetch(address(base, "damaged", found.name, tile))
                there, _ = fetch(address(base, "older", found.name, tile))
                assert (here[:, :, 3] == 255).all(), (tile, "has a hole")
                counts["older" if (here == there).all() else "newer"] += 1
        print(f"truncated dalle: {counts['older']} tiles of the older one, {counts['newer']} with blocks that are left")
        assert counts["older"] > 0
        log = [open(f"{work}/{name}").read() for name in os.listdir(work) if name.startswith("serve-")]
        assert any(os.path.basename(path) in text for text in log), "the log names the truncated dalle"


def all_tiles(base, sets, across):
    for name in SETS:
        found = sets[name]
        box = box_in(found, (0, across), (0, across))
        native = found.zoom_for((box[2] - box[0]) / (across * SIDE))
        for zoom in range(found.zoom_for((box[2] - box[0]) / 256) - 1, native):
            for tile in found.tiles(zoom, box):
                yield found, tile


def replaced(pavage, work):
    across = 7
    folder = fresh(f"{work}/replaced")
    paths = square(folder, across, 3)
    with open(f"{work}/replaced.toml", "w") as config:
        layer(config, "replaced", folder)
    with serving(pavage, work, "--cache", f"{work}/cache-replaced", "--config", f"{work}/replaced.toml") as base:
        sets = sets_of(base)
        before = {}
        for found, tile in all_tiles(base, sets, across):
            _, headers, body = get(address(base, "replaced", found.name, tile))
            assert headers.get("Pavage-Provisional") is None, (found.name, tile)
            before[found.name, tile] = headers["ETag"], body
        col, row = 3, 2
        random = np.random.default_rng(99)
        dalle(folder, col, row, random)
        rescan(base, address(base, "replaced", "LAMB93_5cm", centre(sets["LAMB93_5cm"], col, row)))
        counts = {"changed": 0, "same": 0, "reached": 0}
        for (name, tile), (etag, body) in before.items():
            found = sets[name]
            url = address(base, "replaced", name, tile)
            status, headers, _ = get(url, {"If-None-Match": etag})
            changed = status == 200
            assert status == 304 or headers["ETag"] != etag, (name, tile, status)
            after = get(url)[2]
            is_other = (pixels(after) != pixels(body)).any()
            assert changed or not is_other, (name, tile, "other pixels under the old ETag")
            left, bottom, right, top = found.bounds(tile)
            touched = box_in(found, (col, col + 1), (row, row + 1))
            # Kernels reach two pixels of the target; windows are whole pixels of the level.
            reach = 5 * found.cells[tile[0]]
            near = (left - reach < touched[2] and right + reach > touched[0]
                    and bottom - reach < touched[3] and top + reach > touched[1])
            assert not changed or near, (name, tile, "has a new ETag though the dalle is far away")
            counts["changed"] += changed and is_other
            counts["reached"] += changed and not is_other
            counts["same"] += not changed
        print(f"one dalle of {across * across} replaced: {counts['changed']} tiles with other pixels, {counts['reached']} more "
              f"that kernels might reach, {counts['same']} answer 304")
        assert counts["changed"] > 20 and counts["same"] > 200 and counts["reached"] <= 0.2 * counts["changed"] + 10


def centre(found, col, row):
    box = box_in(found, (col, col + 1), (row, row + 1))
    return found.tile_at(found.zoom_for(CELL), (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def rescan(base, url):
    """Asks for it, and waits until a tile is another."""
    etag = get(url)[1]["ETag"]
    request = urllib.request.Request(f"{base}/admin/rescan", method="POST", data=b"")
    assert urllib.request.urlopen(request, timeout=30).status == 202
    for _ in range(300):
        if get(url)[1]["ETag"] != etag:
            return
        time.sleep(0.1)
    raise AssertionError("the replaced dalle is not seen")


def main(pavage, work):
    many(pavage, work)
    damaged(pavage, work)
    replaced(pavage, work)


if __name__ == "__main__":
    main(*sys.argv[1:])
