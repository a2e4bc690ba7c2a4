"""Makes the imagery that is served: one image in four compressions, the same in Web Mercator, and a mosaic of dalles.

Runs in the work folder's own Python, which has rasterio: `data.py TEXTURES OUT [JOBS]`. What is there is kept, so a run that
was stopped goes on where it was.
"""

import glob
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import rasterio
import rasterio.shutil
from rasterio.transform import from_origin
from rasterio.windows import Window
from world import World

CELL_M, WEST, NORTH, EPSG = 0.05, 650_000.0, 6_235_000.0, 2154
SINGLE_PX, DALLE_PX, DALLES_A_SIDE, STRIPE_PX = 16_384, 4000, 10, 2000
# Fifteen tiles a side: the image in Web Mercator has sixty.
MERCATOR_DALLE_PX = 3840
COG = {"driver": "COG", "BLOCKSIZE": "512", "OVERVIEW_RESAMPLING": "AVERAGE", "BIGTIFF": "IF_SAFER"}
JPEG = {"COMPRESS": "JPEG", "QUALITY": "85"}
MERCATOR = JPEG | {"TILING_SCHEME": "GoogleMapsCompatible", "WARP_RESAMPLING": "BILINEAR", "ADD_ALPHA": "NO"}
SINGLES = {
    "single_jpeg": JPEG,
    "single_deflate": {"COMPRESS": "DEFLATE", "PREDICTOR": "2", "LEVEL": "6"},
    "single_zstd": {"COMPRESS": "ZSTD", "PREDICTOR": "2", "LEVEL": "9"},
    "single_webp": {"COMPRESS": "WEBP", "QUALITY": "80"},
    "merc_256": MERCATOR | {"BLOCKSIZE": "256"},
    "merc_512": MERCATOR | {"BLOCKSIZE": "512"},
}


def write_raw(world, path, col, row, side):
    profile = dict(driver="GTiff", width=side, height=side, count=3, dtype="uint8", crs=f"EPSG:{EPSG}", tiled=True,
                   blockxsize=512, blockysize=512, photometric="RGB", interleave="pixel",
                   transform=from_origin(WEST + col * CELL_M, NORTH - row * CELL_M, CELL_M, CELL_M))
    with rasterio.open(path + ".part", "w", **profile) as out:
        for top in range(0, side, STRIPE_PX):
            for left in range(0, side, STRIPE_PX):
                height, width = min(STRIPE_PX, side - top), min(STRIPE_PX, side - left)
                pixels = world.window(col + left, row + top, width, height)
                out.write(pixels.transpose(2, 0, 1), window=((top, top + height), (left, left + width)))
    os.rename(path + ".part", path)


def write_cog(raw, path, options):
    if os.path.exists(path):
        return
    started = time.monotonic()
    rasterio.shutil.copy(raw, path + ".part.tif", **(COG | options))
    os.rename(path + ".part.tif", path)
    print(f"{os.path.basename(path)}: {os.path.getsize(path) / 1e6:.0f} MB, {time.monotonic() - started:.0f} s", flush=True)


def write_dalle(textures, path, col, row):
    raw = path + ".raw"
    # A world a process: textures are not sent with each task.
    world = write_dalle.__dict__.setdefault("world", None) or World(textures)
    write_dalle.world = world
    write_raw(world, raw, col, row, DALLE_PX)
    rasterio.shutil.copy(raw, path + ".part.tif", **(COG | JPEG))
    os.rename(path + ".part.tif", path)
    os.remove(raw)


def cut(image, folder, side):
    """An image as dalles of so many pixels, each on the tiles' grid as the image is."""
    if os.path.isdir(folder):
        return
    os.makedirs(f"{folder}.part", exist_ok=True)
    with rasterio.open(image) as source:
        for top in range(0, source.height, side):
            for left in range(0, source.width, side):
                window = Window(left, top, side, side)
                profile = source.profile | {"width": side, "height": side, "transform": source.window_transform(window), "JPEG_QUALITY": JPEG["QUALITY"]}
                with rasterio.open(f"{folder}.part/dalle_{top:05}_{left:05}.tif", "w", **profile) as out:
                    out.write(source.read(window=window))
    os.rename(f"{folder}.part", folder)


def main(textures, out, jobs="2"):
    os.makedirs(f"{out}/dalles", exist_ok=True)
    raw = f"{out}/raw.tif"
    if not os.path.exists(raw):
        started = time.monotonic()
        write_raw(World(textures), raw, 0, 0, SINGLE_PX)
        print(f"raw.tif: {time.monotonic() - started:.0f} s", flush=True)
    for name, options in SINGLES.items():
        write_cog(raw, f"{out}/{name}.tif", options | {"NUM_THREADS": jobs})
    cut(f"{out}/merc_256.tif", f"{out}/merc_dalles", MERCATOR_DALLE_PX)
    started = time.monotonic()
    with ProcessPoolExecutor(int(jobs)) as pool:
        tasks = []
        for row in range(DALLES_A_SIDE):
            for col in range(DALLES_A_SIDE):
                path = f"{out}/dalles/dalle_{row:02}_{col:02}.tif"
                if not os.path.exists(path):
                    tasks.append(pool.submit(write_dalle, textures, path, col * DALLE_PX, row * DALLE_PX))
        for task in tasks:
            task.result()
    dalles = glob.glob(f"{out}/dalles/*.tif")
    print(f"{len(dalles)} dalles: {sum(map(os.path.getsize, dalles)) / 1e6:.0f} MB, {time.monotonic() - started:.0f} s")
    bits = os.path.getsize(f"{out}/single_jpeg.tif") * 8 / (SINGLE_PX**2 * 4 / 3)
    side = DALLES_A_SIDE * DALLE_PX * CELL_M
    facts = {
        "crs": f"EPSG:{EPSG}",
        "single": [WEST, NORTH - SINGLE_PX * CELL_M, WEST + SINGLE_PX * CELL_M, NORTH],
        "mosaic": [WEST, NORTH - side, WEST + side, NORTH],
        "jpeg_bits_per_px": round(bits, 2),
    }
    with open(f"{out}/data.json", "w") as file:
        json.dump(facts, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
