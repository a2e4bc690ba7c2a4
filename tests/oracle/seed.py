"""Tiles made beforehand, read by others: SQLite and GDAL read MBTiles, `pmtiles` reads PMTiles, and each tile is the one that
the server sends. Runs that are killed go on, and end as if they never were."""

import concurrent.futures
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import rasterio
from PIL import Image
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import TileType, zxy_to_tileid
from rasterio.transform import from_origin

from serving import get, serving

SIDE, CELL, CORNER = 2000, 0.2, (650000, 6235000)
ZOOMS = "13..20"


def write_dalle(path, col, row, flat=False):
    """A quarter of a texture; a part of it is one colour, so that some tiles are equal."""
    random = np.random.default_rng(col * 10 + row)
    small = random.integers(0, 256, (SIDE // 20, SIDE // 20, 3), dtype="uint8")
    pixels = np.array(Image.fromarray(small).resize((SIDE, SIDE), Image.BICUBIC))
    pixels[:, : SIDE // 2] = 90 if flat else pixels[:, : SIDE // 2]
    transform = from_origin(CORNER[0] + col * SIDE * CELL, CORNER[1] - row * SIDE * CELL, CELL, CELL)
    profile = dict(driver="COG", width=SIDE, height=SIDE, count=3, dtype="uint8", crs="EPSG:2154", transform=transform,
                   compress="JPEG", quality=90, blocksize=512)
    with rasterio.open(path + ".part", "w", **profile) as out:
        out.write(pixels.transpose(2, 0, 1))
    os.replace(path + ".part", path)


def seed(pavage, *arguments, status=0):
    """What it says on standard output and standard error."""
    done = subprocess.run([pavage, "seed", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def count(text, words):
    """The number before some words of the summary."""
    found = re.search(rf"([\d,]+) {words}", text)
    return int(found[1].replace(",", "")) if found else 0


def are_served(base, tiles, ending, set_name=""):
    """Every tile of a dict by zoom, column and row is the one that the server sends."""
    def is_served(item):
        (z, x, y), data = item
        status, _, body = get(f"{base}/xyz/dalles/{set_name}{z}/{x}/{y}.{ending}")
        return status == 200 and body == data
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        wrong = [place for (place, _), is_same in zip(tiles.items(), pool.map(is_served, tiles.items())) if not is_same]
    assert tiles and not wrong, (len(wrong), wrong[:5])


def mbtiles(path):
    with sqlite3.connect(path) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = file.execute("SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles").fetchall()
        return {(z, x, 2 ** z - 1 - y): data for z, x, y, data in rows}, dict(file.execute("SELECT * FROM metadata"))


def gdal_reads_mbtiles(path, tiles):
    with rasterio.open(path) as file:
        assert (file.driver, file.crs.to_epsg()) == ("MBTiles", 3857), (file.driver, file.crs)
        z, x, y = (20, *(sorted(values)[len(values) // 2] for values in zip(*(place[1:] for place in tiles if place[0] == 20))))
        # GDAL's raster is that of the bounds.
        half, side = 20037508.342789244, 2 * 20037508.342789244 / 2 ** z
        window = rasterio.windows.from_bounds(x * side - half, half - (y + 1) * side, (x + 1) * side - half,
                                              half - y * side, file.transform)
        window = rasterio.windows.Window(round(window.col_off), round(window.row_off), 256, 256)
        pixels = file.read([1, 2, 3], window=window)
    own = np.array(Image.open(io.BytesIO(tiles[z, x, y])).convert("RGB")).transpose(2, 0, 1)
    # GDAL has another JPEG decoder; a pixel beside, the mean is 1.8.
    assert pixels.shape == own.shape and np.abs(pixels.astype(int) - own).mean() < 1, (pixels.shape, own.shape)


def mbtiles_are_as_the_standard_wants(pavage, base, folder, dalles):
    path = f"{folder}/all.mbtiles"
    text = seed(pavage, "--layer", "dalles", "--zoom", ZOOMS, "--format", "auto", "--into", path, dalles)
    tiles, metadata = mbtiles(path)
    assert len(tiles) == count(text, "tiles made"), text
    for name in ("name", "format", "bounds", "center", "minzoom", "maxzoom", "type", "version", "description"):
        assert metadata.get(name), (name, metadata)
    assert (metadata["format"], metadata["minzoom"], metadata["maxzoom"]) == ("jpg", "13", "20"), metadata
    west, south, east, north = map(float, metadata["bounds"].split(","))
    assert 2 < west < east < 3 and 43 < south < north < 44, metadata
    are_served(base, tiles, "auto")
    gdal_reads_mbtiles(path, tiles)
    equal = count(text, "of them equal")
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM images").fetchone()[0] == len(tiles) - equal and equal > 0
    print(f"MBTiles: {len(tiles)} tiles as served, {equal} of them equal to others; GDAL reads them")
    return tiles


def pmtiles_are_as_the_standard_wants(pavage, folder, dalles, expected):
    path = f"{folder}/all.pmtiles"
    seed(pavage, "--layer", "dalles", "--zoom", ZOOMS, "--format", "auto", "--into", path, dalles)
    with open(path, "rb") as file:
        source = MmapSource(file)
        reader = Reader(source)
        header, metadata = reader.header(), reader.metadata()
        tiles = dict(all_tiles(source))
        assert tiles == expected, (len(tiles), len(expected))
        for (z, x, y), data in list(expected.items())[::97]:
            assert reader.get(z, x, y) == data
        assert reader.get(20, 0, 0) is None
    ids = [zxy_to_tileid(*place) for place in tiles]
    assert ids == sorted(ids) and header["clustered"], "along the curve"
    assert header["addressed_tiles_count"] == len(tiles)
    assert header["tile_contents_count"] == len(set(tiles.values())) < len(tiles)
    assert header["tile_entries_count"] <= len(tiles)
    assert header["tile_type"] == TileType.JPEG and (header["min_zoom"], header["max_zoom"]) == (13, 20), header
    size = os.path.getsize(path)
    assert header["tile_data_offset"] + header["tile_data_length"] + header["leaf_directory_length"] == size, header
    assert metadata["name"] and metadata["pavage:state"], metadata
    print(f"PMTiles: {len(tiles)} tiles, {header['tile_entries_count']} entries, {header['tile_contents_count']} contents")


def killed_runs_go_on(pavage, folder, dalles):
    def same(arguments, target):
        return [pavage, "seed", "--layer", "dalles", "--zoom", ZOOMS, "--format", "webp", "--threads", "1", *arguments,
                "--into", target, dalles]

    for ending in ("pmtiles", "mbtiles"):
        once, killed = f"{folder}/once.{ending}", f"{folder}/killed.{ending}"
        started = time.monotonic()
        subprocess.run(same([], once), check=True, capture_output=True)
        whole = time.monotonic() - started
        kills = 0
        for wait in (whole * share for share in (0.3, 0.25, 0.2)):
            process = subprocess.Popen(same([], killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(wait)
            kills += process.poll() is None
            process.kill()
            process.wait()
        interrupted = subprocess.Popen(same([], killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * 0.15)
        is_early = interrupted.poll() is None
        interrupted.send_signal(signal.SIGINT)
        assert interrupted.wait(timeout=20) == (130 if is_early else 0), interrupted.returncode
        done = subprocess.run(same([], killed), check=True, capture_output=True, text=True)
        kept = count(done.stdout, "there already")
        assert kills > 0 and kept > 0, (kills, done.stdout)
        if ending == "pmtiles":
            assert open(once, "rb").read() == open(killed, "rb").read()
        else:
            (a, metadata_a), (b, metadata_b) = mbtiles(once), mbtiles(killed)
            assert a == b and metadata_a == metadata_b
            assert not os.path.exists(f"{killed}-journal")
        print(f"{ending}: killed {kills} times and interrupted; {kept} tiles were kept, the end is the same")


def folder_of_another_set(pavage, base, folder, dalles):
    root = f"{folder}/lambert"
    text = seed(pavage, "--tms", "LAMB93_5cm", "--zoom", "17..20", "--into", root, dalles)
    tiles = {}
    for path, _, names in os.walk(root):
        for name in (name for name in names if name.endswith(".jpg")):
            z, x = path.split(os.sep)[-2:]
            tiles[int(z), int(x), int(name[:-4])] = open(f"{path}/{name}", "rb").read()
    assert len(tiles) == count(text, "tiles made"), text
    are_served(base, tiles, "jpg", "LAMB93_5cm/")
    print(f"folder: {len(tiles)} files of LAMB93_5cm as served")


def server_answers_from_the_seeded_cache(pavage, base, config):
    arguments = ("--config", config, "--zoom", "15..19", "--into", "cache")
    made = count(seed(pavage, *arguments), "tiles made")
    assert count(seed(pavage, *arguments), "there already") == made > 0
    status, headers, _ = get(base + tile_in_the_middle(base, 19))
    assert (status, headers["pavage-path"]) == (200, "cached"), headers["pavage-path"]
    print(f"cache: {made} tiles, and the server answers from them")


def tile_in_the_middle(base, zoom):
    _, _, body = get(f"{base}/xyz/dalles/tilejson.json")
    west, south, east, north = json.loads(body)["bounds"]
    lon, lat = np.radians((west + east) / 2 + 0.0005), np.radians((south + north) / 2 + 0.0005)
    x = (lon / np.pi + 1) / 2 * 2 ** zoom
    y = (1 - np.arcsinh(np.tan(lat)) / np.pi) / 2 * 2 ** zoom
    return f"/xyz/dalles/{zoom}/{int(x)}/{int(y)}.jpg"


def changed_dalles_are_made_anew(pavage, folder, dalles, before):
    path = f"{folder}/all.mbtiles"
    write_dalle(f"{dalles}/0_0.tif", 0, 0)
    text = seed(pavage, "--layer", "dalles", "--zoom", ZOOMS, "--format", "auto", "--into", path, dalles)
    made, kept = count(text, "tiles made"), count(text, "there already")
    tiles, _ = mbtiles(path)
    assert made + kept == len(tiles) == len(before) and 0 < made < len(tiles) / 2, text
    with serving(pavage, folder, dalles) as base:
        are_served(base, tiles, "auto")
    print(f"one of four dalles was replaced: {made} tiles were made anew, {kept} kept")


def area_is_respected(pavage, folder, dalles, before):
    z, half = 20, [place for place in before if place[0] == 20]
    xs, ys = sorted({x for _, x, _ in half}), sorted({y for _, _, y in half})
    # A triangle over whole tiles: of its corners, in degrees.
    def at(x, y):
        return [x / 2 ** z * 360 - 180, float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y / 2 ** z)))))]
    x, y = xs[len(xs) // 2], ys[len(ys) // 2]
    ring = [at(x + .1, y + .1), at(x + 5.9, y + .1), at(x + .1, y + 5.9), at(x + .1, y + .1)]
    file = f"{folder}/triangle.geojson"
    with open(file, "w") as out:
        json.dump({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}, out)
    seed(pavage, "--zoom", 20, "--format", "auto", "--within", file, "--into", f"{folder}/triangle.mbtiles", dalles)
    tiles, _ = mbtiles(f"{folder}/triangle.mbtiles")
    expected = {(z, x + i, y + j) for i in range(6) for j in range(6) if i + j < 6}
    assert set(tiles) == expected, (len(tiles), len(expected))
    box = ",".join(map(str, (*at(x + .1, y + 2.9), *at(x + 2.9, y + .1))))
    seed(pavage, "--zoom", "20", "--bbox", box, "--format", "auto", "--into", f"{folder}/box.pmtiles", dalles)
    with open(f"{folder}/box.pmtiles", "rb") as out:
        assert {place for place, _ in all_tiles(MmapSource(out))} == {(z, x + i, y + j) for i in range(3) for j in range(3)}
    print("areas: a triangle of 21 tiles, a rectangle of 9")


def mistakes_are_named(pavage, folder, dalles):
    into = ("--into", f"{folder}/never.pmtiles", dalles)
    for arguments, words in [
        (("--layer", "nope", "--zoom", "15", *into), 'there is no layer "nope"; there is dalles'),
        (("--tms", "Nope", "--zoom", "15", *into), 'is not offered in "Nope"; it is in WebMercatorQuad'),
        (("--tms", "LAMB93_5cm", "--zoom", "15", *into), "can hold tiles of WebMercatorQuad only"),
        (("--zoom", "15..40", *into), 'has no zoom "40"; it has 0 to 24'),
        (("--zoom", "24", *into), "is not offered at zoom 24 of WebMercatorQuad; its finest is"),
        (("--zoom", "18..15", *into), "the first is finer than the last"),
        (("--zoom", "15", "--bbox", "5,45,6,46", *into), "the area does not touch dalles, which lies within"),
        (("--zoom", "15", "--bbox", "650000,6230000,651000,6231000", *into), "degrees"),
        (("--zoom", "15", "--style", "nope", *into), 'has no style "nope"'),
        (("--zoom", "15", "--into", "cache", dalles), "there is no cache on disk"),
    ]:
        text = seed(pavage, *arguments, status=2)
        assert words in text, (words, text)
    assert not os.path.exists(f"{folder}/never.pmtiles")
    print("mistakes: each is named")


def main(pavage, work):
    folder = f"{work}/seed"
    dalles = f"{folder}/dalles"
    os.makedirs(dalles)
    os.environ["PAVAGE_CACHE"] = f"{folder}/indexes"
    for col, row in ((0, 0), (1, 0), (0, 1), (1, 1)):
        write_dalle(f"{dalles}/{col}_{row}.tif", col, row, flat=(col, row) == (1, 1))
    config = f"{folder}/pavage.toml"
    with open(config, "w") as file:
        file.write(f'[cache]\ndisk_dir = "{folder}/tiles"\ndisk_mib = 512\n[[layer]]\nid = "dalles"\npath = "{dalles}"\n')
    with serving(pavage, folder, "--config", config) as base:
        server_answers_from_the_seeded_cache(pavage, base, config)
        tiles = mbtiles_are_as_the_standard_wants(pavage, base, folder, dalles)
        folder_of_another_set(pavage, base, folder, dalles)
    pmtiles_are_as_the_standard_wants(pavage, folder, dalles, tiles)
    killed_runs_go_on(pavage, folder, dalles)
    area_is_respected(pavage, folder, dalles, tiles)
    mistakes_are_named(pavage, folder, dalles)
    changed_dalles_are_made_anew(pavage, folder, dalles, tiles)


if __name__ == "__main__":
    main(*sys.argv[1:])
