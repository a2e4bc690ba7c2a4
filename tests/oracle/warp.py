"""Tiles of real imagery against GDAL's warp of the same file with the same kernel (rasterio's WarpedVRT).

Native zoom and two overview zooms, in WebMercatorQuad and in the layer's native set: PSNR of at least 40 dB away from
mask edges, and a shift of less than 0.05 px by phase correlation. Prints the table.
"""

import io
import math
import sys

import numpy as np
import rasterio
from lxml import etree
from PIL import Image
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from serving import get, serving

FILES = [
    "ortho/ign_pcrs56_5cm/ortho_rvb_L21_AQ.tif",
    "ortho/ign_pcrs56_5cm/opi_rvb_19FD5606Ax00020_16372.tif",
    "ortho/lyon2018_8cm_cc46/tile_512-5120.tif",
    "ortho/nl_25cm_rd/test_tiled.tif",
    "ortho/neon_10cm_utm/OSBS_029.tif",
    "ortho/oam_10cm_3395/5b90f92da0d7280005fab355_4310.tif",
    "ortho/ign_20cm_l93/test_data_rgb.tif",
    "derived/bdortho_50cm_l93_cog_jpeg.tif",
    "derived/lyon_8cm_cc46_cog_deflate_nodata.tif",
    "derived/lyon_8cm_cc46_cog_jpeg_mask.tif",
    "derived/lyon_8cm_cc46_cog_webp_alpha.tif",
    "derived/lyon_8cm_cc46_cog_zstd_alpha.tif",
    "derived/lyon_pixelispoint.tif",
    "derived/lyon_rotated_12deg.tif",
]
MIN_PSNR, MAX_SHIFT = 40.0, 0.05
WMTS, OWS = "{http://www.opengis.net/wmts/1.0}", "{http://www.opengis.net/ows/1.1}"


def overview_for(source, shrink):
    """The coarsest overview that is finer than the target by a half, or equal to it; -1 for none."""
    factors = [1, *source.overviews(1)]
    serving = [i for i, factor in enumerate(factors) if shrink / factor >= 1.5 or abs(shrink / factor - 1) < 1e-3]
    return max(serving, default=0) - 1


def reference(path, crs, transform, shape, shrink):
    with rasterio.open(path) as source:
        level = overview_for(source, shrink)
        own = source.crs if source.crs.to_epsg() else rasterio.CRS.from_epsg(2154)
    options = {} if level < 0 else {"OVERVIEW_LEVEL": level}
    with rasterio.open(path, **options) as source:
        alpha = source.colorinterp[-1].name == "alpha"
        with WarpedVRT(source, src_crs=own, crs=crs, transform=transform, width=shape[1], height=shape[0], tolerance=0.01,
                       resampling=Resampling.bilinear, add_alpha=not alpha) as vrt:
            bands = vrt.read().astype(float)
    return bands[:3], bands[-1]


def covered(mask):
    """The box around the valid pixels, cut until all of it is valid.

    GDAL takes the width of its kernels from the size of the source window over that of the target: a target that
    reaches beyond the imagery makes it alias, so what is compared lies within.
    """
    rows, cols = np.where(mask)
    top, bottom, left, right = rows.min(), rows.max() + 1, cols.min(), cols.max() + 1
    while bottom - top > 4 and right - left > 4 and not mask[top:bottom, left:right].all():
        top, bottom, left, right = top + 1, bottom - 1, left + 1, right - 1
    return top, bottom, left, right


def inner(mask, steps=2):
    """The mask without its edge."""
    for _ in range(steps):
        grown = np.pad(mask, 1)
        mask = mask & grown[:-2, 1:-1] & grown[2:, 1:-1] & grown[1:-1, :-2] & grown[1:-1, 2:]
    return mask


def shift(a, b, mask):
    """Sub-pixel shift by the slope of the cross-spectrum's phase, weighted by its power."""
    rows, cols = np.where(mask)
    side = 64
    if np.ptp(rows) < side or np.ptp(cols) < side:
        return None
    best = None
    for top in range(rows.min(), rows.max() - side + 2, 16):
        for left in range(cols.min(), cols.max() - side + 2, 16):
            window = (slice(top, top + side), slice(left, left + side))
            if mask[window].all():
                contrast = a[window].std()
                if best is None or contrast > best[0]:
                    best = (contrast, window)
    if best is None or best[0] < 2:
        return None
    taper = np.outer(np.hanning(side), np.hanning(side))
    x, y = ((v[best[1]] - v[best[1]].mean()) * taper for v in (a, b))
    cross = np.fft.fft2(x) * np.conj(np.fft.fft2(y))
    fy, fx = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    low = (np.hypot(fx, fy) < 0.25) & (np.hypot(fx, fy) > 0)
    weight, phase = np.abs(cross[low]), np.angle(cross[low])
    design = 2 * np.pi * np.stack([fx[low], fy[low]], 1)
    solution, *_ = np.linalg.lstsq(design * weight[:, None], phase * weight, rcond=None)
    return float(np.hypot(*solution))


