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
# As `cargo test` leaves it.
cargo build --locked --workspace --example tile_index
pavage=target/release/pavage
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$pavage" demo --size small --dir "$work/demo" --no-serve >/dev/null

# Each judge starts the server that it needs, on a port of its own, and most wait for one core: two rows of them go at a time.
judge() {
  local name=$1 started=$SECONDS
  shift
  .venv/bin/python "tests/oracle/$name.py" "$@"
  echo "$name: $((SECONDS - started)) s"
}
first_row() {
  set -e
  judge faults "$pavage" "$work"
  judge swap "$pavage" "$work"
  judge styles "$pavage" "$work"
  judge indexes target/debug/examples/tile_index "$work"
  judge convert "$pavage" "$work"
  judge passthrough "$pavage" "$work"
  judge seed "$pavage" "$work"
  judge clients "$pavage" "$work" "$data"
  judge files "$pavage" "$work"
  judge mosaic_changes "$pavage" "$work"
  judge browser "$pavage" "$work"
  judge metrics "$pavage" "$work"
}
second_row() {
  set -e
  mkdir -p "$work/second/mosaic"
  judge mosaic_mixed "$pavage" "$work/second" "$data"
  # 25 dalles, which have a cap; the 64 that it makes by itself are five gigabytes.
  PAVAGE_DALLES_ACROSS=5 judge mosaic "$pavage" "$work/second/mosaic" "$data" --cap
  judge warp "$pavage" "$work/second" "$data"
  judge facts "$pavage" "$data"
  judge corpus "$pavage" "$data"
}
# Both rows end before anything is said of them.
first_row >"$work/first.log" 2>&1 &
first=$! second=
if [ -d "$data/ortho" ]; then
  second_row >"$work/second.log" 2>&1 &
  second=$!
fi
wait "$first" && told=0 || told=$?
cat "$work/first.log"
if [ -n "$second" ]; then
  wait "$second" || told=$?
  cat "$work/second.log"
else
  echo "skipped: no real imagery at PAVAGE_TEST_DATA or ../shared/data"
fi
exit "$told"
