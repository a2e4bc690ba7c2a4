#!/usr/bin/env bash
# Judges that are not ours: GDAL, OWSLib, OGC's schemas, Prometheus, Chromium. Each says when it cannot run;
# with PAVAGE_ORACLE=required, as in CI, that is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."

data="${PAVAGE_TEST_DATA:-$(cd .. && pwd)/shared/data}"
skip() {
  echo "skipped: $1"
  [ "${PAVAGE_ORACLE:-}" != required ] || exit 1
  exit 0
}
command -v python3 >/dev/null || skip "python3 is missing: apt-get install python3 python3-venv"
if [ ! -x .venv/bin/python ]; then
  python3 -m venv .venv || { rm -rf .venv; skip "python3-venv is missing: apt-get install python3-venv"; }
fi
.venv/bin/pip install -q --disable-pip-version-check -r tests/oracle/requirements.txt || skip "the Python packages cannot be installed"

cargo build --release --locked
cargo build --release --locked -p pavage-tiler --example tile_index
pavage=target/release/pavage
work=$(mktemp -d)
trap 'kill $(cat "$work"/*.pid 2>/dev/null) 2>/dev/null || true; rm -rf "$work"' EXIT
"$pavage" demo --size small --dir "$work/demo" --no-serve >/dev/null

# Each judge starts the server that it needs, on a port of its own.
.venv/bin/python tests/oracle/faults.py "$pavage" "$work"
.venv/bin/python tests/oracle/swap.py "$pavage" "$work"
.venv/bin/python tests/oracle/styles.py "$pavage" "$work"
.venv/bin/python tests/oracle/indexes.py target/release/examples/tile_index "$work"
.venv/bin/python tests/oracle/convert.py "$pavage" "$work"
.venv/bin/python tests/oracle/passthrough.py "$pavage" "$work"
.venv/bin/python tests/oracle/seed.py "$pavage" "$work"
.venv/bin/python tests/oracle/clients.py "$pavage" "$work" "$data"
.venv/bin/python tests/oracle/files.py "$pavage" "$work"
.venv/bin/python tests/oracle/mosaic_changes.py "$pavage" "$work"
if [ -d "$data/ortho" ]; then
  .venv/bin/python tests/oracle/mosaic_mixed.py "$pavage" "$work" "$data"
  # 25 dalles, which have a cap; the 64 that it makes by itself are five gigabytes.
  mkdir -p "$work/mosaic"
  PAVAGE_DALLES_ACROSS=5 PAVAGE_TILES=200 .venv/bin/python tests/oracle/mosaic.py "$pavage" "$work/mosaic" "$data" --cap
  .venv/bin/python tests/oracle/warp.py "$pavage" "$work" "$data"
  .venv/bin/python tests/oracle/facts.py "$pavage" "$data"
  .venv/bin/python tests/oracle/corpus.py "$pavage" "$data"
else
  echo "skipped: no real imagery at PAVAGE_TEST_DATA or ../shared/data"
fi
.venv/bin/python tests/oracle/browser.py "$pavage" "$work"
.venv/bin/python tests/oracle/metrics.py "$pavage" "$work"
