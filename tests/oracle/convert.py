"""`pavage convert` against rasterio, rio-cogeo and GDAL: pixels, masks, overviews, layout; kill -9 and resume."""

import glob
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import warnings

import numpy
import rasterio
from rasterio.enums import MaskFlags, Resampling
from rasterio.transform import from_origin
from rasterio.windows import Window
from rio_cogeo.cogeo import cog_validate

warnings.filterwarnings("ignore")
PLACE = from_origin(650_000, 6_235_000, 0.05, 0.05)
# GDAL's own judge is no part of rasterio: it comes with the bindings of the system, where there are any.
GDAL = "import sys; from osgeo_utils.samples.validate_cloud_optimized_geotiff import validate as v\n" \
       "for p in sys.argv[1:]:\n e = v(p, full_check=True)[1]\n if e: print(p, e)"


def texture(bands, height, width, dtype):
    """Waves and noise, never 0."""
    rows, cols = numpy.mgrid[0:height, 0:width]
    noise = numpy.random.default_rng(7).integers(0, 30, (bands, height, width))
    waves = numpy.stack([60 + 40 * numpy.sin((rows + 9 * b) / 23) + 40 * numpy.cos(cols / (31 + b)) for b in range(bands)])
    values = waves + noise + 30
    return (values * (1 if numpy.dtype(dtype).itemsize == 1 else 37.5)).astype(dtype)


def source(path, data, mask=None, place=PLACE, crs="EPSG:2154", **profile):
    bands, height, width = data.shape
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
            path, "w", driver="GTiff", count=bands, height=height, width=width, dtype=data.dtype, transform=place,
            crs=crs, **profile) as out:
        out.write(data)
        if mask is not None:
            out.write_mask(mask)


