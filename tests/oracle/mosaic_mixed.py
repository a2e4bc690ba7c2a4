"""Mosaics of what does not match: masks and nodata, pixels of 8 cm beside those of 5 cm, another CRS, flights of two years.

- Masked dalles of one grid: within one level of the same image, with the same mask, as one file.
- Other pixels and another CRS: the picture is a smooth function of the place in Lambert-93, so every tile can be calculated:
  within three levels away from the borders, and there within what one and a half pixels of the level are worth; no hole.
- Two years: equal to numpy's composition, the newer above, its holes filled by the older; `?time=` gives each.
"""

import os
import shutil
import sys

import numpy as np
from rasterio.warp import transform, transform_bounds

from scene import Scene, write_cog
from serving import get, serving
from tiling import address, fetch, sets_of

LEFT, TOP, CELL = 652_000.0, 6_236_000.0, 0.05
SIDE, ACROSS = 1000, 3
SETS = ["WebMercatorQuad", "LAMB93_5cm", "WorldCRS84Quad"]
KERNELS = ["nearest", "bilinear", "cubic", "lanczos"]


def layer(config, name, paths, kernel, **keys):
    config.write(f'[[layer]]\nid = "{name}"\npaths = {paths}\nformats = ["png"]\nresampling = "{kernel}"\n'
                 f'sets = {SETS}\ncap = false\n')
    for key, value in keys.items():
        config.write(f"{key} = {value}\n")


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def holes(side, random):
    """A mask with round holes and a frayed edge, 0 or 255; many holes lie on the borders of dalles."""
    y, x = np.mgrid[:side, :side]
    mask = np.full((side, side), 255, "uint8")
    for _ in range(40):
        col, row, radius = random.integers(0, side, 2).tolist() + [random.integers(2, 90)]
        if random.integers(2):
            col = round(col / SIDE) * SIDE
        mask[(x - col) ** 2 + (y - row) ** 2 < radius ** 2] = 0
    mask[x < 40 + 25 * np.sin(y / 30)] = 0
    mask[y > side - 60 - x / 40] = 0
    return mask


def make_masked(work, data):
    side = SIDE * ACROSS
    scene = Scene(data).read(0, 0, side, side)
    mask = holes(side, np.random.default_rng(3))
    made = {}
    for kind in ("mask", "nodata"):
        folder = fresh(f"{work}/masked-{kind}")
        image = np.maximum(scene, 1) * (mask[:, :, None] > 0) if kind == "nodata" else scene
        options = {"nodata": 0} if kind == "nodata" else {}
        for row in range(ACROSS):
            for col in range(ACROSS):
                part = np.s_[row * SIDE:(row + 1) * SIDE, col * SIDE:(col + 1) * SIDE]
                write_cog(f"{folder}/{col}-{row}.tif", image[part], LEFT + col * SIDE * CELL, TOP - row * SIDE * CELL,
                          CELL, mask=mask[part] if kind == "mask" else None, overview_count=3, **options)
        # In both: the newest, far away, and beside the grid that overviews of the others lie on.
        stray = f"{work}/masked-{kind}-2024-stray.tif"
        write_cog(stray, scene[:SIDE, :SIDE], LEFT + 300 + 3 * CELL, TOP + 5 * CELL, CELL,
                  overview_count=3)
        merged = f"{work}/masked-{kind}.tif"
        write_cog(merged, image, LEFT, TOP, CELL, mask=mask if kind == "mask" else None, overview_count=3, **options)
        made[kind] = [folder, stray], [merged, stray]
    return made


def boxes(sets):
    for name in SETS:
        side = SIDE * ACROSS * CELL
        box = transform_bounds("EPSG:2154", sets[name].crs, LEFT, TOP - side, LEFT + side, TOP)
        yield sets[name], box, (box[2] - box[0]) / side


def masked(pavage, work, data):
    made = make_masked(work, data)
    with open(f"{work}/masked.toml", "w") as config:
        for kind, (folder, merged) in made.items():
            for kernel in KERNELS:
                layer(config, f"{kind}-dalles-{kernel}", folder, kernel, collar='"off"')
                layer(config, f"{kind}-merged-{kernel}", merged, kernel, collar='"off"')
    wrong = []
    with serving(pavage, work, "--cache", f"{work}/cache-masked", "--config", f"{work}/masked.toml") as base:
        random = np.random.default_rng(5)
        for found, box, scale in boxes(sets_of(base)):
            native = found.zoom_for(CELL * scale)
            for zoom in range(native - 3, min(native + 2, len(found.cells))):
                tiles = found.tiles(zoom, box)
                for number in random.permutation(len(tiles))[:8]:
                    for kind in made:
                        for kernel in KERNELS:
                            here, _ = fetch(address(base, f"{kind}-dalles-{kernel}", found.name, tiles[number]))
                            there, _ = fetch(address(base, f"{kind}-merged-{kernel}", found.name, tiles[number]))
                            off = np.abs(here.astype(int) - there)
                            off[:, :, :3] *= np.minimum(here, there)[:, :, 3:] > 0
                            if off.max() > 1:
                                wrong.append((kind, kernel, found.name, tiles[number], off[:, :, :3].max(),
                                              off[:, :, 3].max(), int((off.max(2) > 1).sum())))
    for found in wrong[:12]:
        print("WRONG:", *found)
    assert not wrong, f"{len(wrong)} tiles of masked dalles differ from those of one file"
    print("masked dalles: as one file")


