"""64 dalles of 4000 px, or so many along a side as `PAVAGE_DALLES_ACROSS` says, against the same image as one file: no tile may tell which of the two it is made of.

Random tiles of all zooms, in three sets, with four kernels, lossless: no sample and no alpha differs by more than one level
wherever the dalles' own overviews do. Coarser tiles would need overviews that the dalles do not have: without a cap the table
only tells how far they are off, with one (`--cap`, once it is built) they are judged too.
"""

import os
import sys
import time

import numpy as np
from rasterio.warp import transform, transform_bounds

from scene import Scene, in_parallel, write_cog, write_merged
from serving import get, serving
from tiling import address, fetch, sets_of

SIDE_PX, ACROSS, CELL = 4000, int(os.environ.get("PAVAGE_DALLES_ACROSS", "8")), 0.05
LEFT, TOP = 650_000.0, 6_235_000.0
SETS = ["WebMercatorQuad", "LAMB93_5cm", "WorldCRS84Quad"]
KERNELS = ["nearest", "bilinear", "cubic", "lanczos"]
TILES = 500
# The coarsest overview of a dalle; a tile whose pixels are larger than twice as much needs a coarser one.
COARSEST = 8
TOLERANCE = 1
CAP_TIMEOUT_S = 900


def make_dalle(data, path, col, row):
    pixels = Scene(data).read(col * SIDE_PX, row * SIDE_PX, SIDE_PX, SIDE_PX)
    write_cog(path, pixels, LEFT + col * SIDE_PX * CELL, TOP - row * SIDE_PX * CELL, CELL)


def make(work, data):
    """The folder of dalles and the one file; what is there already is kept."""
    folder, merged = f"{work}/dalles", f"{work}/merged.tif"
    os.makedirs(folder, exist_ok=True)
    places = [(f"{folder}/2024-{col:02}-{row:02}.tif", col, row) for row in range(ACROSS) for col in range(ACROSS)]
    in_parallel(make_dalle, [(data, *place) for place in places if not os.path.exists(place[0])])
    if not os.path.exists(merged):
        scene, side = Scene(data), SIDE_PX * ACROSS
        write_merged(merged, lambda row, rows: scene.read(0, row, side, rows), (side, side), LEFT, TOP, CELL)
    return folder, merged


def configuration(work, folder, merged, cap):
    path = f"{work}/mosaic.toml"
    with open(path, "w") as config:
        config.write("[cache]\nblock_mib = 512\n")
        for kernel in KERNELS:
            for layer, source in (("dalles", folder), ("merged", merged)):
                config.write(f'[[layer]]\nid = "{layer}-{kernel}"\npath = "{source}"\nformats = ["png"]\n'
                             f'resampling = "{kernel}"\nsets = {SETS}\ncap = {str(cap).lower()}\n')
    return path


def random_tiles(sets, count, random):
    """Tiles of all zooms from one for all of it to one finer than the dalles; two of three lie on a border of dalles."""
    side = SIDE_PX * ACROSS * CELL
    combinations = []
    for name in SETS:
        found = sets[name]
        box = transform_bounds("EPSG:2154", found.crs, LEFT, TOP - side, LEFT + side, TOP)
        scale = (box[2] - box[0]) / side
        finest = min(found.zoom_for(CELL * scale) + 1, len(found.cells) - 1)
        combinations += [(found, scale, zoom) for zoom in range(found.zoom_for((box[2] - box[0]) / 256), finest + 1)]
    for number in range(count):
        found, scale, zoom = combinations[number % len(combinations)]
        x, y = random.uniform(0, side, 2)
        if random.integers(3) > 0:
            x = random.integers(0, ACROSS + 1) * SIDE_PX * CELL
        if random.integers(3) > 0:
            y = random.integers(0, ACROSS + 1) * SIDE_PX * CELL
        (x,), (y,) = transform("EPSG:2154", found.crs, [LEFT + x], [TOP - y])
        yield found, found.tile_at(zoom, x, y), found.cells[zoom] / (CELL * scale)


