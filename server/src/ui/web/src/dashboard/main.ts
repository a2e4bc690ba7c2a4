/** The operator's page: reads `/metrics` every second and shows what happened in between. */
import "../common/base.css";
import "./dashboard.css";
import { h, must, serverUrl } from "../common/dom";
import { installTheme } from "../common/theme";
import { Chart } from "./charts";
import { bytes, count, percent, seconds } from "./format";
import { Delta, Scrape } from "./metrics";

const PERIOD_MS = 1000;
/** Rates in cards and tables are over this many readings, so that they can be read. */
const WINDOW = 5;
const REQUESTS = "pavage_http_requests_total";
const LATENCY = "pavage_http_request_seconds";
const STAGES = ["plan", "fetch", "decode", "warp", "encode"] as const;
const PROTOCOLS = ["wmts", "xyz", "ui", "admin", "other"] as const;

const failed = (status: string) => /^[45]/.test(status);

/** The dashboard's own readings are not what its reader wants to know. */
const TILES = { protocol: (protocol: string) => protocol !== "admin" && protocol !== "ui" };

interface Card {
  title: string;
  value: (delta: Delta, now: Scrape) => string;
  note?: (delta: Delta, now: Scrape) => string;
  /** Where it says nothing, it is left out. */
  isShown?: (now: Scrape) => boolean;
}

const PATCHES = "pavage_cap_patches";

/** What keeps the patches of low zooms from being complete. */
function patches(now: Scrape): string {
  const missing = now.sum("pavage_cap_patches_missing");
  if (missing === 0) return `${count(now.sum(PATCHES))} patches`;
  return `${count(missing)} patches to build${now.sum("pavage_cap_paused") > 0 ? ": the disk is full" : ""}`;
}

const CARDS: Card[] = [
  { title: "Requests/s", value: (d) => count(d.rate(REQUESTS, TILES)), note: (_, now) => `${count(now.sum(REQUESTS, TILES))} in all` },
  { title: "p50", value: (d) => seconds(d.quantile(LATENCY, 0.5, TILES)), note: (d) => `p95 ${seconds(d.quantile(LATENCY, 0.95, TILES))}` },
  { title: "p99", value: (d) => seconds(d.quantile(LATENCY, 0.99, TILES)), note: (_, now) => `${count(now.sum("pavage_http_requests_in_flight"))} in flight` },
  { title: "Tiles rendered/s", value: (d) => count(d.rate("pavage_tiles_rendered_total")), note: (_, now) => `${count(now.sum("pavage_tiles_rendered_total"))} in all` },
  { title: "Tile cache hits", value: (d) => percent(d.hitRate("tiles")), note: (_, now) => bytes(now.sum("pavage_cache_bytes", { cache: "tiles" })) },
  { title: "Block cache hits", value: (d) => percent(d.hitRate("blocks")), note: (_, now) => bytes(now.sum("pavage_cache_bytes", { cache: "blocks" })) },
  { title: "Queue", value: (_, now) => count(now.sum("pavage_render_queue_depth")), note: (d) => `${count(d.rate("pavage_render_rejected_total"))} turned away/s` },
  { title: "Errors/s", value: (d) => count(d.rate(REQUESTS, { status: failed })), note: (d) => `${count(d.rate(REQUESTS, { status: (s) => s.startsWith("5") }))} of the server` },
  { title: "Memory", value: (_, now) => bytes(now.sum("process_resident_memory_bytes")), note: (d) => `${percent(d.rate("process_cpu_seconds_total"))} of a core` },
  {
    title: "Low zooms ready",
    value: (_, now) => percent(1 - now.sum("pavage_cap_patches_missing") / now.sum(PATCHES)),
    note: (_, now) => patches(now),
    isShown: (now) => now.sum(PATCHES) > 0,
  },
  {
    title: "Folders lost",
    value: (_, now) => count(now.sum("pavage_lost_folders")),
    note: () => "not mounted? Still served as they were",
    isShown: (now) => now.sum("pavage_lost_folders") > 0,
  },
];

