"""Tiles that go out as they are stored, against rasterio's reading of the block and Pillow's of the answer."""

import io
import os
import sys

import numpy
import rasterio
import rasterio.shutil
from PIL import Image
from rasterio.transform import from_origin
from rasterio.windows import Window
from serving import get, serving

EARTH = 20_037_508.342789244
# The corner of a tile of zoom 8, somewhere in France: coarser tiles begin there too.
ZOOM = 18
COL, ROW = 133_120, 94_208
LAMBERT = (12_700 * 51.2, 12_000_000 - 112_600 * 51.2)


def texture(height, width):
    rows, cols = numpy.mgrid[0:height, 0:width]
    noise = numpy.random.default_rng(7).integers(0, 30, (3, height, width))
    waves = [90 + 50 * numpy.sin((rows + 9 * b) / 23) + 50 * numpy.cos(cols / (31 + 7 * b)) for b in range(3)]
    return numpy.clip(numpy.stack(waves) + noise, 1, 255).astype("uint8")


def source(path, crs, place, data, mask=None):
    bands, height, width = data.shape
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
            path, "w", driver="GTiff", count=bands, height=height, width=width, dtype="uint8", crs=crs,
            transform=place, photometric="RGB" if bands >= 3 else "MINISBLACK", alpha="YES" if bands == 4 else "NO") as out:
        out.write(data)
        if mask is not None:
            out.write_mask(mask)


def mercator(zoom=ZOOM):
    side = 2 * EARTH / 2 ** zoom
    return from_origin(COL * side - EARTH, EARTH - ROW * side, side / 256, side / 256)


def cog(work, name, data, mask=None, **options):
    """A COG of GDAL on the grid of GoogleMapsCompatible."""
    plain, path = f"{work}/{name}-plain.tif", f"{work}/{name}.tif"
    source(plain, "EPSG:3857", mercator(), data, mask)
    options = {"TILING_SCHEME": "GoogleMapsCompatible", "OVERVIEW_RESAMPLING": "AVERAGE", **options}
    rasterio.shutil.copy(plain, path, driver="COG", **options)
    os.remove(plain)
    return path


def tiled(work, name, data, place, **profile):
    """A tiled GeoTIFF with overviews, in Lambert-93."""
    path = f"{work}/{name}.tif"
    bands, height, width = data.shape
    with rasterio.open(path, "w", driver="GTiff", count=bands, height=height, width=width, dtype="uint8",
                       crs="EPSG:2154", transform=place, tiled=True, blockxsize=256, blockysize=256, **profile) as out:
        out.write(data)
    return path


def levels(path):
    with rasterio.open(path) as file:
        count = len(file.overviews(1))
    yield 0, rasterio.open(path)
    for level in range(count):
        yield level + 1, rasterio.open(path, overview_level=level)


def colours(data):
    return numpy.repeat(data, 3, axis=0) if data.shape[0] == 1 else data[:3]


def judge(server, path, layer, extension, matrices):
    """Asks all tiles of all levels that lie on a matrix; counts those passed, and all."""
    passed = asked = 0
    for level, file in levels(path):
        with file:
            block = file.block_shapes[0]
            for matrix in matrices:
                cell, left, top, prefix, name = matrix
                if block[0] != block[1] or abs(file.transform.a / cell - 1) > 1e-9:
                    continue
                for y in range(0, file.height, block[0]):
                    for x in range(0, file.width, block[1]):
                        asked += 1
                        window = Window(x, y, block[1], block[0])
                        col = round((file.transform.c + x * cell - left) / (cell * block[1]), 6)
                        row = round((top - file.transform.f + y * cell) / (cell * block[0]), 6)
                        if col % 1 or row % 1:
                            continue
                        url = f"{server}/xyz/{layer}/{prefix}{name(block[0], col, row)}.{extension}"
                        status, headers, body = get(url)
                        assert status == 200, (url, status)
                        is_inside = x + block[1] <= file.width and y + block[0] <= file.height
                        shows = is_inside and bool(file.dataset_mask(window=window).all())
                        how = headers["Pavage-Path"]
                        assert (how == "passthrough") == shows, (url, how, shows, level)
                        picture = numpy.asarray(Image.open(io.BytesIO(body)).convert("RGB")).transpose(2, 0, 1)
                        assert picture.shape[1:] == block, url
                        if shows:
                            passed += 1
                            expected = colours(file.read(window=window)).astype(int)
                            with rasterio.MemoryFile(body) as kept, kept.open() as answer:
                                same = colours(answer.read())
                            assert (expected == same).all(), (url, numpy.abs(expected - same).max())
                            # Pillow's library may interpolate chroma in another way.
                            off = numpy.abs(expected - picture)
                            assert off.mean() < 1 and off.max() <= 16, (url, off.mean(), off.max())
                            again = get(url, {"If-None-Match": headers["ETag"]})
                            assert again[0] == 304 and not again[2], url
    return passed, asked


