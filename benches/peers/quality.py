"""Is the picture right? The tiles that servers gave, beside an exact warp of what they were made of.

Runs in the work folder's Python: `quality.py WORK`, and prints JSON: for each workload and server the PSNR in decibels, and the
whole-pixel shift at which it would be best. Below native zoom the truth is the average of 8 x 8 exact samples a pixel.
"""

import glob
import json
import math
import os
import sys

import grid
import numpy as np
import rasterio
import workloads
from PIL import Image
from rasterio.enums import Resampling
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT

SHIFTS, FINER = 3, 8


def truth(work, workload, tile, side):
    """`[row, col, band]`, not a number where imagery ends; kept between runs. Of mosaics, the dalles themselves are what there is."""
    source = {"mosaic": "mosaic.vrt"}.get(workload.layer, "raw.tif")
    kept = f"{work}/truth/{source}-{side}-{'-'.join(map(str, tile))}.npy"
    if os.path.exists(kept):
        return np.load(kept)
    native = tile[0] + round(math.log2(side / 256)) >= workloads.NATIVE
    finer = 1 if native else FINER
    with rasterio.open(f"{work}/data/{source}") as dataset:
        place = from_bounds(*grid.bounds(*tile), side * finer, side * finer)
        with WarpedVRT(dataset, crs="EPSG:3857", resampling=Resampling.bilinear, tolerance=0.01, transform=place,
                       width=side * finer, height=side * finer, add_alpha=True) as warped:
            pixels = warped.read((1, 2, 3)).astype(np.float32)
            pixels[:, warped.read(4) < 255] = np.nan
    pixels = pixels.reshape(3, side, finer, side, finer).mean((2, 4)).transpose(1, 2, 0)
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    np.save(kept, pixels)
    return pixels


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
