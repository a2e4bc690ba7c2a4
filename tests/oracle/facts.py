"""`pavage info --json` of real imagery against rasterio, field by field."""

import json
import math
import pathlib
import subprocess
import sys
import warnings

import rasterio
from rasterio.enums import Compression, MaskFlags

warnings.filterwarnings("ignore")

NAMES = {"lzw": "LZW", "deflate": "DEFLATE", "zstd": "ZSTD", "webp": "WEBP", "jpeg": "JPEG", "packbits": "PACKBITS"}


def same(a, b):
    return len(a) == len(b) and all(math.isclose(x, y, rel_tol=1e-12, abs_tol=1e-9) for x, y in zip(a, b))


def differences(facts, source):
    placed = source.transform != rasterio.Affine.identity()
    flags = source.mask_flag_enums[0]
    overviews = source.overviews(1)
    is_jp2 = source.driver == "JP2OpenJPEG"
    truth = {
        "width": source.width,
        "height": source.height,
        "bands": source.count,
        "dtype": source.dtypes[0],
        "nodata": source.nodata,
        "mask": MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags,
        "alpha": MaskFlags.alpha in flags,
    }
    if not is_jp2:
        truth["compression"] = NAMES.get(source.compression.value.lower(), "NONE") if source.compression else "NONE"
        photometric = source.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", "")
        if photometric == "YCbCr JPEG":
            truth["photometric"] = "YCBCR"
    wrong = [f"{name} {facts[name]} is {value}" for name, value in truth.items() if facts[name] != value]
    if not is_jp2 and facts["block"] != list(source.block_shapes[0][::-1]):
        # Strips without compression are cut where they are large.
        wrong.append(f"block {facts['block']} is {source.block_shapes[0][::-1]}")
    if len(facts["overviews"]) != len(overviews):
        wrong.append(f"overviews {facts['overviews']} is {overviews}")
    for size, factor in zip(facts["overviews"], overviews):
        if abs(round(source.width / size[0]) - factor) > 1:
            wrong.append(f"overview {size} is 1:{factor}")
    if placed:
        if facts["bounds"] is None or not same(facts["bounds"], source.bounds):
            if source.transform.is_rectilinear:
                wrong.append(f"bounds {facts['bounds']} is {tuple(source.bounds)}")
        if facts["geotransform"] is None or not same(facts["geotransform"], source.transform.to_gdal()):
            wrong.append(f"geotransform {facts['geotransform']} is {source.transform.to_gdal()}")
    elif facts["geotransform"] is not None:
        wrong.append("a geotransform that is not there")
    if source.crs is None:
        if facts["crs"] is not None:
            wrong.append(f"crs {facts['crs']} is none")
    else:
        theirs = source.crs.to_epsg(confidence_threshold=20)
        if facts["crs"] is None or (theirs and facts["crs"] != f"EPSG:{theirs}" and not recognised(facts["crs"], source.crs)):
            wrong.append(f"crs {facts['crs']} is {source.crs}")
    return wrong


def recognised(ours, theirs):
    """Where GDAL has no code, ours must put coordinates where its parameters do."""
    from rasterio.warp import transform
    points = ([700000.0, 800000.0], [6600000.0, 6300000.0])
    here, there = transform(ours, "EPSG:4326", *points), transform(theirs, "EPSG:4326", *points)
    return all(abs(a - b) < 1e-8 for x, y in zip(here, there) for a, b in zip(x, y))


def main(pavage, data):
    failures = files = 0
    folders = [pathlib.Path(data) / name for name in ("ortho", "derived")]
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".tif", ".jp2")):
        done = subprocess.run([pavage, "info", "--json", path], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        with rasterio.open(path) as source:
            wrong = differences(json.loads(done.stdout), source)
        files += 1
        failures += bool(wrong)
        for what in wrong:
            print(f"{path.name}: {what}")
    print(f"{files} files of real imagery, {failures} of them with a fact that differs from rasterio's")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