const chartsHost = must("charts");
const charts = {
  rate: new Chart(chartsHost, { title: "Requests per second", series: PROTOCOLS, format: count }),
  latency: new Chart(chartsHost, { title: "Time to answer", series: ["p50", "p95", "p99"], format: seconds }),
  stages: new Chart(chartsHost, { title: "Time per stage of a tile, mean", series: STAGES, format: seconds }),
  caches: new Chart(chartsHost, { title: "Cache hits", series: ["tiles", "blocks"], format: percent }),
  queue: new Chart(chartsHost, { title: "Renders waiting, turned away per second", series: ["waiting", "turned away"], format: count }),
  errors: new Chart(chartsHost, { title: "Errors per second", series: ["4xx", "5xx"], format: count }),
};

const readings: Scrape[] = [];

function show(now: Scrape): void {
  const last = readings.at(-1);
  readings.push(now);
  if (readings.length > WINDOW + 1) readings.shift();
  const first = readings[0];
  if (!last || !first) return;
  const [step, window] = [new Delta(last, now), new Delta(first, now)];
  renderCards(window, now);
  renderLayers(window, now);
  const quantiles = [0.5, 0.95, 0.99].map((q) => step.quantile(LATENCY, q, TILES));
  const class_ = (first: string) => step.rate(REQUESTS, { status: (status) => status.startsWith(first) });
  charts.rate.push(now.time, PROTOCOLS.map((protocol) => step.rate(REQUESTS, { protocol })));
  charts.latency.push(now.time, quantiles);
  charts.stages.push(now.time, STAGES.map((stage) => step.mean("pavage_stage_seconds", { stage })));
  charts.caches.push(now.time, ["tiles", "blocks"].map((cache) => step.hitRate(cache)));
  charts.queue.push(now.time, [now.sum("pavage_render_queue_depth"), step.rate("pavage_render_rejected_total")]);
  charts.errors.push(now.time, [class_("4"), class_("5")]);
  const version = now.all("pavage_build_info")[0]?.labels["version"] ?? "";
  must("about").textContent = `${version} · ${count(now.sum("pavage_layers"))} layers · ${count(now.sum("pavage_connections"))} connections`;
}

function renderCards(delta: Delta, now: Scrape): void {
  must("cards").replaceChildren(
    ...CARDS.filter(({ isShown }) => isShown?.(now) ?? true).map(({ title, value, note }) =>
      h("article", { "data-card": title }, h("h2", {}, title), h("strong", {}, value(delta, now)), h("small", {}, note?.(delta, now) ?? "")),
    ),
  );
}

function renderLayers(delta: Delta, now: Scrape): void {
  const keys = new Set(now.all(REQUESTS).map(({ labels }) => `${labels["layer"] ?? ""}\n${labels["protocol"] ?? ""}`));
  const rows = [...keys]
    .map((key) => {
      const [layer = "", protocol = ""] = key.split("\n");
      return { layer, protocol, wanted: { layer, protocol }, rate: delta.rate(REQUESTS, { layer, protocol }) };
    })
    .filter(({ layer }) => layer !== "")
    .sort((a, b) => b.rate - a.rate || a.layer.localeCompare(b.layer))
    .slice(0, 200);
  must("rows").replaceChildren(
    ...rows.map(({ layer, protocol, wanted, rate }) => {
      const errors = delta.rate(REQUESTS, { ...wanted, status: failed });
      const cells = [protocol, count(rate), seconds(delta.quantile(LATENCY, 0.95, wanted)), count(errors),
        bytes(delta.rate("pavage_response_bytes_total", wanted)), count(now.sum(REQUESTS, wanted))];
      return h("tr", { class: errors > 0 ? "failing" : undefined }, h("th", { scope: "row" }, layer), ...cells.map((cell) => h("td", {}, cell)));
    }),
  );
}

async function read(): Promise<void> {
  if (document.hidden) return;
  try {
    const response = await fetch(serverUrl("metrics"), { cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    show(new Scrape(await response.text(), Date.now() / 1000));
    must("state").textContent = "";
  } catch {
    must("state").textContent = "The server does not answer.";
  }
}

installTheme(() => Object.values(charts).forEach((chart) => chart.draw()));
void read();
window.setInterval(() => void read(), PERIOD_MS);
