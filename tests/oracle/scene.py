"""Real textures as a large image: a function of the place, so that it is the same image however it is cut into dalles.

Streets and roofs of Lyon, mirrored and turned by fields whose borders are not those of dalles, with thin lines across all of it.
"""

import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_origin
from rasterio.windows import Window

FIELD = 1000
# Fields begin so many pixels before dalles do.
SHIFT = 500
VARIANTS = 24
LOSSLESS = dict(compress="ZSTD", zstd_level=1, predictor=2)


class Scene:
    """The image: pixels of any window of it."""

    def __init__(self, data, seed=4):
        random = np.random.default_rng(seed)
        base = np.concatenate([
            np.concatenate([picture(f"{data}/ortho/lyon2018_8cm_cc46/tile_{x}-{y}.tif") for x in (256, 512, 768)], 1)
            for y in (4864, 5120, 5376)], 0)
        base = np.concatenate([base, base[::-1]], 0)
        base = np.concatenate([base, base[:, ::-1]], 1)
        self.fields = []
        for _ in range(VARIANTS):
            row, col = random.integers(0, base.shape[0] - FIELD, 2)
            field = base[row:row + FIELD, col:col + FIELD]
            field = np.rot90(field, random.integers(4))[:, :, random.permutation(3)].astype(float)
            # Neighbours differ much, and details reach from black to white.
            field = (field - field.mean()) * random.uniform(1.0, 1.8) + random.uniform(70, 190)
            self.fields.append(np.clip(np.rint(field), 0, 255).astype("uint8"))
        self.choice = random.integers(0, VARIANTS, (128, 128))

    def read(self, col, row, width, height):
        """Pixels as rows, columns, bands."""
        out = np.empty((height, width, 3), "uint8")
        for j in range((row + SHIFT) // FIELD, (row + height - 1 + SHIFT) // FIELD + 1):
            for i in range((col + SHIFT) // FIELD, (col + width - 1 + SHIFT) // FIELD + 1):
                top, left = j * FIELD - SHIFT, i * FIELD - SHIFT
                y, x = slice(max(top, row), min(top + FIELD, row + height)), slice(max(left, col), min(left + FIELD, col + width))
                field = self.fields[self.choice[j % 128, i % 128]]
                out[y.start - row:y.stop - row, x.start - col:x.stop - col] = \
                    field[y.start - top:y.stop - top, x.start - left:x.stop - left]
        lines(out, (col, row), (3, 7), 4099, 12, 250)
        lines(out, (col, row), (5, -2), 3989, 8, 4)
        return out


def lines(out, corner, slope, distance, width, value):
    """Thin lines that cross the borders of dalles."""
    is_line = np.tile(np.arange(distance) < width, 2)
    along = (np.arange(out.shape[1]) + corner[0]) * slope[0] % distance
    for y in range(out.shape[0]):
        out[y, is_line[along + (y + corner[1]) * slope[1] % distance]] = value


def picture(path):
    with rasterio.open(path) as source:
        return source.read().transpose(1, 2, 0)


def write_cog(path, pixels, x, y, cell, crs="EPSG:2154", mask=None, nodata=None, **options):
    """A COG with overviews by the mean, of factors 2, 4, 8 … until it is smaller than a block."""
    height, width, bands = pixels.shape
    profile = dict(driver="COG", width=width, height=height, count=bands, dtype=pixels.dtype, crs=crs, nodata=nodata,
                   transform=from_origin(x, y, cell, cell), overview_resampling="AVERAGE", blocksize=512,
                   **{**LOSSLESS, **options})
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path + ".new", "w", **profile) as out:
        out.write(pixels.transpose(2, 0, 1))
        if bands == 3:
            out.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
        if mask is not None:
            out.write_mask(mask)
    os.replace(path + ".new", path)


def write_merged(path, read, size, x, y, cell, crs="EPSG:2154", coarsest=256):
    """One file; `read(row, rows)` gives its pixels. Overviews by the mean of factors 2, 4, 8 … until it is small."""
    width, height = size
    profile = dict(driver="GTiff", width=width, height=height, count=3, dtype="uint8", crs=crs, photometric="RGB",
                   transform=from_origin(x, y, cell, cell), tiled=True, blockxsize=512, blockysize=512, bigtiff="YES",
                   num_threads="ALL_CPUS", **LOSSLESS)
    with rasterio.open(path + ".new", "w", **profile) as out:
        for row in range(0, height, 512):
            rows = min(512, height - row)
            out.write(read(row, rows).transpose(2, 0, 1), window=Window(0, row, width, rows))
    factors = [2]
    while max(size) / factors[-1] > coarsest:
        factors.append(factors[-1] * 2)
    options = dict(GDAL_NUM_THREADS="ALL_CPUS", COMPRESS_OVERVIEW="ZSTD", PREDICTOR_OVERVIEW="2", ZSTD_LEVEL_OVERVIEW="1",
                   GDAL_TIFF_OVR_BLOCKSIZE="512", BIGTIFF_OVERVIEW="YES")
    with rasterio.Env(**options), rasterio.open(path + ".new", "r+") as out:
        out.build_overviews(factors, Resampling.average)
    os.replace(path + ".new", path)


def in_parallel(work, items):
    with ProcessPoolExecutor() as pool:
        for done in [pool.submit(work, *item) for item in items]:
            done.result()