def sets_of(base, layer):
    """Set name to (EPSG code, {matrix: (cell, origin)}) for WebMercatorQuad and the native set of a layer."""
    capabilities = etree.fromstring(get(f"{base}/wmts/1.0.0/WMTSCapabilities.xml")[2])
    described = next(e for e in capabilities.iter(f"{WMTS}Layer") if e.findtext(f"{OWS}Identifier") == layer)
    linked = [e.text for e in described.iter(f"{WMTS}TileMatrixSet")]
    found = {}
    for described_set in capabilities.find(f"{WMTS}Contents").findall(f"{WMTS}TileMatrixSet"):
        name, crs = described_set.findtext(f"{OWS}Identifier"), described_set.findtext(f"{OWS}SupportedCRS")
        if name not in linked or "CRS84" in crs:
            continue
        matrices = {}
        for matrix in described_set.findall(f"{WMTS}TileMatrix"):
            cell = float(matrix.findtext(f"{WMTS}ScaleDenominator")) * 0.00028
            corner = tuple(map(float, matrix.findtext(f"{WMTS}TopLeftCorner").split()))
            matrices[matrix.findtext(f"{OWS}Identifier")] = (cell, corner)
        found[name] = (int(crs.rsplit(":", 1)[1]), matrices)
    return found


def main(pavage, work, data):
    failed = 0
    print(f"{'file':40} {'set':16} {'matrix':6} {'ovr':>3} {'valid':>5} {'PSNR':>6} {'shift':>7}")
    with serving(pavage, work, *(f"{data}/{file}" for file in FILES)) as base:
        for file in FILES:
            path, layer = f"{data}/{file}", file.rsplit("/", 1)[1].removesuffix(".tif")
            with rasterio.open(path) as source:
                own = source.crs if source.crs.to_epsg() else rasterio.CRS.from_epsg(2154)
                bounds, cell = source.bounds, math.sqrt(abs(source.transform.determinant))
            for name, (epsg, matrices) in sets_of(base, layer).items():
                crs = f"EPSG:{epsg}"
                box = transform_bounds(own, crs, *bounds)
                centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
                # Where the picture is sparse, the one square with imagery.
                if "ortho_rvb_L21" in file:
                    centre = busiest(path, own, crs)
                scale = (box[2] - box[0]) / (bounds[2] - bounds[0])
                by_cell = sorted(matrices, key=lambda m: abs(matrices[m][0] / (cell * scale) - 1))
                native = by_cell[0]
                for matrix in (native, str(int(native) - 1), str(int(native) - 2)):
                    if matrix not in matrices:
                        continue
                    size, corner = matrices[matrix]
                    col = int((centre[0] - corner[0]) / (size * 256))
                    row = int((corner[1] - centre[1]) / (size * 256))
                    transform = Affine(size, 0, corner[0] + col * size * 256, 0, -size, corner[1] - row * size * 256)
                    url = f"{base}/wmts/1.0.0/{layer}/normal/{name}/{matrix}/{row}/{col}.png"
                    status, _, body = get(url)
                    assert status == 200, (url, status, body)
                    ours = np.array(Image.open(io.BytesIO(body)).convert("RGBA")).transpose(2, 0, 1).astype(float)
                    shrink = size / (cell * scale)
                    if (ours[3] == 255).sum() < 256:
                        continue
                    top, bottom, left, right = covered(ours[3] == 255)
                    ours = ours[:, top:bottom, left:right]
                    transform = transform * Affine.translation(left, top)
                    theirs, alpha = reference(path, crs, transform, ours.shape[1:], shrink)
                    mask = inner((ours[3] == 255) & (alpha == 255))
                    if mask.sum() < 100:
                        continue
                    error = ((ours[:3] - theirs)[:, mask] ** 2).mean()
                    psnr = 99.0 if error == 0 else 10 * math.log10(255 ** 2 / error)
                    moved = shift(ours[1], theirs[1], mask)
                    bad = psnr < MIN_PSNR or (moved is not None and moved >= MAX_SHIFT)
                    failed += bad
                    with rasterio.open(path) as source:
                        level = overview_for(source, shrink)
                    print(f"{layer[:40]:40} {name[:16]:16} {matrix:>6} {level:3} {mask.sum() / 65536:5.2f} {psnr:6.1f} "
                          f"{'-' if moved is None else f'{moved:.4f}':>7}{'  <-- WRONG' if bad else ''}")
    assert not failed, f"{failed} tiles differ from GDAL's"


def busiest(path, own, crs):
    with rasterio.open(path) as source:
        factor = 8
        small = source.read(2, out_shape=(source.height // factor, source.width // factor))
        row, col = (np.median(v) for v in np.where(small > 8))
        x, y = source.transform * ((col + 0.5) * factor, (row + 0.5) * factor)
    return transform_bounds(own, crs, x, y, x, y)[:2]


if __name__ == "__main__":
    main(*sys.argv[1:])
