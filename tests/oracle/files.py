"""Originals, as the scanner of PCRS beta.gouv finds them: it follows listings and opens each dalle through GDAL's /vsicurl/."""

import concurrent.futures
import html.parser
import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request

import rasterio
from rasterio.windows import Window

from serving import get, serving

RASTERS = (".tif", ".tiff", ".geotif", ".geotiff", ".jp2")
LISTINGS, ANALYSES = 4, 8


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.title, self.hrefs, self._in_title = "", [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._in_title = tag == "title"
        if tag == "a":
            self.hrefs.append(dict(attributes).get("href", ""))

    def handle_data(self, data):
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag):
        self._in_title = False


def children(address):
    """Folders and files of a listing, relative addresses only."""
    assert address.endswith("/")
    status, headers, body = get(address)
    assert status == 200 and headers["content-type"].startswith("text/html"), (address, status)
    page = Page(body.decode())
    assert re.match("(Index|Directory|Listing) of", page.title), page.title
    hrefs = [href for href in page.hrefs if href[:1] not in ("/", "?") and href.rstrip("/") not in (".", "..")]
    assert not any(":" in href for href in hrefs), hrefs
    return ([urllib.parse.urljoin(address, href) for href in hrefs if href.endswith("/")],
            [urllib.parse.urljoin(address, href) for href in hrefs if not href.endswith("/")])


def crawl(root):
    files, folders = [], [root]
    with concurrent.futures.ThreadPoolExecutor(LISTINGS) as pool:
        while folders:
            listed = list(pool.map(children, folders))
            folders = [folder for found, _ in listed for folder in found]
            files += [file for _, found in listed for file in found]
    return files


def analyse(address):
    """What the scanner keeps of a file, with the header fields that tell whether it has changed."""
    with urllib.request.urlopen(urllib.request.Request(address, method="HEAD")) as head:
        told = [head.headers[name] for name in ("Content-Length", "Last-Modified", "ETag", "Content-Type")]
    assert all(told) and told[3].startswith("image/"), (address, told)
    with rasterio.open(f"/vsicurl/{address}") as file:
        return int(told[0]), file.crs.to_epsg(), file.shape, file.res, tuple(file.bounds), file.overviews(1), file.count


def on_disk(path):
    with rasterio.open(path) as file:
        return (os.path.getsize(path), file.crs.to_epsg(), file.shape, file.res, tuple(file.bounds), file.overviews(1),
                file.count)


def bytes_sent(base):
    lines = get(f"{base}/metrics")[2].decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith("pavage_response_bytes_total") and 'protocol="files"' in line)


def everything_is_found(base, folder, truncated):
    root = f"{base}/files/pcrs/"
    assert root in children(f"{base}/files/")[0]
    dalles = [file for file in crawl(root) if file.lower().endswith(RASTERS)]
    names = {os.path.relpath(os.path.join(at, name), folder)
             for at, _, files in os.walk(folder) for name in files if name.endswith(RASTERS)} - {truncated}
    assert {urllib.parse.unquote(file.removeprefix(root)) for file in dalles} == names, "the listing is the folder"
    with concurrent.futures.ThreadPoolExecutor(ANALYSES) as pool:
        facts = list(pool.map(analyse, dalles))
    for file, there in zip(dalles, facts):
        assert there == on_disk(os.path.join(folder, file.removeprefix(root))), file
    return dalles


def coverage_tells_all(base, dalles):
    coverage = json.loads(get(f"{base}/files/pcrs/index.geojson")[2])
    assert {feature["properties"]["href"] for feature in coverage["features"]} == set(dalles)
    for feature in coverage["features"]:
        told = feature["properties"]
        assert told["crs"] in ("EPSG:2154", "EPSG:3943") and told["year"] in (2023, 2024), told
        ring = feature["geometry"]["coordinates"][0]
        assert ring[0] == ring[-1] and all(2 < lon < 3 and 43 < lat < 44 for lon, lat in ring), ring


def main(pavage, work):
    for name, arguments in [("cheap", ["--dalles", "100"]), ("real", ["--dalles", "4", "--flawless"])]:
        folder = f"{work}/dalles-{name}"
        subprocess.run([pavage, "demo", *arguments, "--dir", folder, "--no-serve"], check=True, capture_output=True)
        with open(f"{folder}/territory.json") as told:
            truncated = json.load(told)["planted"]["truncated"]
        with open(f"{work}/files-{name}.toml", "w") as config:
            config.write(f'[[layer]]\nid = "pcrs"\npath = "{folder}"\ndownload = true\n')
        with serving(pavage, work, "--config", f"{work}/files-{name}.toml") as base:
            dalles = everything_is_found(base, folder, truncated)
            coverage_tells_all(base, dalles)
            print(f"scanner: {len(dalles)} {name} dalles found and opened through /vsicurl/")
            if name == "real":
                only_ranges_are_read(base, folder, dalles)


def only_ranges_are_read(base, folder, dalles):
    sizes = sum(os.path.getsize(os.path.join(folder, file.rsplit("/", 1)[1])) for file in dalles)
    sent = bytes_sent(base)
    assert sent < 0.1 * sizes, f"{sent} bytes for the headers of {sizes}"
    window = Window(1024, 1024, 512, 512)
    with rasterio.open(f"/vsicurl/{dalles[0]}") as there, \
            rasterio.open(os.path.join(folder, dalles[0].rsplit("/", 1)[1])) as here:
        assert (there.read(window=window) == here.read(window=window)).all()
    block = bytes_sent(base) - sent
    assert block < 0.1 * sizes, f"{block} bytes for one block of {sizes}"
    print(f"ranges: {sent / 1e3:.0f} kB for headers and listings, {block / 1e3:.0f} kB for a block, of {sizes / 1e6:.1f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
