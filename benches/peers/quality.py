"""Is the picture right? The tiles that servers gave, beside an exact warp of what they were made of.

Runs in the work folder's Python: `quality.py WORK`, and prints JSON: for each workload and server the PSNR in decibels, and the
whole-pixel shift at which it would be best. Below native zoom the truth is the average of 8 x 8 exact samples a pixel.
"""

import contextlib
import glob
import json
import math
import os
import sys

import data
import grid
import numpy as np
import rasterio
import workloads
from PIL import Image
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds, from_origin
from rasterio.vrt import WarpedVRT
from world import World

SHIFTS, FINER = 3, 8


def truth(work, workload, tile, side):
    """`[row, col, band]`, not a number where imagery ends; kept between runs."""
    is_native = tile[0] + round(math.log2(side / 256)) >= workloads.NATIVE
    # Dalles are JPEG. At their own resolution it is not they that are right, as some library decodes them, but what they were
    # made of; the mean over many of their pixels is the same (61 dB apart at zoom 16).
    source = ("world" if is_native else "mosaic.vrt") if workload.layer == "mosaic" else "raw.tif"
    kept = f"{work}/truth/{source}-{side}-{'-'.join(map(str, tile))}.npy"
    if os.path.exists(kept):
        return np.load(kept)
    finer = 1 if is_native else FINER
    place = from_bounds(*grid.bounds(*tile), side * finer, side * finer)
    with opened(work, source, tile) as dataset:
        with WarpedVRT(dataset, crs="EPSG:3857", resampling=Resampling.bilinear, tolerance=0.01, transform=place,
                       width=side * finer, height=side * finer, add_alpha=True) as warped:
            pixels = warped.read((1, 2, 3)).astype(np.float32)
            pixels[:, warped.read(4) < 255] = np.nan
    pixels = pixels.reshape(3, side, finer, side, finer).mean((2, 4)).transpose(1, 2, 0)
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    np.save(kept, pixels)
    return pixels


@contextlib.contextmanager
def opened(work, source, tile):
    """A file of the imagery; of the world what lies under the tile, painted in the stripes in which dalles were."""
    if source != "world":
        with rasterio.open(f"{work}/data/{source}") as dataset:
            yield dataset
        return
    west, south, east, north = grid.bounds(*tile)
    places = [grid.lambert(x, y) for x in (west, east) for y in (south, north)]
    first_col, last_col = stripes([(easting - data.WEST) / data.CELL_M for easting, _ in places])
    first_row, last_row = stripes([(data.NORTH - northing) / data.CELL_M for _, northing in places])
    painted = World(f"{work}/textures")
    rows = [np.concatenate([painted.window(col * data.STRIPE_PX, row * data.STRIPE_PX, data.STRIPE_PX, data.STRIPE_PX)
                            for col in range(first_col, last_col + 1)], 1) for row in range(first_row, last_row + 1)]
    pixels = np.concatenate(rows).transpose(2, 0, 1)
    corner = from_origin(data.WEST + first_col * data.STRIPE_PX * data.CELL_M,
                         data.NORTH - first_row * data.STRIPE_PX * data.CELL_M, data.CELL_M, data.CELL_M)
    with MemoryFile() as file:
        with file.open(driver="GTiff", width=pixels.shape[2], height=pixels.shape[1], count=3, dtype="uint8",
                       crs=f"EPSG:{data.EPSG}", transform=corner) as dataset:
            dataset.write(pixels)
        with file.open() as dataset:
            yield dataset


def stripes(pixels):
    """The first and the last that kernels reach."""
    return int(min(pixels) - 8) // data.STRIPE_PX, int(max(pixels) + 8) // data.STRIPE_PX


def squared_errors(picture, wanted):
    """By shift, without the margin that a shift would need."""
    inner = picture[SHIFTS:-SHIFTS, SHIFTS:-SHIFTS]
    height, width = inner.shape[:2]
    reach = range(-SHIFTS, SHIFTS + 1)
    moved = {(right, down): wanted[SHIFTS + down:SHIFTS + down + height, SHIFTS + right:SHIFTS + right + width]
             for down in reach for right in reach}
    return {shift: float(np.nanmean((inner - pixels) ** 2)) for shift, pixels in moved.items()}


def decibels(error):
    return round(10 * math.log10(255**2 / max(error, 1e-9)), 2)


def compare(work, workload, server):
    errors, sizes = [], []
    tiles = workloads.tiles(work, workload)
    for path in sorted(glob.glob(f"{work}/samples/{workload.name}/{server}/*.*")):
        picture = np.asarray(Image.open(path).convert("RGB")).astype(np.float32)
        tile = tiles[int(os.path.basename(path).split(".")[0])]
        errors.append(squared_errors(picture, truth(work, workload, tile, picture.shape[0])))
        sizes.append(os.path.getsize(path))
    mean = {shift: sum(error[shift] for error in errors) / len(errors) for shift in errors[0]}
    best = min(mean, key=mean.get)
    return {"psnr_db": decibels(mean[0, 0]), "best_shift_px": list(best), "best_psnr_db": decibels(mean[best]),
            "bytes": sum(sizes) // len(sizes)}


def main(work):
    told = {}
    for workload in workloads.ALL:
        for folder in sorted(glob.glob(f"{work}/samples/{workload.name}/*")):
            told.setdefault(workload.name, {})[os.path.basename(folder)] = compare(work, workload, os.path.basename(folder))
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