def web_mercator(zoom):
    cell = 2 * EARTH / 2 ** zoom / 256

    def name(block, col, row):
        double = "@2x" if block == 512 else ""
        return f"{zoom - (block == 512)}/{col:.0f}/{row:.0f}{double}"
    return cell, -EARTH, EARTH, "", name


def lambert(level):
    cell = 0.2 * 2 ** (20 - level)
    return cell, 0, 12_000_000, "LAMB93_5cm/", lambda _, col, row: f"{level}/{col:.0f}/{row:.0f}"


def main(pavage, work):
    work = f"{work}/passthrough"
    os.makedirs(f"{work}/dalles", exist_ok=True)
    data = texture(1536, 1536)
    mask = numpy.full(data.shape[1:], 255, "uint8")
    mask[300:340, 700:730] = 0
    alpha = numpy.concatenate([data, mask[None]])
    zooms = [web_mercator(zoom) for zoom in range(10, ZOOM + 1)]
    cases = [
        (cog(work, "jpeg256", data, COMPRESS="JPEG", BLOCKSIZE="256", ADD_ALPHA="NO"), "jpg"),
        (cog(work, "jpeg512", data, COMPRESS="JPEG", BLOCKSIZE="512", ADD_ALPHA="NO"), "jpg"),
        (cog(work, "masked", data, mask, COMPRESS="JPEG", BLOCKSIZE="256"), "jpg"),
        (cog(work, "grey", data[:1], COMPRESS="JPEG", BLOCKSIZE="256", ADD_ALPHA="NO"), "jpg"),
        (cog(work, "webp", data, COMPRESS="WEBP", BLOCKSIZE="256", ADD_ALPHA="NO"), "webp"),
        (cog(work, "webp512", data, COMPRESS="WEBP", BLOCKSIZE="512", ADD_ALPHA="NO"), "webp"),
        (cog(work, "alpha", alpha, COMPRESS="WEBP", BLOCKSIZE="256"), "webp"),
        (cog(work, "lossless", data, COMPRESS="WEBP", QUALITY="100", BLOCKSIZE="256", ADD_ALPHA="NO"), "webp"),
    ]
    place = from_origin(*LAMBERT, 0.2, 0.2)
    rgb = dict(compress="jpeg", photometric="rgb")
    ycbcr = dict(compress="jpeg", photometric="ycbcr", jpeg_quality=90)
    flat = [tiled(work, "rgb", data, place, **rgb), tiled(work, "ycbcr", data, place, **ycbcr)]
    for path in flat:
        with rasterio.open(path, "r+") as out:
            out.build_overviews([2, 4], rasterio.enums.Resampling.average)
    for row, col in numpy.ndindex(2, 2):
        corner = from_origin(LAMBERT[0] + col * 153.6, LAMBERT[1] - row * 153.6, 0.2, 0.2)
        tiled(f"{work}/dalles", f"{col}_{row}", texture(768, 768), corner, **ycbcr)
    total = 0
    with serving(pavage, work, *[path for path, _ in cases], *flat, f"{work}/dalles") as server:
        for path, extension in cases:
            layer = os.path.basename(path)[:-4]
            passed, asked = judge(server, path, layer, extension, zooms)
            assert passed > 20 or "512" in layer and passed > 8, (layer, passed, asked)
            total += passed
            other = {"jpg": "webp", "webp": "jpg"}[extension]
            name = zooms[-1][4](256, COL, ROW)
            assert get(f"{server}/xyz/{layer}/{name}.{other}")[1]["Pavage-Path"] == "rendered", layer
        for path in flat:
            layer = os.path.basename(path)[:-4]
            passed, asked = judge(server, path, layer, "jpg", [lambert(level) for level in (18, 19, 20)])
            assert passed >= 36 + 9 + 1, (layer, passed, asked)
            total += passed
        for row, col in numpy.ndindex(2, 2):
            passed, asked = judge(server, f"{work}/dalles/{col}_{row}.tif", "dalles", "jpg", [lambert(20)])
            assert passed == asked == 9, (col, row, passed, asked)
            total += passed
        text = get(f"{server}/metrics")[2].decode()
        counted = next(float(line.split()[1]) for line in text.splitlines() if line.startswith("pavage_tiles_passed_total"))
        assert counted == total, (counted, total)
    print(f"passthrough: {total} tiles are the blocks that GDAL reads")


if __name__ == "__main__":
    main(*sys.argv[1:])
