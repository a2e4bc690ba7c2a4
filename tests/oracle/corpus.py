"""Reads every file of the TIFF corpus through `pavage info` and `pavage dump` and compares with what GDAL reads."""

import csv
import io
import json
import math
import pathlib
import resource
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import rasterio
from PIL import Image

warnings.filterwarnings("ignore")

# A lossy picture may differ by so much: on average, and at its worst pixel (two JPEG decoders that are both right
# differ where a strong edge meets chroma of half the resolution).
MEAN, WORST = 2.0, 60
SECONDS, BYTES = 2.0, 512 << 20


def run(args, timeout=60):
    started = time.monotonic()
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    done = subprocess.run(["/usr/bin/env", *map(str, args)], capture_output=True, timeout=timeout, preexec_fn=limit)
    return done, time.monotonic() - started


def peak_bytes(pavage, path):
    """The most memory that reading took, measured by a process of its own."""
    code = (
        "import resource,subprocess,sys;"
        "subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss*1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, pavage, "info", "--json", "--pixels", path], capture_output=True)
    return int(done.stdout)


def close(a, b, tolerance):
    return len(a) == len(b) and all(math.isclose(x, y, rel_tol=1e-9, abs_tol=tolerance) for x, y in zip(a, b))


def compare(row, facts, path, pavage):
    """What is wrong, as a list of texts."""
    if "sidecar.aux.xml" in row["features"] or (path.parent / f"{path.name}.aux.xml").exists():
        row = told_by_sidecar(row, path)
    wrong = []
    say = lambda name, ours, theirs: wrong.append(f"{name} {ours} is {theirs}")
    width, height = map(int, row["size"].split("x"))
    if (facts["width"], facts["height"]) != (width, height):
        say("size", [facts["width"], facts["height"]], row["size"])
    for name, ours, theirs in [
        ("bands", str(facts["bands"]), row["bands"]),
        ("dtype", facts["dtype"], row["dtype"]),
        ("overviews", str(len(facts["overviews"])), row["overviews"]),
    ]:
        if ours != theirs:
            say(name, ours, theirs)
    if row["crs"].startswith("EPSG:") and facts["crs"] != row["crs"]:
        say("crs", facts["crs"], row["crs"])
    if row["crs"] == "-" and facts["crs"] is not None:
        say("crs", facts["crs"], "none")
    if row["crs"] == "user-defined" and facts["crs"] is None:
        say("crs", None, "user-defined")
    if row["bounds"] == "-":
        if facts["bounds"] is not None:
            say("bounds", facts["bounds"], "none")
    elif facts["bounds"] is None or not close(facts["bounds"], [float(v) for v in row["bounds"].split(",")], 1e-6):
        say("bounds", facts["bounds"], row["bounds"])
    if row["nodata"] == "-":
        if facts["nodata"] is not None:
            say("nodata", facts["nodata"], "none")
    elif facts["nodata"] is None or not (
        float(facts["nodata"]) == float(row["nodata"])
        or math.isclose(float(facts["nodata"]), float(row["nodata"]), rel_tol=1e-7)
        or (math.isnan(float(facts["nodata"])) and row["nodata"] == "nan")
    ):
        say("nodata", facts["nodata"], row["nodata"])
    mask = "alpha" if facts["alpha"] else "internal-or-msk" if facts["mask"] else "nodata" if facts["nodata"] is not None else "none"
    if mask != row["mask"]:
        say("mask", mask, row["mask"])
    if row["compare"] == "exact":
        if row["pixel_md5"] != "-" and facts["pixel_md5"] != row["pixel_md5"]:
            say("pixels", facts["pixel_md5"], row["pixel_md5"])
    elif row["pixel_md5"] not in ("-", facts["pixel_md5"]):
        wrong += pixels(path, facts, pavage)
    return wrong


def told_by_sidecar(row, path):
    """The manifest was made without the `.aux.xml` of some files: with it, GDAL says where they lie."""
    with rasterio.open(path) as source:
        crs, bounds = source.crs, source.bounds
        code = crs.to_epsg() if crs else None
        placed = source.transform != rasterio.Affine.identity()
    name = f"EPSG:{code}" if code else "user-defined" if crs else "-"
    return dict(row, crs=name, bounds=",".join(map(str, bounds)) if placed else "-")


def same_as_turbo(path, facts, ours):
    """Whether an image of one JPEG block is what libjpeg-turbo makes of it: GDAL in Python's wheel has another libjpeg."""
    with tempfile.TemporaryDirectory() as folder:
        with rasterio.open(path) as source:
            block = source.block_shapes[0]
            if block[0] < facts["height"] or block[1] < facts["width"]:
                return False
        data, where = path.read_bytes(), {}
        order = "<" if data[:2] == b"II" else ">"
        number = lambda fmt, at: struct.unpack_from(order + fmt, data, at)[0]
        at = number("I", 4)
        for i in range(number("H", at)):
            entry = at + 2 + 12 * i
            where[number("H", entry)] = (number("H", entry + 2), number("I", entry + 4), entry + 8)
        value = lambda tag: number("H" if where[tag][0] == 3 else "I", where[tag][2])
        stream = data[value(324) : value(324) + value(325)]
        if 347 in where:
            tables = data[number("I", where[347][2]) :][: where[347][1]]
            stream = tables[:-2] + stream[2:]
        turbo = np.asarray(Image.open(io.BytesIO(stream)).convert("RGB")).transpose(2, 0, 1)
    return np.abs(ours.astype("i4") - turbo[:, : facts["height"], : facts["width"]]).max() <= 2


def pixels(path, facts, pavage):
    with tempfile.NamedTemporaryFile() as raw:
        done, _ = run([pavage, "dump", "--raw", raw.name, path])
        if done.returncode:
            return ["dump " + done.stderr.decode().strip()]
        ours = np.fromfile(raw.name, facts["dtype"]).reshape(facts["bands"], facts["height"], facts["width"])
    with rasterio.open(path) as source:
        theirs = source.read()
    if theirs.shape != ours.shape:
        return [f"shape {ours.shape} is {theirs.shape}"]
    difference = np.abs(ours.astype("f8") - theirs.astype("f8"))
    mean, worst = difference.mean(), difference.max()
    if mean > MEAN and facts["compression"] == "JPEG" and facts["bands"] == 3 and same_as_turbo(path, facts, ours):
        return []
    return [f"lossy pixels: mean {mean:.2f} worst {worst:.0f}"] if mean > MEAN or worst > WORST else []


def judge(row, root, pavage):
    path = root / row["file"]
    try:
        done, seconds = run([pavage, "info", "--json", "--pixels", path])
    except subprocess.TimeoutExpired:
        return "wrong", "hangs"
    if done.returncode == 2:
        reason = done.stderr.decode().strip()
        return ("refused", reason) if reason.count("\n") == 0 and reason else ("wrong", "refused without a line")
    if done.returncode != 0:
        return "wrong", f"exit {done.returncode}: {done.stderr.decode()[-300:]}"
    if row["tier"] == "robust":
        if seconds > SECONDS and (seconds := run([pavage, "info", "--json", "--pixels", path])[1]) > SECONDS:
            return "wrong", f"took {seconds:.1f} s"
        if (peak := peak_bytes(pavage, path)) > BYTES:
            return "wrong", f"took {peak >> 20} MiB"
        return "read", ""
    facts = json.loads(done.stdout)
    if row["size"] == "-" or row["rasterio_says"] != "-":
        return "read", "GDAL does not read it"
    wrong = compare(row, facts, path, pavage)
    return ("wrong", "; ".join(wrong)) if wrong else ("read", "")


def main(pavage, data):
    root = pathlib.Path(data) / "corpus"
    if not (root / "MANIFEST.tsv").is_file():
        print("skipped: no TIFF corpus")
        return 0
    rows = list(csv.DictReader(open(root / "MANIFEST.tsv"), delimiter="\t"))
    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(lambda row: judge(row, root, pavage), rows))
    failures = 0
    table = {}
    for row, (verdict, why) in zip(rows, verdicts):
        tier = row["tier"]
        table.setdefault(tier, {}).setdefault(verdict, 0)
        table[tier][verdict] += 1
        must_read = tier in ("must", "should", "jp2")
        if verdict == "wrong" or (verdict == "refused" and must_read):
            failures += 1
            print(f"{tier}: {row['file'].split('/')[-1]}: {verdict}: {why}")
        elif verdict == "refused" and "-v" in sys.argv:
            print(f"  {tier}: {row['file'].split('/')[-1]}: {why}")
    print("tier     files  read right  refused  wrong")
    for tier in ("must", "should", "jp2", "may", "robust"):
        counts = table.get(tier, {})
        print(f"{tier:8} {sum(counts.values()):5} {counts.get('read', 0):11} {counts.get('refused', 0):8} {counts.get('wrong', 0):6}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