def smooth(x, y):
    """The picture at a place in Lambert-93: waves of 16 to 40 m."""
    x, y = np.asarray(x) - LEFT, np.asarray(y) - TOP
    return np.stack([
        128 + 90 * np.sin(x / 2.6) * np.cos(y / 3.1),
        128 + 80 * np.sin((x + y) / 4.0),
        100 + 60 * np.cos(x / 6.0) + 30 * np.sin(y / 2.9)], -1)


def slope(x, y, distance):
    """How much the picture changes within a distance, at most."""
    here = smooth(x, y)
    around = [smooth(x + dx * distance, y + dy * distance) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    return np.abs(np.stack(around) - here).max(0)


def smooth_dalle(path, crs, x, y, cell, side):
    cols, rows = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    there = x + cols * cell, y - rows * cell
    if crs != "EPSG:2154":
        there = [np.reshape(v, (side, side)) for v in transform(crs, "EPSG:2154", there[0].ravel(), there[1].ravel())]
    image = np.clip(np.rint(smooth(*there)), 0, 255).astype("uint8")
    write_cog(path, image, x, y, cell, crs=crs, overview_count=3)


def make_smooth(work):
    """Fifty metres each: 5 cm, to the east 8 cm, to the south in the 43rd zone at 5 cm, over its neighbours by some decimetres."""
    folder = fresh(f"{work}/smooth")
    smooth_dalle(f"{folder}/5cm.tif", "EPSG:2154", LEFT, TOP, 0.05, 1000)
    smooth_dalle(f"{folder}/8cm.tif", "EPSG:2154", LEFT + 50, TOP, 0.08, 640)
    (x,), (y,) = transform("EPSG:2154", "EPSG:3943", [LEFT], [TOP - 50])
    smooth_dalle(f"{folder}/cc43.tif", "EPSG:3943", round(x - 0.3, 2), round(y + 0.4, 2), 0.05, 1040)
    return folder


def mixed(pavage, work):
    folder = make_smooth(work)
    with open(f"{work}/smooth.toml", "w") as config:
        for kernel in KERNELS:
            layer(config, f"smooth-{kernel}", [folder], kernel)
    wrong, seams = [], {}
    with serving(pavage, work, "--cache", f"{work}/cache-smooth", "--config", f"{work}/smooth.toml") as base:
        for name, found in sets_of(base).items():
            if name not in SETS:
                continue
            # Where the three meet, and along both borders.
            for dx, dy in ((50, 50), (50, 20), (25, 50), (20, 30), (70, 20), (25, 75)):
                (x,), (y,) = transform("EPSG:2154", found.crs, [LEFT + dx], [TOP - dy])
                box = transform_bounds("EPSG:2154", found.crs, LEFT, TOP - 50, LEFT + 50, TOP)
                scale = (box[2] - box[0]) / 50
                native = found.zoom_for(CELL * scale)
                for zoom in range(native - 3, min(native + 2, len(found.cells))):
                    for kernel in KERNELS:
                        check_smooth(base, found, found.tile_at(zoom, x, y), scale, kernel, wrong, seams)
    print("smooth picture across 5 cm, 8 cm and another CRS; most levels away from the truth:",
          ", ".join(f"{kernel} {inside:.1f}, at borders {border:.1f}" for kernel, (inside, border) in seams.items()))
    for found in wrong[:12]:
        print("WRONG:", *found)
    assert not wrong, f"{len(wrong)} tiles across grids and CRSs are not what they show"


def check_smooth(base, found, tile, scale, kernel, wrong, seams):
    here, _ = fetch(address(base, f"smooth-{kernel}", found.name, tile))
    left, _, _, top = found.bounds(tile)
    cell = found.cells[tile[0]]
    cols, rows = np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5)
    x, y = (np.reshape(v, (256, 256)) for v in
            transform(found.crs, "EPSG:2154", (left + cols * cell).ravel(), (top - rows * cell).ravel()))
    metres = cell / scale
    # Borders as they are: of the three images, grown by what kernels reach.
    reach = 4 * max(metres, 0.08)
    x_off, y_off = x - LEFT, TOP - y
    in_5cm = (x_off > 0) & (x_off < 50) & (y_off > 0) & (y_off < 50)
    in_8cm = (x_off > 50) & (x_off < 101.2) & (y_off > 0) & (y_off < 51.2)
    in_cc = (x_off > 0) & (x_off < 51) & (y_off > 50) & (y_off < 101)
    inside = in_5cm | in_8cm | in_cc
    near = lambda v, at: np.abs(v - at) < reach + 0.5
    border = near(x_off, 50) | near(y_off, 50) | near(y_off, 51.2)
    edge = near(x_off, 0) | near(y_off, 0) | near(x_off, 101.2) | near(y_off, 101) | (near(x_off, 51) & (y_off > 50)) \
        | (near(y_off, 51.2) & (x_off > 50))
    counts = inside & ~edge
    if not counts.any():
        return
    gaps = counts & (here[:, :, 3] < 255)
    if gaps.any():
        wrong.append(("hole", kernel, found.name, tile, int(gaps.sum()), here[:, :, 3][gaps].min(), f"at {x_off[gaps][0]:.2f}, {y_off[gaps][0]:.2f}"))
    off = np.abs(here[:, :, :3] - smooth(x, y))
    # A kernel at an edge repeats its last pixel; the nearest pixel is up to half a one of its level away, on both sides.
    level = max(metres, 0.08)
    loose = slope(x, y, 0.75 * level if kernel == "nearest" else 0)
    at_border = slope(x, y, 1.5 * level)
    allowed = 3 + np.where(border[:, :, None], at_border, loose)
    over = (off > allowed).any(2) & counts & (here[:, :, 3] > 0)
    if over.any():
        at = np.argwhere(over)[0]
        wrong.append((kernel, found.name, tile, f"{over.sum()} pixels, first at {x_off[tuple(at)]:.2f}, {y_off[tuple(at)]:.2f}, off {off[tuple(at)]}, allowed {allowed[tuple(at)]}"))
    most = lambda where: off[where & counts].max() if (where & counts).any() else 0
    known = seams.get(kernel, (0, 0))
    seams[kernel] = max(known[0], most(~border)), max(known[1], most(border))