def convert(pavage, *arguments, status=0):
    done = subprocess.run([pavage, "convert", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def judged(path):
    """Both validators, strictly. rio-cogeo says of overviews that one more would be better than none, too."""
    is_valid, errors, notes = cog_validate(path, strict=True, quiet=True)
    assert is_valid and not errors and not notes, (path, errors, notes)


def gdal_judges(paths):
    python = shutil.which("python3", path="/usr/bin") or "python3"
    done = subprocess.run([python, "-c", GDAL, *paths], capture_output=True, text=True)
    if "No module named" in done.stderr:
        return "rio-cogeo only: python3-gdal is missing"
    assert done.returncode == 0 and not done.stdout, (done.stdout, done.stderr)
    return "rio-cogeo and GDAL's script"


def equal(a, b):
    with rasterio.open(a) as one, rasterio.open(b) as two:
        assert (one.crs, one.bounds, one.dtypes, one.shape) == (two.crs, two.bounds, two.dtypes, two.shape), (a, b)
        assert numpy.array_equal(one.read(), two.read(), equal_nan=True), (a, b)
        assert numpy.array_equal(one.dataset_mask() > 0, two.dataset_mask() > 0), (a, b)


def lossless(pavage, work):
    """Every type and every kind of transparency, in strips and tiles: equal pixels, equal masks."""
    folder = work / "lossless"
    folder.mkdir()
    hole = numpy.full((1300, 1100), 255, "uint8")
    hole[:700, :600] = 0
    hole[900:910, 900:1000] = 0
    rgb = texture(3, 1300, 1100, "uint8")
    holed = numpy.where(hole == 0, 0, rgb).astype("uint8")
    source(folder / "rgb.tif", rgb, compress="lzw")
    source(folder / "tiled.tif", rgb, tiled=True, blockxsize=256, blockysize=256, compress="deflate", predictor=2)
    source(folder / "planar.tif", rgb, interleave="band")
    source(folder / "mask.tif", rgb, mask=hole, compress="deflate")
    source(folder / "nodata.tif", holed, nodata=0)
    source(folder / "alpha.tif", numpy.concatenate([rgb, hole[None]]), photometric="RGB", alpha="YES")
    source(folder / "soft_alpha.tif", numpy.concatenate([rgb, rgb[:1]]), photometric="RGB", alpha="YES")
    source(folder / "rgbi.tif", texture(4, 1300, 1100, "uint8"), photometric="RGB", alpha="unspecified")
    source(folder / "degrees.tif", rgb, place=from_origin(2.3, 43.2, 1e-6, 1e-6), crs="EPSG:4171")
    for dtype in ["uint16", "int16", "uint32", "int32", "float32", "float64"]:
        source(folder / f"{dtype}.tif", texture(2, 1300, 1100, dtype), compress="zstd")
    floats = texture(1, 1300, 1100, "float32")
    floats[0, :650, :640] = numpy.nan
    source(folder / "nan.tif", floats)
    source(folder / "nan_nodata.tif", floats, nodata=numpy.nan)
    source(folder / "int_nodata.tif", numpy.where(hole == 0, -9999, texture(1, 1300, 1100, "int16")).astype("int16"), nodata=-9999)
    with rasterio.open(folder / "palette.tif", "w", driver="GTiff", count=1, height=1300, width=1100, dtype="uint8",
                       transform=PLACE, crs="EPSG:2154") as out:
        out.write(rgb[:1] // 32)
        out.write_colormap(1, {i: (i * 9, 255 - i, i * 3, 255) for i in range(256)})
    paths = []
    for codec in ["zstd", "deflate"]:
        output = work / f"out_{codec}"
        convert(pavage, folder, "--output", output, "--compress", codec)
        for path in sorted(folder.glob("*.tif")):
            equal(path, output / path.name)
            judged(output / path.name)
            paths.append(str(output / path.name))
    with rasterio.open(work / "out_zstd/palette.tif") as out:
        assert out.colormap(1)[7] == (63, 248, 21, 255)
    # A lossless picture in WebP, and alpha that becomes a mask.
    convert(pavage, folder / "rgb.tif", folder / "mask.tif", "--output", work / "out_webp", "--compress", "lossless-webp")
    for name in ["rgb.tif", "mask.tif"]:
        equal(folder / name, work / "out_webp" / name)
        judged(work / "out_webp" / name)
        paths.append(str(work / "out_webp" / name))
    return paths


def statistics(work):
    with rasterio.open(work / "lossless/int_nodata.tif") as before, rasterio.open(work / "out_zstd/int_nodata.tif") as after:
        values = before.read(1, masked=True).compressed().astype("float64")
        tags = after.tags(1)
        for name, value in [("MINIMUM", values.min()), ("MAXIMUM", values.max()), ("MEAN", values.mean()), ("STDDEV", values.std())]:
            found = float(tags[f"STATISTICS_{name}"])
            assert abs(found - value) <= 1e-6 * abs(value), (name, found, value)


def overviews(work):
    """Each level beside what GDAL's AVERAGE makes of the same pixels: at most 1 level away, the same masks."""
    worst = {}
    for name in ["rgb", "uint16", "float32", "mask", "nodata"]:
        path = work / f"{name}_gdal.tif"
        with rasterio.open(work / f"out_zstd/{name}.tif") as ours:
            # Odd sizes are halved by other rules on both sides: only what is even is compared.
            height, width = 1280, 1024
            profile = dict(driver="GTiff", count=ours.count, height=height, width=width, dtype=ours.dtypes[0],
                           nodata=ours.nodata, tiled=True, blockxsize=512, blockysize=512)
            with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as out:
                out.write(ours.read(window=Window(0, 0, width, height)))
                if MaskFlags.per_dataset in ours.mask_flag_enums[0]:
                    out.write_mask(ours.read_masks(1, window=Window(0, 0, width, height)))
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as out:
            out.build_overviews([2], Resampling.average)
        with rasterio.open(work / f"out_zstd/{name}.tif", overview_level=0) as ours, \
                rasterio.open(path, overview_level=0) as theirs:
            window = Window(0, 0, width // 2, height // 2)
            a, b = ours.read(window=window).astype("float64"), theirs.read(window=window).astype("float64")
            valid = ours.dataset_mask()[:height // 2, :width // 2] > 0
            assert numpy.array_equal(valid, theirs.dataset_mask() > 0), name
            worst[name] = float(numpy.abs(a - b)[:, valid].max())
    assert all(value <= 1 for value in worst.values()), worst
    return worst


def lossy(pavage, work):
    """JPEG and WebP look as the source does, and their masks are those of the source to the pixel."""
    folder = work / "lossless"
    paths = []
    for codec in ["jpeg", "webp"]:
        output = work / f"lossy_{codec}"
        names = ["rgb", "mask", "nodata", "alpha"]
        convert(pavage, *[folder / f"{name}.tif" for name in names], "--output", output, "--compress", codec)
        for name in names:
            path = output / f"{name}.tif"
            judged(path)
            paths.append(str(path))
            with rasterio.open(folder / f"{name}.tif") as before, rasterio.open(path) as after:
                assert after.count == 3 and after.block_shapes[0] == (512, 512)
                valid = before.dataset_mask() > 0
                assert numpy.array_equal(valid, after.dataset_mask() > 0), path
                off = numpy.abs(before.read([1, 2, 3]).astype(int) - after.read().astype(int))[:, valid]
                assert off.mean() < 8, (path, off.mean())
                assert (MaskFlags.per_dataset in after.mask_flag_enums[0]) == (name != "rgb"), path
    source(work / "grey.tif", texture(1, 700, 900, "uint8"))
    convert(pavage, work / "grey.tif", "--output", work / "lossy_grey", "--compress", "jpeg")
    judged(work / "lossy_grey/grey.tif")
    return paths + [str(work / "lossy_grey/grey.tif")]


def bad_input(pavage, work):
    """A broken file is one line, and the rest goes on; originals and other people's files are not touched."""
    folder = work / "mixed"
    (folder / "deep/er").mkdir(parents=True)
    shutil.copy(work / "lossless/rgb.tif", folder / "deep/er/good.tif")
    (folder / "broken.tif").write_bytes((work / "lossless/rgb.tif").read_bytes()[:90_000])
    source(folder / "nowhere.tif", texture(3, 64, 64, "uint8"), crs=None)
    done = convert(pavage, folder, "--output", folder / "cog", status=1)
    assert len(done.stderr.strip().splitlines()) == 2, done.stderr
    assert "broken.tif: it is cut short: copy it again" in done.stderr and "--crs EPSG:2154" in done.stderr, done.stderr
    equal(folder / "deep/er/good.tif", folder / "cog/deep/er/good.tif")
    done = convert(pavage, folder, "--output", folder / "cog", "--crs", "EPSG:2154", status=1)
    assert "1 file written" in done.stdout and (folder / "cog/nowhere.tif").exists(), (done.stdout, done.stderr)
    before = (folder / "deep/er/good.tif").read_bytes()
    done = convert(pavage, folder / "deep/er/good.tif", "--output", folder / "deep/er", status=1)
    assert "is the source itself" in done.stderr and (folder / "deep/er/good.tif").read_bytes() == before
    convert(pavage, work / "nothing_here", "--output", work / "x", status=2)


def grids(pavage, work):
    """Shifted onto IGN's grid without loss; joined files equal the whole."""
    source(work / "on_grid.tif", texture(3, 900, 800, "uint8"))
    convert(pavage, work / "on_grid.tif", "--output", work / "grid", "--into", "grid:LAMB93_5cm")
    judged(work / "grid/on_grid.tif")
    with rasterio.open(work / "on_grid.tif") as before, rasterio.open(work / "grid/on_grid.tif") as after:
        assert after.block_shapes[0] == (256, 256)
        window = after.window(*before.bounds)
        window = Window(round(window.col_off), round(window.row_off), 800, 900)
        assert numpy.array_equal(before.read(), after.read(window=window))
        for origin in (after.transform.c / 12.8, (after.transform.f - 12_000_000) / 12.8):
            assert abs(origin - round(origin)) < 1e-4, origin
        assert after.read_masks(1).astype(bool).sum() == 900 * 800
    whole = texture(3, 2048, 2048, "uint8")
    parts = work / "parts"
    parts.mkdir()
    for row in range(4):
        for col in range(4):
            data = whole[:, row * 512:(row + 1) * 512, col * 512:(col + 1) * 512]
            source(parts / f"{row}_{col}.tif", data, place=from_origin(650_000 + col * 25.6, 6_235_000 - row * 25.6, 0.05, 0.05))
    convert(pavage, parts, "--output", work / "merged", "--merge", "4x4")
    with rasterio.open(work / "merged/650000_6235000.tif") as merged:
        assert numpy.array_equal(merged.read(), whole)
    judged(work / "merged/650000_6235000.tif")
    convert(pavage, parts, "--output", work / "merged_m", "--merge", "100m")
    found = sorted(path.name for path in (work / "merged_m").iterdir())
    assert found == ["650000_6234900.tif", "650000_6235000.tif", "650100_6234900.tif", "650100_6235000.tif"][:len(found)], found
    return [str(work / "grid/on_grid.tif"), str(work / "merged/650000_6235000.tif")]


def killed(pavage, work):
    """kill -9 again and again: what has its name is whole, and the run goes on where it was."""
    folder, output = work / "many", work / "many_out"
    folder.mkdir()
    for number in range(12):
        source(folder / f"{number}.tif", texture(3, 2000, 2000, "uint8"))
    kills = 0
    for pause in [0.15, 0.4, 0.3, 0.6, 0.5]:
        process = subprocess.Popen([pavage, "convert", str(folder), "--output", str(output)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(pause)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        for path in glob.glob(f"{output}/*.tif"):
            judged(path)
            equal(folder / pathlib.Path(path).name, path)
    done = convert(pavage, folder, "--output", output)
    assert sorted(os.listdir(output)) == sorted(f"{n}.tif" for n in range(12)), os.listdir(output)
    for number in range(12):
        equal(folder / f"{number}.tif", output / f"{number}.tif")
    stamps = {path: path.stat().st_mtime_ns for path in output.iterdir()}
    again = convert(pavage, folder, "--output", output)
    assert "0 files written; 12 done before" in again.stdout, again.stdout
    assert stamps == {path: path.stat().st_mtime_ns for path in output.iterdir()}
    return kills, done.stdout.strip()


def full_disk(pavage, work):
    """A small file system that fills: told clearly, nothing half-made, exit status 2."""
    small = work / "small"
    small.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(small)],
                                           capture_output=True).returncode != 0:
        return "not tried: no small file system can be mounted here"
    try:
        done = convert(pavage, work / "many", "--output", small, status=2)
        assert "is full" in done.stderr and "run the same command again" in done.stderr, done.stderr
        assert not glob.glob(f"{small}/*.part"), os.listdir(small)
        for path in glob.glob(f"{small}/*.tif"):
            judged(path)
    finally:
        subprocess.run(["umount", str(small)], check=True)
    return "told"


def main(pavage, work):
    work = pathlib.Path(work) / "convert"
    work.mkdir()
    paths = lossless(pavage, work)
    statistics(work)
    worst = overviews(work)
    paths += lossy(pavage, work)
    bad_input(pavage, work)
    paths += grids(pavage, work)
    kills, _ = killed(pavage, work)
    disk = full_disk(pavage, work)
    judges = gdal_judges(paths)
    print(f"convert: {len(paths)} files of every kind equal their sources and are valid for {judges}; overviews within "
          f"{max(worst.values()):g} of GDAL's; {kills} kills left nothing broken; a full disk: {disk}")


main(*sys.argv[1:])
