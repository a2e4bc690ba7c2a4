#!/usr/bin/env bash
# Types, unit tests, and whether the committed pages are those of these sources. Needs Node.js 20 with npm: installed where
# that is allowed and the system has it, else skipped with the remedy; in CI (PAVAGE_ORACLE=required) that is a failure.
set -euo pipefail
cd "$(dirname "$0")"

recent_node() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; }
if ! command -v node >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -q && apt-get install -y -q --no-install-recommends nodejs npm || true
fi
if ! recent_node; then
  echo "skipped: the web tests need Node.js 20 or newer with npm: see https://nodejs.org/en/download"
  [ "${PAVAGE_ORACLE:-}" != required ]
  exit
fi
npm ci --no-audit --no-fund
npx tsc --noEmit
npm test
npm run check-dist
