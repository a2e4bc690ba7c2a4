"""GDAL's own library as it comes with pyogrio, which has drivers that rasterio's lacks (FlatGeobuf beneath GTI), by its C interface."""

import ctypes
import glob
import os

import numpy as np
import pyogrio

_library = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(pyogrio.__file__), "..", "pyogrio.libs", "libgdal*"))[0])
_library.GDALAllRegister()


def _function(name, result, *arguments):
    function = getattr(_library, name)
    function.restype, function.argtypes = result, arguments
    return function


_pointer, _text, _integer = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
_texts = ctypes.POINTER(_text)
_open = _function("GDALOpenEx", _pointer, _text, ctypes.c_uint, _texts, _texts, _texts)
_close = _function("GDALClose", _integer, _pointer)
_message = _function("CPLGetLastErrorMsg", _text)
_width = _function("GDALGetRasterXSize", _integer, _pointer)
_height = _function("GDALGetRasterYSize", _integer, _pointer)
_count = _function("GDALGetRasterCount", _integer, _pointer)
_band = _function("GDALGetRasterBand", _pointer, _pointer, _integer)
_mask = _function("GDALGetMaskBand", _pointer, _pointer)
_transform = _function("GDALGetGeoTransform", _integer, _pointer, ctypes.POINTER(ctypes.c_double))
_read = _function(
    "GDALRasterIO", _integer, _pointer, _integer, _integer, _integer, _integer, _integer,
    _pointer, _integer, _integer, _integer, _integer, _integer,
)
_build_options = _function("GDALBuildVRTOptionsNew", _pointer, _texts, _pointer)
_build = _function("GDALBuildVRT", _pointer, _text, _integer, _pointer, _texts, _pointer, ctypes.POINTER(_integer))
_index_options = _function("GDALTileIndexOptionsNew", _pointer, _texts, _pointer)
_index = _function("GDALTileIndex", _pointer, _text, _integer, _texts, _pointer, ctypes.POINTER(_integer))
_BYTE = 1


def _array(texts):
    return (_text * (len(texts) + 1))(*[str(text).encode() for text in texts], None)


class Image:
    """A raster of bytes."""

    def __init__(self, path):
        self.handle = _open(str(path).encode(), 0x02 | 0x40, None, None, None)
        if not self.handle:
            raise OSError(_message().decode())
        self.width, self.height, self.bands = _width(self.handle), _height(self.handle), _count(self.handle)
        transform = (ctypes.c_double * 6)()
        _transform(self.handle, transform)
        self.transform = list(transform)

    def _pixels(self, band, window):
        col, row, width, height = window
        out = np.empty((height, width), "uint8")
        if _read(band, 0, col, row, width, height, out.ctypes.data, width, height, _BYTE, 0, 0) != 0:
            raise OSError(_message().decode())
        return out

    def read(self, window=None):
        window = window or (0, 0, self.width, self.height)
        return np.stack([self._pixels(_band(self.handle, band + 1), window) for band in range(self.bands)])

    def mask(self, window=None):
        window = window or (0, 0, self.width, self.height)
        return self._pixels(_mask(_band(self.handle, 1)), window)

    def close(self):
        _close(self.handle)


def build_vrt(out, files, *options):
    handle = _build(str(out).encode(), len(files), None, _array(files), _build_options(_array(options), None), None)
    if not handle:
        raise OSError(_message().decode())
    _close(handle)


def tile_index(out, files, *options):
    handle = _index(str(out).encode(), len(files), _array(files), _index_options(_array(options), None), None)
    if not handle:
        raise OSError(_message().decode())
    _close(handle)
