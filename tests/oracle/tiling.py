"""Tile matrix sets as a layer's capabilities tell them, and tiles as pixels."""

import io

import numpy as np
from lxml import etree
from PIL import Image

from serving import get

WMTS, OWS = "{http://www.opengis.net/wmts/1.0}", "{http://www.opengis.net/ows/1.1}"
METRES_PER_DEGREE = 6378137 * np.pi / 180


class Set:
    """A tile matrix set: its CRS as rasterio takes it, and of each zoom the cell size and the corner, in units of the CRS."""

    def __init__(self, described):
        self.name = described.findtext(f"{OWS}Identifier")
        crs = described.findtext(f"{OWS}SupportedCRS")
        is_geographic = "CRS84" in crs
        self.crs = "OGC:CRS84" if is_geographic else f"EPSG:{crs.rsplit(':', 1)[1]}"
        unit = METRES_PER_DEGREE if is_geographic else 1
        self.cells, self.corners = [], []
        for matrix in described.findall(f"{WMTS}TileMatrix"):
            self.cells.append(float(matrix.findtext(f"{WMTS}ScaleDenominator")) * 0.00028 / unit)
            self.corners.append(tuple(map(float, matrix.findtext(f"{WMTS}TopLeftCorner").split())))

    def tile_at(self, zoom, x, y):
        side = self.cells[zoom] * 256
        left, top = self.corners[zoom]
        return zoom, int((x - left) // side), int((top - y) // side)

    def bounds(self, tile):
        zoom, col, row = tile
        side = self.cells[zoom] * 256
        left, top = self.corners[zoom]
        return left + col * side, top - (row + 1) * side, left + (col + 1) * side, top - row * side

    def tiles(self, zoom, box):
        """All tiles of a zoom that a box touches."""
        _, left, top = self.tile_at(zoom, box[0], box[3])
        _, right, bottom = self.tile_at(zoom, box[2], box[1])
        return [(zoom, col, row) for row in range(top, bottom + 1) for col in range(left, right + 1)]

    def zoom_for(self, cell):
        """The zoom whose cells are nearest to a size."""
        return min(range(len(self.cells)), key=lambda zoom: abs(np.log(self.cells[zoom] / cell)))


def sets_of(base):
    """All sets of a server, by name."""
    capabilities = etree.fromstring(get(f"{base}/wmts/1.0.0/WMTSCapabilities.xml")[2])
    return {found.name: found for found in
            map(Set, capabilities.find(f"{WMTS}Contents").findall(f"{WMTS}TileMatrixSet"))}


def address(base, layer, name, tile, query=""):
    zoom, col, row = tile
    return f"{base}/xyz/{layer}/{name}/{zoom}/{col}/{row}.png{query}"


def pixels(body):
    """Red, green, blue, alpha."""
    return np.array(Image.open(io.BytesIO(body)).convert("RGBA"))


def fetch(url):
    status, headers, body = get(url)
    assert status == 200, (url, status, body[:500])
    return pixels(body), headers
