"""Pictures of where dalles meet, for people: `python tests/oracle/seams.py PAVAGE WORK DATA`, after mosaic.py and mosaic_mixed.py."""

import sys

import numpy as np
from PIL import Image
from rasterio.warp import transform

import mosaic
import mosaic_mixed
from serving import serving
from tiling import address, fetch, sets_of


def stitched(base, layer, found, zoom, x, y, across=3):
    (x,), (y,) = transform("EPSG:2154", found.crs, [x], [y])
    _, col, row = found.tile_at(zoom, x, y)
    half = across // 2
    rows = [np.concatenate([fetch(address(base, layer, found.name, (zoom, i, j)))[0] for i in range(col - half, col + half + 1)], 1)
            for j in range(row - half, row + half + 1)]
    picture = np.concatenate(rows, 0)
    # What is transparent is magenta.
    alpha = picture[:, :, 3:] / 255
    return Image.fromarray((picture[:, :, :3] * alpha + np.array([255, 0, 255]) * (1 - alpha)).astype("uint8"))


def main(pavage, work, data):
    folder, merged = mosaic.make(work, data)
    corner = mosaic.LEFT + 4 * mosaic.SIDE_PX * mosaic.CELL, mosaic.TOP - 4 * mosaic.SIDE_PX * mosaic.CELL
    with serving(pavage, work, "--cache", f"{work}/cache", "--config",
                 mosaic.configuration(work, folder, merged, False)) as base:
        sets = sets_of(base)
        for zoom in (21, 19, 18):
            for kernel in ("bilinear", "lanczos"):
                stitched(base, f"dalles-{kernel}", sets["WebMercatorQuad"], zoom, *corner).save(f"{work}/seam-{zoom}-{kernel}.png")
    smooth = mosaic_mixed.make_smooth(work)
    with open(f"{work}/smooth.toml", "w") as config:
        for kernel in ("bilinear", "lanczos"):
            mosaic_mixed.layer(config, f"smooth-{kernel}", [smooth], kernel)
    with serving(pavage, work, "--cache", f"{work}/cache-smooth", "--config", f"{work}/smooth.toml") as base:
        for zoom in (21, 19):
            for kernel in ("bilinear", "lanczos"):
                stitched(base, f"smooth-{kernel}", sets_of(base)["WebMercatorQuad"], zoom, mosaic_mixed.LEFT + 50,
                         mosaic_mixed.TOP - 50).save(f"{work}/seam-mixed-{zoom}-{kernel}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
