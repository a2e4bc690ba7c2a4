"""Writes QGIS Server's project: `qgis_project.py DATA PROJECT`. Runs in Debian's Python, to which PyQGIS belongs."""

import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (QgsApplication, QgsBilinearRasterResampler, QgsCoordinateReferenceSystem, QgsProject,  # noqa: E402
                       QgsRasterLayer)

LAYERS = ("single_jpeg.tif", "single_deflate.tif", "single_zstd.tif", "single_webp.tif", "merc_256.tif", "merc_512.tif",
          "mosaic.vrt", "territory.vrt")


def main(data, out):
    application = QgsApplication([], False)
    application.initQgis()
    project = QgsProject.instance()
    project.setCrs(QgsCoordinateReferenceSystem("EPSG:2154"))
    for file in LAYERS:
        name = file.split(".")[0]
        layer = QgsRasterLayer(os.path.join(data, file), name)
        if not layer.isValid():
            print(f"QGIS cannot read {file}")
            continue
        layer.setShortName(name)
        resampling = layer.resampleFilter()
        resampling.setZoomedInResampler(QgsBilinearRasterResampler())
        resampling.setZoomedOutResampler(QgsBilinearRasterResampler())
        resampling.setMaxOversampling(2)
        project.addMapLayer(layer)
    project.writeEntry("WMSServiceCapabilities", "/", True)
    project.writeEntry("WMSServiceTitle", "/", "ortho")
    project.writeEntry("WMSCrsList", "/", ["EPSG:2154", "EPSG:3857"])
    project.writeEntry("WMSImageQuality", "/", 85)
    project.write(out)


main(*sys.argv[1:])
