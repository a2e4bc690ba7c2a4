// Says whether the committed pages in ../assets were built from the sources beside this folder.
// The build calls `writeManifest`; `node scripts/sources.mjs --check` compares, without network or build.
// The manifest has the form of `sha256sum`, so `sha256sum -c ../assets/SOURCES.sha256` works too.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const web = new URL("../", import.meta.url);
const manifest = new URL("../../assets/SOURCES.sha256", import.meta.url);
const single = ["dashboard.html", "index.html", "package-lock.json", "vite.config.ts"];

/** Every file that decides the output, as sorted paths from the folder `web`. */
function sources() {
  const inSrc = readdirSync(new URL("src/", web), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(fileURLToPath(web).length)}/${entry.name}`.replaceAll("\\", "/"))
    .map((path) => path.replace(/\/+/g, "/"));
  return [...single, ...inSrc].sort();
}

function lines() {
  return sources().map((path) => {
    const hash = createHash("sha256").update(readFileSync(new URL(path, web))).digest("hex");
    return `${hash}  ${path}\n`;
  });
}

export function writeManifest() {
  writeFileSync(manifest, lines().join(""));
}

if (process.argv.includes("--check")) {
  const committed = new Set(readFileSync(manifest, "utf8").split("\n").filter(Boolean));
  const now = new Set(lines().map((line) => line.trimEnd()));
  const stale = [...now].filter((line) => !committed.has(line)).map((line) => line.slice(66));
  const gone = [...committed].map((line) => line.slice(66)).filter((path) => ![...now].some((line) => line.endsWith(`  ${path}`)));
  if (stale.length + gone.length > 0) {
    console.error(`The pages in assets are stale: run \`npm ci && npm run build\` and commit the result.`);
    for (const path of stale) console.error(`  changed  ${path}`);
    for (const path of gone) console.error(`  removed  ${path}`);
    process.exit(1);
  }
  console.log(`assets match ${now.size} sources`);
}