def make_years(work, data):
    """Flights of 2021 and 2024 on one grid, and what numpy makes of them: newer above older, by pixel."""
    folder, side = fresh(f"{work}/vintages"), 2000
    old, new = Scene(data, seed=21).read(0, 0, side, side), Scene(data, seed=24).read(0, 0, side, side)
    random = np.random.default_rng(11)
    masks = {2021: np.zeros((side, side), bool), 2024: np.zeros((side, side), bool)}
    # Of 2021 two by two; of 2024 three with holes, which lie across their borders.
    for year, image, size, starts in ((2021, old, 1000, [(0, 0), (1000, 0), (0, 1000), (1000, 1000)]),
                                      (2024, new, 800, [(160, 80), (960, 80), (560, 880)])):
        for col, row in starts:
            mask = holes(size, random) if year == 2024 else np.full((size, size), 255, "uint8")
            part = np.s_[row:row + size, col:col + size]
            write_cog(f"{folder}/{year}-{col}-{row}.tif", image[part], LEFT + col * CELL, TOP - row * CELL, CELL,
                      mask=mask if year == 2024 else None)
            masks[year][part] |= mask > 0
    return folder, old, np.where(masks[2024][:, :, None], new, old)


def years(pavage, work, data):
    folder, old, both = make_years(work, data)
    with open(f"{work}/vintages.toml", "w") as config:
        for kernel in ("nearest", "bilinear"):
            layer(config, f"years-{kernel}", [folder], kernel)
    count = 0
    with serving(pavage, work, "--cache", f"{work}/cache-years", "--config", f"{work}/vintages.toml") as base:
        found = sets_of(base)["LAMB93_5cm"]
        zoom = found.zoom_for(CELL)
        for tile in found.tiles(zoom, (LEFT, TOP - 100, LEFT + 100, TOP)):
            left, _, _, top = found.bounds(tile)
            col, row = round((left - LEFT) / CELL), round((TOP - top) / CELL)
            assert abs((left - LEFT) / CELL - col) < 1e-6, "the set lies on the grid of the dalles"
            for kernel in ("nearest", "bilinear"):
                for query, image in (("", both), ("?time=2024", both), ("?time=current", both), ("?time=2021", old),
                                     ("?time=2022", old)):
                    here, _ = fetch(address(base, f"years-{kernel}", found.name, tile, query))
                    expected = np.zeros((256, 256, 4), "uint8")
                    y, x = slice(max(row, 0), min(row + 256, 2000)), slice(max(col, 0), min(col + 256, 2000))
                    inner = expected[y.start - row:y.stop - row, x.start - col:x.stop - col]
                    inner[:, :, :3], inner[:, :, 3] = image[y, x], 255
                    here[here[:, :, 3] == 0] = 0
                    assert (here == expected).all(), (kernel, tile, query, np.argwhere((here != expected).any(2))[:3],
                                                      int((here != expected).any(2).sum()))
                    count += 1
        tile = found.tile_at(zoom, LEFT + 50, TOP - 50)
        status, _, body = get(address(base, "years-nearest", found.name, tile, "?time=2019"))
        assert status == 400 and b"time" in body, ("before the first year", status, body)
        assert get(address(base, "years-nearest", found.name, tile, "?time=tomorrow"))[0] == 400
    print(f"two years: {count} tiles equal to the composition by pixel")


def main(pavage, work, data):
    masked(pavage, work, data)
    mixed(pavage, work)
    years(pavage, work, data)


if __name__ == "__main__":
    main(*sys.argv[1:])
