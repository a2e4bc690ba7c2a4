"""Installs the peers and makes the imagery, all that can be in one work folder. What is there is kept."""

import glob
import json
import os
import shutil
import subprocess
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = {
    "mapserv": "cgi-mapserver", "nginx": "nginx-light", "/usr/lib/cgi-bin/qgis_mapserv.fcgi": "qgis-server",
    "/usr/lib/python3/dist-packages/qgis": "python3-qgis", "gdaltindex": "gdal-bin", "wrk": "wrk", "h2load": "nghttp2-client",
    "openssl": "openssl", "/usr/share/doc/python3-venv": "python3-venv",
}
PYTHON = ["rasterio==1.4.4", "rio-tiler==9.4.12", "titiler.application==2.4.0", "uvicorn[standard]", "simplejpeg", "numpy", "pillow",
          "matplotlib"]
TEXTURE, TEXTURES = "deepforest==2.1.0", "deepforest/data/2019_YELL"
MARTIN = "1.14.0"
DALLES = 4096


def step(text):
    print(f"== {text}", flush=True)


def run(*command, cwd=None, env=None, log=None):
    """A command whose output is only of interest when it fails."""
    result = subprocess.run(command, cwd=cwd, env=os.environ | (env or {}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{result.stdout[-3000:]}")
    return result.stdout


def everything(work, pavage, with_martin):
    os.makedirs(work, exist_ok=True)
    packages()
    python(work)
    imagery(work, pavage)
    certificate(work)
    qgis(work)
    if with_martin:
        martin(work)


def packages():
    missing = [package for program, package in PACKAGES.items() if not (shutil.which(program) or os.path.exists(program))]
    if not missing:
        return
    step(f"apt: {' '.join(missing)}")
    install = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "install", "-y", "-q", "--no-install-recommends", *missing]
    if os.getuid() or not shutil.which("apt-get"):
        raise SystemExit(f"missing: sudo {' '.join(install)}")
    run("apt-get", "-o", "DPkg::Lock::Timeout=600", "update", "-q")
    run(*install, env={"DEBIAN_FRONTEND": "noninteractive"})


def python(work):
    if not os.path.exists(f"{work}/venv/bin/python"):
        run("python3", "-m", "venv", f"{work}/venv")
    if os.path.exists(f"{work}/venv/installed") and open(f"{work}/venv/installed").read().split() == PYTHON:
        return
    step("pip")
    run(f"{work}/venv/bin/pip", "install", "-q", *PYTHON)
    with open(f"{work}/venv/installed", "w") as file:
        file.write("\n".join(PYTHON))


def imagery(work, pavage):
    """Some 3.6 GB, and as much again while it is made."""
    python, data, textures = f"{work}/venv/bin/python", f"{work}/data", f"{work}/textures"
    if not glob.glob(f"{textures}/*.png"):
        step("textures")
        run(f"{work}/venv/bin/pip", "download", "-q", "--no-deps", "-d", textures, TEXTURE)
        for wheel in glob.glob(f"{textures}/*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for entry in archive.infolist():
                    if entry.filename.startswith(TEXTURES) and entry.filename.endswith(".png"):
                        entry.filename = os.path.basename(entry.filename)
                        archive.extract(entry, textures)
            os.remove(wheel)
    # Work folders of before have no `merc_dalles`.
    if not all(os.path.exists(f"{data}/{name}") for name in ("data.json", "merc_dalles")):
        step("imagery")
        subprocess.run([python, f"{HERE}/data.py", textures, data, str(len(os.sched_getaffinity(0)))], check=True)
    if not os.path.exists(f"{data}/territory.done"):
        step(f"{DALLES} dalles of one colour each")
        run(pavage, "demo", "--dalles", str(DALLES), "--detail", "cheap", "--flawless", "--no-serve", "--dir", f"{data}/territory")
        open(f"{data}/territory.done", "w").close()
    indexes(data)


def indexes(data):
    """Both mosaics as VRT, as a tile index for MapServer, and as GDAL tile index; where they are."""
    facts = json.load(open(f"{data}/data.json"))
    for name, folder in (("mosaic", "dalles"), ("territory", "territory")):
        if name in facts and os.path.exists(f"{data}/{name}.gti"):
            continue
        step(f"indexes of {name}")
        files = sorted(glob.glob(f"{data}/{folder}/**/*.tif", recursive=True))
        with open(f"{data}/{name}.txt", "w") as file:
            file.writelines(f"{path}\n" for path in files)
        for left in glob.glob(f"{data}/{name}.shp") + glob.glob(f"{data}/{name}.gti.gpkg"):
            os.remove(left)
        run("gdalbuildvrt", "-q", "-overwrite", "-r", "bilinear", "-input_file_list", f"{data}/{name}.txt", f"{data}/{name}.vrt")
        run("gdaltindex", "-write_absolute_path", f"{data}/{name}.shp", *files)
        run("gdaltindex", "-write_absolute_path", "-f", "GPKG", f"{data}/{name}.gti.gpkg", *files)
        # Without overviews declared, each dalle would be read at full resolution.
        overviews = "".join(f"<Overview><Factor>{factor}</Factor></Overview>" for factor in (2, 4, 8))
        with open(f"{data}/{name}.gti", "w") as file:
            file.write(f"<GDALTileIndexDataset><IndexDataset>{data}/{name}.gti.gpkg</IndexDataset>"
                       f"<LocationField>location</LocationField>{overviews}</GDALTileIndexDataset>\n")
        told = json.loads(run("gdalinfo", "-json", f"{data}/{name}.vrt"))["cornerCoordinates"]
        facts[name] = [*told["lowerLeft"], *told["upperRight"]]
    with open(f"{data}/data.json", "w") as file:
        json.dump(facts, file)


def certificate(work):
    if os.path.exists(f"{work}/tls/cert.pem"):
        return
    os.makedirs(f"{work}/tls", exist_ok=True)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{work}/tls/key.pem", "-out", f"{work}/tls/cert.pem")


def qgis(work):
    """The project that QGIS Server serves; written by Debian's Python, to which PyQGIS belongs."""
    project = f"{work}/qgis/ortho.qgs"
    if os.path.exists(project):
        return
    step("QGIS project")
    os.makedirs(f"{work}/qgis", exist_ok=True)
    run("/usr/bin/python3", f"{HERE}/conf/qgis_project.py", f"{work}/data", project,
        env={"QT_QPA_PLATFORM": "offscreen", "HOME": f"{work}/qgis"})


def martin(work):
    if os.path.exists(f"{work}/martin/bin/martin"):
        return
    step(f"Martin {MARTIN}: tens of minutes")
    run("cargo", "install", "martin", "--version", MARTIN, "--locked", "--no-default-features", "--features", "unstable-cog",
        "--root", f"{work}/martin", env={"CARGO_TARGET_DIR": f"{work}/martin-build"})
    shutil.rmtree(f"{work}/martin-build", ignore_errors=True)
