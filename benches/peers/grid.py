"""Web Mercator tiles over a rectangle in Lambert-93, in plain Python, so that the runner needs nothing installed."""

import math

RADIUS = 6_378_137.0
WORLD = math.pi * RADIUS

# Lambert-93: EPSG:2154, the ellipsoid GRS 80.
ECCENTRICITY = math.sqrt(0.006_694_380_022_90)
ORIGIN, CENTRAL, SOUTHERN, NORTHERN = (math.radians(degrees) for degrees in (46.5, 3, 44, 49))
FALSE_EASTING, FALSE_NORTHING = 700_000.0, 6_600_000.0


def _isometric(latitude):
    sine = ECCENTRICITY * math.sin(latitude)
    return math.atanh(math.sin(latitude)) - ECCENTRICITY * math.atanh(sine)


def _parallel(latitude):
    """Radius of a parallel, in radii of the equator."""
    return math.cos(latitude) / math.sqrt(1 - (ECCENTRICITY * math.sin(latitude)) ** 2)


CONE = math.log(_parallel(SOUTHERN) / _parallel(NORTHERN)) / (_isometric(NORTHERN) - _isometric(SOUTHERN))
SCALE = RADIUS * _parallel(SOUTHERN) * math.exp(CONE * _isometric(SOUTHERN)) / CONE
POLE = FALSE_NORTHING + SCALE * math.exp(-CONE * _isometric(ORIGIN))


def lambert(x, y):
    """Of a place in Web Mercator."""
    longitude, latitude = x / RADIUS, 2 * math.atan(math.exp(y / RADIUS)) - math.pi / 2
    distance, angle = SCALE * math.exp(-CONE * _isometric(latitude)), CONE * (longitude - CENTRAL)
    return FALSE_EASTING + distance * math.sin(angle), POLE - distance * math.cos(angle)


def mercator(easting, northing):
    """Of a place in Lambert-93."""
    east, south = easting - FALSE_EASTING, POLE - northing
    longitude = CENTRAL + math.atan2(east, south) / CONE
    isometric = -math.log(math.hypot(east, south) / SCALE) / CONE
    latitude = 0.0
    for _ in range(10):
        latitude = math.asin(math.tanh(isometric + ECCENTRICITY * math.atanh(ECCENTRICITY * math.sin(latitude))))
    return longitude * RADIUS, math.atanh(math.sin(latitude)) * RADIUS


def bounds(z, x, y):
    """West, south, east and north of a tile."""
    side = 2 * WORLD / 2**z
    return x * side - WORLD, WORLD - (y + 1) * side, (x + 1) * side - WORLD, WORLD - y * side


def is_inside(box, z, x, y):
    west, south, east, north = bounds(z, x, y)
    places = [lambert(*corner) for corner in ((west, south), (west, north), (east, south), (east, north))]
    return all(box[0] < easting < box[2] and box[1] < northing < box[3] for easting, northing in places)


def span(box, z):
    """First and last column, first and last row of the tiles that touch a box."""
    corners = [mercator(easting, northing) for easting in box[::2] for northing in box[1::2]]
    side = 2 * WORLD / 2**z
    cols, rows = [int((x + WORLD) / side) for x, _ in corners], [int((WORLD - y) / side) for _, y in corners]
    return min(cols), max(cols), min(rows), max(rows)


def tiles(box, z):
    """The tiles of a zoom that lie in a box as a whole; where none does, those that touch it."""
    left, right, top, bottom = span(box, z)
    touching = [(z, x, y) for y in range(top, bottom + 1) for x in range(left, right + 1)]
    return [tile for tile in touching if is_inside(box, *tile)] or touching
