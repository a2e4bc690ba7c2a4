// Builds the two pages into ../assets, which Rust embeds. File names carry a hash, so they are cached for ever.
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
// @ts-expect-error a plain script, shared with `npm run check-dist`
import { writeManifest } from "./scripts/sources.mjs";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Makes the pages name their files relatively, so that they work below any prefix of a reverse proxy. */
const relativePages = (): Plugin => ({
  name: "relative-pages",
  enforce: "post",
  transformIndexHtml: { order: "post", handler: (html) => html.replaceAll('"/assets/', '"./assets/') },
});

/** Writes SOURCES.sha256 beside the output: the state of the sources that it was built from. */
const sourcesManifest = (): Plugin => ({
  name: "sources-manifest",
  apply: "build",
  closeBundle: () => writeManifest(),
});

export default defineConfig({
  base: "/assets/",
  plugins: [relativePages(), sourcesManifest()],
  build: {
    outDir: here("../assets"),
    emptyOutDir: true,
    assetsDir: "",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 800,
    rolldownOptions: { input: { index: here("index.html"), dashboard: here("dashboard.html") } },
  },
  server: { proxy: Object.fromEntries(["/wmts", "/xyz", "/files", "/legend", "/metrics"].map((path) => [path, "http://127.0.0.1:8080"])) },
  test: { environment: "node", include: ["test/**/*.test.ts"] },
});
