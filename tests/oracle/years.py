"""A layer of three flights over one place, for tests of vintages: `write(source, folder)` makes its dalles of one image."""

import os
import sys

import numpy as np
import rasterio
from rasterio.transform import Affine

SIDE = 4


def write(source, folder):
    """2018 is grey and lacks the west, 2021 is dry with a field and lacks the last dalle, 2024 is the image as it is."""
    with rasterio.open(source) as file:
        image, transform, crs = file.read([1, 2, 3]), file.transform, file.crs
    dalle_px = min(image.shape[1:]) // SIDE
    grey = image.mean(axis=0) * np.array([1.05, 1, 0.9])[:, None, None]
    dry = image * np.array([1.15, 1.02, 0.78])[:, None, None]
    dry[:, dalle_px:2 * dalle_px, dalle_px:2 * dalle_px] = np.array([188, 166, 104])[:, None, None]
    for year, pixels in ((2018, grey), (2021, dry), (2024, image)):
        os.makedirs(f"{folder}/vol{year}", exist_ok=True)
        pixels = np.clip(pixels, 0, 255).astype("uint8")
        for row, col in np.ndindex(SIDE, SIDE):
            if (year == 2018 and col == 0) or (year == 2021 and (row, col) == (SIDE - 1, SIDE - 1)):
                continue
            y, x = row * dalle_px, col * dalle_px
            left, top = transform * (x, y)
            path = f"{folder}/vol{year}/{left:.0f}-{top:.0f}-LA93-RVB.tif"
            profile = dict(driver="GTiff", width=dalle_px, height=dalle_px, count=3, dtype="uint8", crs=crs,
                           transform=transform * Affine.translation(x, y), tiled=True, blockxsize=256, blockysize=256,
                           compress="jpeg", photometric="ycbcr", jpeg_quality=90)
            with rasterio.open(path, "w", **profile) as out:
                out.write(pixels[:, y:y + dalle_px, x:x + dalle_px])


def configuration(folder):
    """Writes `pavage.toml` beside the dalles; its path."""
    path = f"{folder}/pavage.toml"
    with open(path, "w") as file:
        file.write(f'[[layer]]\nid = "pcrs"\ntitle = "PCRS"\npath = "{folder}"\ndownload = true\n'
                   '[[layer.style]]\nname = "natural"\n[[layer.style]]\nname = "grey"\ntitle = "Grey"\nbands = [1]\n')
    return path


if __name__ == "__main__":
    write(*sys.argv[1:])
    print(configuration(sys.argv[2]))
