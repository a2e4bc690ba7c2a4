"""Clients that others wrote: OWSLib lists and fetches, GDAL's WMTS driver reads, OGC's schema validates."""

import io
import os
import sys

import numpy as np
import rasterio
from lxml import etree
from owslib.wmts import WebMapTileService
from PIL import Image
from rasterio.windows import Window

import years
from serving import get, serving


def owslib_fetches_everything(base):
    service = WebMapTileService(f"{base}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&VERSION=1.0.0")
    fetched = 0
    for name, layer in service.contents.items():
        for set_name, link in layer.tilematrixsetlinks.items():
            limits = link.tilematrixlimits
            finest = list(limits.values())[-1]
            for media_type in layer.formats:
                tile = service.gettile(layer=name, tilematrixset=set_name, tilematrix=finest.tilematrix,
                                       row=finest.mintilerow, column=finest.mintilecol, format=media_type)
                picture = Image.open(io.BytesIO(tile.read()))
                assert picture.size == (256, 256), (name, set_name, media_type, picture.size)
                fetched += 1
    print(f"OWSLib: {len(service.contents)} layers, {fetched} tiles in every set and format")
    assert fetched >= 9 * len(service.contents)


def gdal_reads_a_window(base, path):
    """In Lambert-93 the content of the layer is that of the file."""
    url = f"WMTS:{base}/wmts/1.0.0/WMTSCapabilities.xml,layer=demo-small,tilematrixset=LAMB93_5cm"
    with rasterio.open(path) as file, rasterio.open(url) as layer:
        assert layer.crs.to_epsg() == 2154, layer.crs
        left, top = file.transform * (512, 512)
        col, row = (round(v) for v in ~layer.transform * (left, top))
        ours = layer.read([1, 2, 3], window=Window(col, row, 300, 300)).astype(float)
        x, y = layer.transform * (col, row)
        col, row = (round(v) for v in ~file.transform * (x, y))
        theirs = file.read(window=Window(col, row, 300, 300)).astype(float)
    error = ((ours - theirs) ** 2).mean()
    psnr = 10 * np.log10(255 ** 2 / max(error, 1e-9))
    print(f"GDAL WMTS: {psnr:.1f} dB between the layer and the file")
    assert psnr > 30, "JPEG once more, nothing else"


def capabilities_are_schema_valid(base, data):
    schema = os.path.join(data, "ogc/schemas/wmts/1.0/wmts.xsd")
    if not os.path.exists(schema):
        print("skipped: no OGC schemas")
        return
    validator = etree.XMLSchema(etree.parse(schema))
    validator.assertValid(etree.fromstring(get(f"{base}/wmts/1.0.0/WMTSCapabilities.xml")[2]))
    exceptions = etree.XMLSchema(etree.parse(os.path.join(data, "ogc/schemas/ows/1.1.0/owsExceptionReport.xsd")))
    for query in ["", "service=WMTS", "service=WMTS&request=GetBOGUS", "service=WMTS&request=GetTile&layer=x"]:
        status, headers, body = get(f"{base}/wmts?{query}")
        assert status == 400 and "xml" in headers["content-type"], (query, status)
        exceptions.assertValid(etree.fromstring(body))
    print("OGC schemas: capabilities and exceptions are valid")


def clients_ask_for_years(base):
    """OWSLib fills in a time in both bindings, GDAL the default of the capabilities."""
    service = WebMapTileService(f"{base}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&VERSION=1.0.0")
    time = service["pcrs"].dimensions["Time"]
    assert (time["values"], time["default"]) == (["2018", "2021", "2024"], "2024"), time
    lon, lat = service["pcrs"].boundingBoxWGS84[2] - 2e-4, service["pcrs"].boundingBoxWGS84[3] - 1e-4
    col = int((lon + 180) / 360 * 2 ** 21)
    row = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 2 ** 21)
    tile = dict(layer="pcrs", tilematrixset="WebMercatorQuad", tilematrix="21", row=row, column=col)

    def mean(body):
        return np.asarray(Image.open(io.BytesIO(body)).convert("RGB")).mean(axis=(0, 1))

    by_year = {}
    for year in time["values"]:
        by_year[year] = mean(service.gettile(**tile, format="image/png", Time=year).read())
        status, _, body = get(service.buildTileResource(**tile, style="natural", Time=year))
        assert status == 200 and np.abs(mean(body) - by_year[year]).max() < 3, year
    newest = mean(service.gettile(**tile, format="image/png").read())
    assert (newest == by_year["2024"]).all() and np.ptp([colour[2] for colour in by_year.values()]) > 10, by_year
    with rasterio.open(f"WMTS:{base}/wmts/1.0.0/WMTSCapabilities.xml,layer=pcrs,tilematrixset=LAMB93_5cm") as layer:
        assert layer.read([1], window=Window(0, 0, 64, 64)).shape == (1, 64, 64)
    print(f"years: OWSLib fetches {', '.join(time['values'])} by KVP and REST, GDAL reads the default")


def main(pavage, work, data):
    path = f"{work}/demo/demo-small.tif"
    folders = [f"{data}/{name}" for name in ("ortho", "derived") if os.path.isdir(f"{data}/{name}")]
    with serving(pavage, work, path, *folders) as base:
        capabilities_are_schema_valid(base, data)
        owslib_fetches_everything(base)
        gdal_reads_a_window(base, path)
    years.write(path, f"{work}/flights")
    with serving(pavage, work, "--config", years.configuration(f"{work}/flights")) as base:
        capabilities_are_schema_valid(base, data)
        clients_ask_for_years(base)


if __name__ == "__main__":
    main(*sys.argv[1:])