def serves(factor, shrink):
    """Whether Pavage reads an overview of this factor, or a coarser one: it is finer than the target by a half, or equal."""
    return shrink / factor >= 1.5 or abs(shrink / factor - 1) < 1e-3


def compare(base, cap):
    random = np.random.default_rng(500)
    sets = sets_of(base)
    worst = {}
    wrong = []
    for found, tile, shrink in random_tiles(sets, TILES, random):
        # An overview of the one file whose pixels do not divide it is stretched: no judge of anything.
        overview = max((1 << k for k in range(12) if serves(1 << k, shrink)), default=1)
        is_stretched = SIDE_PX * ACROSS % overview != 0
        is_coarse = is_stretched or (not cap and overview > COARSEST)
        for kernel in KERNELS:
            here, headers = fetch(address(base, f"dalles-{kernel}", found.name, tile))
            there, _ = fetch(address(base, f"merged-{kernel}", found.name, tile))
            off = np.abs(here.astype(int) - there)
            alpha, colour = off[:, :, 3], off[:, :, :3] * (np.minimum(here, there)[:, :, 3:] > 0)
            line = worst.setdefault((found.name, tile[0], shrink, is_coarse), {})
            most, mean, count, provisional = line.get(kernel, (0, 0.0, 0, 0))
            most = max(most, int(colour.max()), int(alpha.max()))
            provisional += headers.get("Pavage-Provisional") is not None
            line[kernel] = (most, mean + colour.mean(), count + 1, provisional)
            if max(colour.max(), alpha.max()) > TOLERANCE and not is_coarse:
                wrong.append((found.name, tile, kernel, int(colour.max()), int(alpha.max()),
                              int((off.max(2) > TOLERANCE).sum())))
    print(f"{'set':16} {'zoom':>4} {'shrink':>7}  most (mean) levels of difference by kernel: {', '.join(KERNELS)}")
    for (name, zoom, shrink, is_coarse), line in sorted(worst.items()):
        cells = "  ".join(f"{most:3} ({mean / count:5.3f})" for most, mean, count, _ in line.values())
        provisional = sum(of[3] for of in line.values())
        note = " not judged" if is_coarse else ""
        print(f"{name:16} {zoom:4} {shrink:7.2f}  {cells}{note}{f', {provisional} provisional' if provisional else ''}")
    assert not any(of[3] for (*_, is_coarse), line in worst.items() for of in line.values() if not is_coarse), \
        "a tile of a handful of dalles is not provisional"
    for found in wrong[:20]:
        print("WRONG:", *found)
    assert not wrong, f"{len(wrong)} tiles of dalles differ from those of one file"


def wait_for_cap(base):
    """Until a tile of everything is final."""
    found = sets_of(base)["WebMercatorQuad"]
    side = SIDE_PX * ACROSS * CELL
    box = transform_bounds("EPSG:2154", found.crs, LEFT, TOP - side, LEFT + side, TOP)
    tile = found.tile_at(found.zoom_for((box[2] - box[0]) / 256), (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    deadline = time.monotonic() + CAP_TIMEOUT_S
    for kernel in KERNELS:
        while get(address(base, f"dalles-{kernel}", found.name, tile))[1].get("Pavage-Provisional"):
            assert time.monotonic() < deadline, "the cap is not built in time"
            time.sleep(2)


def main(pavage, work, data, *options):
    cap = "--cap" in options
    started = time.monotonic()
    folder, merged = make(work, data)
    print(f"{ACROSS * ACROSS} dalles and one file of {SIDE_PX * ACROSS} px in {time.monotonic() - started:.0f} s")
    with serving(pavage, work, "--cache", f"{work}/cache", "--config", configuration(work, folder, merged, cap)) as base:
        if cap:
            wait_for_cap(base)
        compare(base, cap)


if __name__ == "__main__":
    main(*sys.argv[1:])
