"""Draws every kind of style on imagery that lies exactly on a tile, and compares each pixel with numpy.

Tiles are asked for as PNG with the nearest kernel on the imagery's own grid: what is compared is the style alone."""

import io
import pathlib
import sys
import urllib.request

import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from serving import serving

HALF = 20037508.342789244
ZOOM, COL, ROW = 18, 134300, 95600
CELL = 2 * HALF / 256 / 2**ZOOM
SIDE = 256


def write(path, bands, **profile):
    # One pixel more on every side than the tile, so that relief has neighbours.
    left, top = -HALF + (COL * 256 - 1) * CELL, HALF - (ROW * 256 - 1) * CELL
    profile = dict(
        driver="GTiff", width=SIDE + 2, height=SIDE + 2, count=len(bands), dtype=bands[0].dtype, crs="EPSG:3857",
        transform=from_origin(left, top, CELL, CELL), tiled=True, blockxsize=128, blockysize=128, **profile,
    )
    palette = profile.pop("palette", None)
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.stack(bands))
        if palette:
            out.write_colormap(1, palette)


def imagery(folder):
    rows, cols = np.mgrid[0 : SIDE + 2, 0 : SIDE + 2].astype("f8")
    noise = np.random.default_rng(7).normal(0, 1, (SIDE + 2, SIDE + 2))
    wave = lambda a, b, c: 127 + 90 * np.sin(cols / a + rows / b) * np.cos(rows / c) + 8 * noise
    rgbn = [np.clip(wave(a, b, c), 1, 254).astype("u1") for a, b, c in [(9, 23, 31), (17, 11, 40), (29, 7, 19), (13, 37, 15)]]
    write(folder / "rgbn.tif", rgbn, photometric="RGB", compress="deflate")
    deep = [(band.astype("f8") * 15 + 200 * np.abs(noise)).astype("u2") for band in rgbn[:3]]
    write(folder / "deep.tif", deep, photometric="RGB", compress="lzw")
    dem = (400 + 120 * np.sin(cols / 41) * np.cos(rows / 29) + 3 * noise).astype("f4")
    dem[100:140, 60:110] = -9999
    write(folder / "dem.tif", [dem], nodata=-9999, compress="zstd", predictor=3)
    classes = ((cols // 32 + rows // 48) % 4).astype("u1")
    write(folder / "classes.tif", [classes])
    write(folder / "palette.tif", [classes], photometric="PALETTE", palette={0: (10, 20, 30, 255), 1: (200, 0, 0, 255), 2: (0, 150, 20, 255), 3: (240, 230, 90, 255)}, nodata=0)
    (folder / "relief.txt").write_text("0 0 0 120\n350 90 160 60\n450 230 210 120\n600 255 255 255\nnv 0 0 0 0\n")
    inner = lambda band: band[1:-1, 1:-1]
    return [inner(b) for b in rgbn], [inner(b) for b in deep], dem, inner(classes)


CONFIG = """
[render]
resampling = "nearest"
[[layer]]
id = "rgbn"
path = "rgbn.tif"
[[layer.style]]
name = "rgb"
[[layer.style]]
name = "irc"
bands = [4, 1, 2]
[[layer.style]]
name = "single"
bands = 4
[[layer.style]]
name = "stretched"
rescale = [40, 200]
[[layer.style]]
name = "each"
rescale = "2%..98% each"
[[layer.style]]
name = "gamma"
gamma = 1.6
[[layer.style]]
name = "contrast"
contrast = {{ strength = 5, midpoint = 0.4 }}
[[layer.style]]
name = "saturation"
saturation = 1.7
[[layer.style]]
name = "all"
rescale = [20, 220]
contrast = 4
gamma = [1.1, 1.2, 1.3]
saturation = 0.5
[[layer.style]]
name = "ndvi"
expression = "(b4 - b1) / (b4 + b1)"
rescale = [-1, 1]
[[layer.style]]
name = "ndvi-map"
expression = "(b4 - b1) / (b4 + b1)"
colormap = {{ kind = "ramp", stops = [[-0.5, "#a52a2a"], [0, "#ffffbf"], [0.5, "#1a9641"]] }}
[[layer]]
id = "deep"
path = "deep.tif"
[[layer.style]]
name = "auto"
[[layer.style]]
name = "fixed"
rescale = [[0, 4000], [100, 3000], [200, 2500]]
[[layer]]
id = "dem"
path = "dem.tif"
[[layer.style]]
name = "auto"
[[layer.style]]
name = "hillshade"
hillshade = true
[[layer.style]]
name = "relief"
colormap = {{ file = "relief.txt" }}
[[layer.style]]
name = "mapbox"
terrain_rgb = "mapbox"
[[layer.style]]
name = "terrarium"
terrain_rgb = "terrarium"
[[layer]]
id = "classes"
path = "classes.tif"
resampling = "bilinear"
[[layer.style]]
name = "values"
colormap = {{ kind = "exact", stops = [[0, "#000000"], [1, "#ff0000"], [2, "#00ff0080"]] }}
[[layer]]
id = "palette"
path = "palette.tif"
resampling = "bilinear"
"""


def to_byte(t):
    return np.floor(255 * np.clip(t, 0, 1) + 0.5)


def rescaled(band, low, high):
    return np.clip((band.astype("f8") - low) / (high - low), 0, 1)


def sigmoid(t, strength, middle):
    s = lambda v: 1 / (1 + np.exp(strength * (middle - v)))
    return (s(t) - s(0)) / (s(1) - s(0))


def saturated(channels, amount):
    luma = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    return [np.clip(luma + amount * (c - luma), 0, 1) for c in channels]


def ramp(values, stops):
    at = [s[0] for s in stops]
    return [np.floor(np.interp(values, at, [s[1][i] for s in stops]) + 0.5) for i in range(3)]


def hillshade(dem, cell):
    """Horn's method as gdaldem has it, with its default light."""
    z = dem.astype("f8")
    a, b, c, d, f, g, h, i = (z[r : r + SIDE, q : q + SIDE] for r, q in
                              [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)])
    x = ((a + 2 * d + g) - (c + 2 * f + i)) / (8 * cell)
    # Rows run south: gdaldem divides by a cell height below zero.
    y = ((g + 2 * h + i) - (a + 2 * b + c)) / (8 * -cell)
    azimuth, altitude = np.radians(315), np.radians(45)
    slope = np.sqrt(1 + x * x + y * y)
    shade = (np.sin(altitude) - (y * np.cos(azimuth) - x * np.sin(azimuth)) * np.cos(altitude)) / slope
    return np.where(shade <= 0, 1, 1 + 254 * np.clip(shade, 0, 1))


def expected(rgbn, deep, dem, classes):
    """Layer and style: (channels, opacity or None, tolerance in levels, share of pixels that are compared)."""
    r, g, b, n = rgbn
    plain = [c / 255.0 for c in (r, g, b)]
    ndvi = (n.astype("f8") - r) / (n.astype("f8") + r)
    values = dem[1:-1, 1:-1].astype("f8")
    valid = values != -9999
    opaque = np.where(valid, 255, 0)
    auto = [np.percentile(c, [2, 98]) for c in deep]
    low, high = min(p[0] for p in auto), max(p[1] for p in auto)
    two, ninety_eight = np.percentile(values[valid], [2, 98])
    whole = [to_byte(c) for c in saturated([sigmoid(rescaled(c, 20, 220), 4, 0.5) ** (1 / e) for c, e in zip((r, g, b), (1.1, 1.2, 1.3))], 0.5)]
    tiles_latitude = np.arctan(np.sinh(np.pi * (1 - 2 * (ROW + 0.5) / 2**ZOOM)))
    shade = hillshade(dem, CELL * np.cos(tiles_latitude))
    inside = valid.copy()
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            inside &= dem[1 + dr : 1 + dr + SIDE, 1 + dc : 1 + dc + SIDE] != -9999
    metres = np.floor((values + 10000) * 10 + 0.5).astype("i8")
    fractions = np.floor((values + 32768) * 256 + 0.5).astype("i8")
    parts = lambda v: [(v >> 16) & 255, (v >> 8) & 255, v & 255]
    colours = np.array([(0, 0, 0, 255), (255, 0, 0, 255), (0, 255, 0, 128), (0, 0, 0, 0)])
    paint = np.array([(10, 20, 30, 0), (200, 0, 0, 255), (0, 150, 20, 255), (240, 230, 90, 255)])
    picked = lambda table: ([table[classes][..., i] for i in range(3)], table[classes][..., 3])
    return {
        "rgbn/rgb": ([r, g, b], None, 0),
        "rgbn/irc": ([n, r, g], None, 0),
        "rgbn/single": ([n] * 3, None, 0),
        "rgbn/stretched": ([to_byte(rescaled(c, 40, 200)) for c in (r, g, b)], None, 0),
        "rgbn/each": ([to_byte(rescaled(c, *np.percentile(c, [2, 98]))) for c in (r, g, b)], None, 3),
        "rgbn/gamma": ([to_byte(c ** (1 / 1.6)) for c in plain], None, 1),
        "rgbn/contrast": ([to_byte(sigmoid(c, 5, 0.4)) for c in plain], None, 1),
        "rgbn/saturation": ([to_byte(c) for c in saturated(plain, 1.7)], None, 1),
        "rgbn/all": (whole, None, 1),
        "rgbn/ndvi": ([to_byte(rescaled(ndvi, -1, 1))] * 3, None, 1),
        "rgbn/ndvi-map": (ramp(ndvi, [(-0.5, (165, 42, 42)), (0, (255, 255, 191)), (0.5, (26, 150, 65))]), None, 1),
        "deep/auto": ([to_byte(rescaled(c, low, high)) for c in deep], None, 3),
        "deep/fixed": ([to_byte(rescaled(c, *p)) for c, p in zip(deep, [(0, 4000), (100, 3000), (200, 2500)])], None, 1),
        "dem/auto": ([to_byte(rescaled(values, two, ninety_eight))] * 3, opaque, 3),
        "dem/hillshade": ([shade] * 3, opaque, 1, inside),
        "dem/relief": (ramp(values, [(0, (0, 0, 120)), (350, (90, 160, 60)), (450, (230, 210, 120)), (600, (255, 255, 255))]), opaque, 1),
        "dem/mapbox": (parts(metres), opaque, 0),
        "dem/terrarium": (parts(fractions), opaque, 0),
        "classes/values": (*picked(colours), 0),
        "palette/normal": (*picked(paint), 0),
    }


def main(pavage, work):
    folder = pathlib.Path(work) / "styles"
    folder.mkdir(exist_ok=True)
    truth = expected(*imagery(folder))
    config = folder / "pavage.toml"
    config.write_text(CONFIG.replace("{{", "{").replace("}}", "}"))
    failures = 0
    with serving(pavage, work, "--config", config) as url:
        for name, (channels, opacity, tolerance, *where) in truth.items():
            layer, style = name.split("/")
            answer = urllib.request.urlopen(f"{url}/xyz/{layer}/{ZOOM}/{COL}/{ROW}.png?style={style}").read()
            tile = np.asarray(Image.open(io.BytesIO(answer)).convert("RGBA")).astype("f8")
            shown = np.full((SIDE, SIDE), 255) if opacity is None else opacity
            where = (where[0] if where else np.ones((SIDE, SIDE), bool)) & (shown > 0)
            worst = max(np.abs(tile[..., i] - channels[i])[where].max() for i in range(3))
            off = np.abs(tile[..., 3] - shown).max()
            good = worst <= tolerance and off <= 1
            failures += not good
            print(f"{'ok  ' if good else 'FAIL'} {name:18} differs by {worst:.0f} levels at most, opacity by {off:.0f}")
            legend = urllib.request.urlopen(f"{url}/legend/{layer}/{style}.png")
            failures += legend.headers["Content-Type"] != "image/png" or not Image.open(io.BytesIO(legend.read())).width
            urllib.request.urlopen(f"{url}/legend/{layer}/{style}.json").read()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
