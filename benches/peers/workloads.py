"""What is asked for: a name, a layer, a format and a list of tiles, the same for all servers."""

import json
import random
from dataclasses import dataclass

import grid
import session

NATIVE = 21


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    layer: str
    format: str = "jpeg"
    zooms: tuple = (NATIVE,)
    # At most so many tiles, drawn from all that the imagery has.
    count: int = 3000
    connections: int = 16
    # "tiles"; "sessions"; or cached tiles over "http", "unchanged" (304), "tls", "http2".
    kind: str = "tiles"
    # Only these servers, where not all that have the layer are worth a row.
    servers: tuple = ()

    @property
    def is_cached(self):
        return self.kind not in ("tiles", "sessions")

    @property
    def extension(self):
        return {"jpeg": "jpg"}.get(self.format, self.format)


ALL = [
    Workload("U1", "native zoom, JPEG source", "single_jpeg"),
    Workload("U1d", "native zoom, DEFLATE source", "single_deflate"),
    Workload("U1z", "native zoom, ZSTD source", "single_zstd"),
    Workload("U1w", "native zoom, WebP source", "single_webp"),
    Workload("U1m", "source on the tile grid, 256 px", "merc_256"),
    Workload("U1n", "source on the tile grid, 512 px", "merc_512", zooms=(NATIVE - 1,), count=900),
    Workload("U2", "overviews, zooms 20 to 16", "single_jpeg", zooms=(20, 19, 18, 17, 16), count=1000),
    Workload("U3", "native zoom, mosaic of 100 dalles", "mosaic", count=6000),
    Workload("U4a", "zoom 16, some 12 dalles in a tile", "mosaic", zooms=(16,), count=100),
    Workload("U4b", "zoom 14, some 80 dalles in a tile", "mosaic", zooms=(14,), count=3),
    Workload("U4c", "zoom 12, some 1,000 dalles in a tile", "territory", zooms=(12,), count=16, connections=4),
    Workload("U5", "native zoom, PNG out", "single_jpeg", format="png"),
    Workload("U6", "native zoom, WebP out", "single_jpeg", format="webp"),
    Workload("B1", "browsing a mosaic, 8 users", "mosaic", kind="sessions", connections=6),
    Workload("C1", "cached tiles", "cached", count=400, kind="http"),
    Workload("C1s", "stored tiles passed on, and the same from a cache", "stored", count=400, kind="http"),
    Workload("C1n", "cached tiles that the client has: 304", "cached", count=400, kind="unchanged"),
    Workload("C1t", "cached tiles over TLS", "cached", count=400, kind="tls"),
    Workload("C1h", "cached tiles over HTTP/2 and TLS", "cached", count=400, kind="http2"),
]
BY_NAME = {workload.name: workload for workload in ALL}
USERS, VIEWS = 8, 600


def facts(work):
    with open(f"{work}/data/data.json") as file:
        return json.load(file)


def box(work, layer):
    return facts(work)[layer if layer in ("mosaic", "territory") else "single"]


def tiles(work, workload):
    """`(z, x, y)` in the order in which they are asked for."""
    draw = random.Random(f"{workload.zooms} {workload.count}")
    zooms = [grid.tiles(box(work, workload.layer), z) for z in workload.zooms]
    if len(zooms) == 1:
        draw.shuffle(zooms[0])
        return zooms[0][:workload.count]
    return [draw.choice(zooms[number % len(zooms)]) for number in range(workload.count)]


def trace(work, workload):
    """Users, their views, the tiles of a view."""
    return session.trace(box(work, workload.layer), NATIVE, USERS, VIEWS, workload.name)
