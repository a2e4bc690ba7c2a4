"""Tile indexes against GDAL, both ways: ours read by GDAL, as a layer and as an image; GDAL's read by us."""

import datetime
import json
import pathlib
import sqlite3
import struct
import subprocess
import sys

import numpy as np
import pyarrow.parquet
import pyogrio
import rasterio
from rasterio.features import rasterize
from rasterio.transform import from_origin

import gdal

SIDE, CELL, ORIGIN = 200, 0.05, (650000.0, 6235000.0)
PITCH = SIDE * CELL


def dalle(path, west, north, crs, random, size=SIDE, cell=CELL):
    pixels = random.integers(1, 255, (3, size, size), dtype="uint8")
    profile = dict(driver="GTiff", width=size, height=size, count=3, dtype="uint8", crs=crs,
                   transform=from_origin(west, north, cell, cell), tiled=True, blockxsize=128, blockysize=128)
    with rasterio.open(path, "w", **profile) as out:
        out.write(pixels)


class Bridge:
    """Our side, by a small program."""

    def __init__(self, program):
        self.program = program

    def run(self, *arguments):
        return subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, check=False)

    def lines(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def open(self, path, *folders):
        order, *records = self.lines("open", path, *folders)
        return order["order"], {pathlib.Path(record["location"]).name: record for record in records}


def same_pixels(image, files):
    """Each file lies in the image as it is."""
    for path in files:
        file = gdal.Image(path)
        col = round((file.transform[0] - image.transform[0]) / image.transform[1])
        row = round((file.transform[3] - image.transform[3]) / image.transform[5])
        window = (col, row, file.width, file.height)
        assert (image.read(window) == file.read()).all(), path
        assert (image.mask(window) == 255).all(), path
        file.close()


def ours_by_gdal(bridge, folder, files):
    path = folder / "index.fgb"
    broken = folder / "broken.tif"
    broken.write_bytes(b"II*\0")
    done = bridge.run("write", path, broken, *files)
    assert done.returncode == 0, done.stderr

    meta = pyogrio.read_info(path)
    assert meta["crs"] == "EPSG:2154" and meta["features"] == len(files) + 1 and meta["fields"][0] == "location", meta
    _, _, polygons, fields = pyogrio.raw.read(path)
    values = dict(zip(meta["fields"], fields))
    faulty = {pathlib.Path(place).name for place, fault in zip(values["location"], values["fault"]) if fault}
    assert faulty == {"broken.tif"}
    boxes = pyogrio.read_bounds(path)[1]
    places = zip(values["location"], values["fault"], boxes.T)
    for place, fault, box in places:
        if fault is None:
            with rasterio.open(place) as source:
                assert tuple(box) == tuple(source.bounds), place
    # The tree finds what it should: one dalle by a rectangle well inside of it.
    west, north = ORIGIN
    inside = (west + PITCH + 1, north - PITCH + 1, west + PITCH + 2, north - PITCH + 2)
    assert len(pyogrio.raw.read(path, bbox=inside)[2]) == 1

    image = gdal.Image(f"GTI:{path}")
    assert image.transform == [west, CELL, 0, north, 0, -CELL] and image.bands == 3, image.transform
    assert (image.width, image.height) == (3 * SIDE, 3 * SIDE)
    same_pixels(image, files)
    assert (image.mask() == 0).sum() == SIDE * SIDE, "one dalle is missing"
    image.close()
    assert len(bridge.lines("read", path)) == len(files) + 1
    broken.unlink()


def mixed_by_gdal(bridge, folder, files):
    """Two CRSs are drawn in degrees, and GDAL warps both."""
    random = np.random.default_rng(2)
    other = folder / "cc43.tif"
    dalle(other, 1650000.0, 2234000.0, "EPSG:3943", random)
    path = folder / "mixed.fgb"
    done = bridge.run("write", path, files[0], other)
    assert done.returncode == 0, done.stderr
    assert pyogrio.read_info(path)["crs"] == "EPSG:4326"
    for box in pyogrio.read_bounds(path)[1].T:
        assert 2 < box[0] < 3 and 43 < box[1] < 44, box
    image = gdal.Image(f"GTI:{path}")
    assert image.bands == 3 and image.width > 0
    image.close()
    other.unlink()


def bounds_of(path):
    with rasterio.open(path) as source:
        return list(source.bounds)


def check_places(records, files, crs="EPSG:2154"):
    assert records.keys() == {path.name for path in files}, records.keys()
    for path in files:
        record = records[path.name]
        assert record["fault"] is None, record
        assert record["location"] == str(path.resolve()), record
        if record["bounds"] is not None:
            assert record["crs"] == crs, record
            assert np.allclose(record["bounds"], bounds_of(path), rtol=0, atol=1e-8), record
            assert not record["footprint"], record


def theirs_by_us(bridge, folder, files):
    for name, form in (("t.gti.fgb", "FlatGeobuf"), ("t.gti.gpkg", "GPKG"), ("t.geojson", "GeoJSON")):
        gdal.tile_index(folder / name, files, "-f", form, "-lyr_name", "tiles")
        _, records = bridge.open(folder / name)
        check_places(records, files, "urn:ogc:def:crs:EPSG::2154" if form == "GeoJSON" else "EPSG:2154")

    # Another name of the field, an order, and an XML that says so.
    gdal.tile_index(folder / "named.gpkg", files, "-f", "GPKG", "-lyr_name", "tiles", "-tileindex", "where_is_it")
    with sqlite3.connect(folder / "named.gpkg") as database:
        database.execute("ALTER TABLE tiles ADD COLUMN flown TEXT")
        database.execute("ALTER TABLE tiles ADD COLUMN datetime TEXT DEFAULT '2021-07-14T10:00:00Z'")
    xml = folder / "named.gti"
    xml.write_text("<GDALTileIndexDataset><IndexDataset>named.gpkg</IndexDataset><IndexLayer>tiles</IndexLayer>"
                   "<LocationField>where_is_it</LocationField><SortField>flown</SortField>"
                   "<SortFieldAsc>false</SortFieldAsc></GDALTileIndexDataset>")
    order, records = bridge.open(xml)
    check_places(records, files)
    assert order == 'Least("flown")' and all(record["year"] == 2021 for record in records.values()), order

    # The same by the metadata of a layer, where GDAL itself keeps the name of the field.
    gdal.tile_index(folder / "tagged.gpkg", files, "-f", "GPKG", "-lyr_name", "tiles", "-tileindex", "where_is_it",
                    "-mo", "SORT_FIELD=fid")
    order, records = bridge.open(folder / "tagged.gpkg")
    check_places(records, files)
    assert order == 'Greatest("fid")', order

    gdal.build_vrt(folder / "mosaic.vrt", files)
    order, records = bridge.open(folder / "mosaic.vrt")
    check_places(records, files)
    assert order == "Last" and all(record["size"] == [SIDE, SIDE] for record in records.values())
    gdal.build_vrt(folder / "cut.vrt", files, "-te", "650003", "6234975", "650017", "6234993")
    for record in bridge.open(folder / "cut.vrt")[1].values():
        west, south, east, north = record["bounds"]
        theirs = bounds_of(record["location"])
        assert west >= max(650003, theirs[0]) - 1e-6 and north <= min(6234993, theirs[3]) + 1e-6, record
    for name, options, reason in (
        ("separate.vrt", ("-separate",), "only some of the bands"),
        ("coarse.vrt", ("-tr", "0.1", "0.1", "-r", "average"), "another resolution"),
    ):
        gdal.build_vrt(folder / name, files, *options)
        done = bridge.run("open", folder / name)
        assert done.returncode != 0 and (reason in done.stderr or "as band" in done.stderr), done.stderr


def wkb(box):
    west, south, east, north = box
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return struct.pack("<BIII", 1, 3, 1, 5) + b"".join(struct.pack("<dd", *point) for point in ring)


def parquet_by_us(bridge, folder, files):
    """GeoParquet as a tile index, and as a collection of STAC."""
    boxes = [bounds_of(path) for path in files]
    crs = {"type": "ProjectedCRS", "id": {"authority": "EPSG", "code": 2154}}
    geo = {"version": "1.1.0", "primary_column": "shape", "columns": {"shape": {"encoding": "WKB", "crs": crs}}}
    flown = datetime.datetime(2022, 6, 1, tzinfo=datetime.timezone.utc)
    for compression in ("zstd", "snappy", "gzip", "none"):
        table = pyarrow.table({
            "location": [path.name for path in files],
            "shape": [wkb(box) for box in boxes],
            "datetime": [flown] * len(files),
        }).replace_schema_metadata({"geo": json.dumps(geo)})
        pyarrow.parquet.write_table(table, folder / "tiles.parquet", compression=compression)
        _, records = bridge.open(folder / "tiles.parquet")
        check_places(records, files)
        assert all(record["bounds"] and record["year"] == 2022 for record in records.values())

    assets = [{"thumb": {"href": "t.png", "type": "image/png", "roles": ["thumbnail"]},
               "data": {"href": f"./{path.name}", "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                        "roles": ["data"]}} for path in files]
    table = pyarrow.table({
        "id": [path.stem for path in files],
        "geometry": [wkb((2, 43, 3, 44))] * len(files),
        "datetime": [flown] * len(files),
        "proj:epsg": [2154] * len(files),
        "proj:shape": [[SIDE, SIDE]] * len(files),
        "proj:transform": [[CELL, 0.0, box[0], 0.0, -CELL, box[3]] for box in boxes],
        "assets": assets,
    })
    pyarrow.parquet.write_table(table, folder / "stac.parquet")
    _, records = bridge.open(folder / "stac.parquet")
    check_places(records, files)
    assert all(record["geotransform"] and record["year"] == 2022 for record in records.values())


def seamlines_by_us(bridge, folder, _files):
    """Polygons of three formats hold the pixels that GDAL says."""
    random = np.random.default_rng(3)
    angles = np.sort(random.uniform(0, 2 * np.pi, (5, 40)))
    radii = random.uniform(2, 9, angles.shape)
    rings = [[(650000 + 10 + r * np.cos(a), 6235000 - 10 + r * np.sin(a)) for a, r in zip(*ring)] for ring in zip(angles, radii)]
    shapes = [{"type": "Polygon", "coordinates": [[*ring, ring[0]]]} for ring in rings]
    source = folder / "seams.geojson"
    source.write_text(json.dumps({
        "type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}},
        "features": [{"type": "Feature", "properties": {"nom": f"vol/d_{at}.tif"}, "geometry": shape}
                     for at, shape in enumerate(shapes)]}))
    transform = rasterio.Affine(0.1, 0.01, 650000, -0.01, -0.1, 6235000)
    truth = [np.flatnonzero(rasterize([shape], (200, 200), transform=transform)) for shape in shapes]
    meta, _, polygons, fields = pyogrio.raw.read(source)
    for name in ("seams.geojson", "seams.fgb", "seams.gpkg"):
        if name != source.name:
            pyogrio.raw.write(folder / name, polygons, fields, meta["fields"], crs="EPSG:2154", geometry_type="Polygon")
        lines = bridge.lines("masks", folder / name, 200, 200, *transform.to_gdal())
        assert {line["key"] for line in lines} == {f"d_{at}.tif" for at in range(len(shapes))}, lines
        for line in lines:
            assert line["crs"].endswith("2154")
            other = set(line["pixels"]) ^ set(truth[int(line["key"][2])].tolist())
            assert not other, f"{name}: {len(other)} pixels differ"


def confined(bridge, folder, files):
    """What lies elsewhere is refused, one by one, unless its folder is named."""
    inner = folder / "inner"
    inner.mkdir()
    gdal.tile_index(inner / "outside.fgb", files, "-f", "FlatGeobuf", "-lyr_name", "tiles", "-write_absolute_path")
    _, records = bridge.open(inner / "outside.fgb")
    assert len(records) == len(files) and all("outside" in record["fault"] for record in records.values())
    _, records = bridge.open(inner / "outside.fgb", folder)
    check_places(records, files)


def main(program, work):
    folder = pathlib.Path(work) / "indexes"
    folder.mkdir()
    random = np.random.default_rng(1)
    cells = [(col, row) for col in range(3) for row in range(3) if (col, row) != (1, 2)]
    files = []
    for col, row in cells:
        files.append(folder / f"d_{col}_{row}.tif")
        dalle(files[-1], ORIGIN[0] + col * PITCH, ORIGIN[1] - row * PITCH, "EPSG:2154", random)
    bridge = Bridge(program)
    for part in (ours_by_gdal, mixed_by_gdal, theirs_by_us, parquet_by_us, seamlines_by_us, confined):
        part(bridge, folder, files)
        print(f"indexes: {part.__name__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
