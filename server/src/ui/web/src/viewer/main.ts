/** The map viewer: reads the capabilities, then keeps panel, map and address in step. */
import "ol/ol.css";
import "../common/base.css";
import "./viewer.css";
import { toLonLat } from "ol/proj";
import type { Coordinate } from "ol/coordinate";
import type OlMap from "ol/Map";
import { must, serverUrl } from "../common/dom";
import { installTheme } from "../common/theme";
import { defaultSet, readCapabilities, sourceOptions, type Capabilities, type LayerInfo } from "./capabilities";
import { formatLonLat, formatProjected } from "./coordinates";
import { Dalles, listingUrl, MOST_DALLES } from "./dalles";
import { LegendCard } from "./legend";
import { MapView } from "./map";
import { clearNotice, installFolding, renderChoice, renderLayers, renderNotice, type Choice, type PanelEvents } from "./panel";
import { formatPermalink, parsePermalink } from "./permalink";
import { readPoint } from "./point";
import { Popup } from "./popup";
import { Progress } from "./progress";
import { registerProjections } from "./projections";
import { extensionOf, renderShare } from "./share";
import { styleOf } from "./styles";
import { Swipe } from "./swipe";
import { timeOf, yearsChosen, type YearChoice } from "./years";

declare global {
  interface Window {
    /** For tests and the curious: the OpenLayers map. */
    pavage?: { map: OlMap };
  }
}

/** Identifiers; what a layer does not have is replaced by its default. */
interface Wishes extends YearChoice {
  style?: string | undefined;
  set?: string | undefined;
  format?: string | undefined;
}

registerProjections();
const view = new MapView(must("map"), must("scale"), new Progress(must("progress")));
const map = view.map;
const swipe = new Swipe(map, must("swipe"), view);
const dalles = new Dalles(map);
let capabilities: Capabilities = { layers: [], document: {} };
let choice: Choice | undefined;
let asking = new AbortController();
const legend = new LegendCard(() => must("map").focus());
const popup = new Popup(map, () => {
  asking.abort();
  dalles.unmark();
});
window.pavage = { map };

const events: PanelEvents = {
  layerChosen: (layer) => choose(layer, kept()),
  layerWanted: (layer) => {
    if (layer !== choice?.layer) choose(layer, kept());
    view.fit(layer, padding());
  },
  styleChosen: (style) => choice && choose(choice.layer, { ...kept(), style }),
  yearsChosen: ({ year, compare }) => choice && choose(choice.layer, { ...kept(), year, compare }),
  setChosen: (set) => choice && choose(choice.layer, { ...kept(), set }),
  formatChosen: (format) => choice && choose(choice.layer, { ...kept(), format }),
};

/** What the present choice wishes of the next one. */
function kept(): Wishes {
  if (!choice) return {};
  const { layer, style, set, format, year, compare } = choice;
  return { style: style.id, set: set.id, format, year: timeOf(layer, year), compare };
}

/** Shows a layer; style, years, set and format stay where it has them. */
function choose(layer: LayerInfo, wishes: Wishes): void {
  const style = styleOf(layer, wishes.style);
  const set = layer.sets.find((candidate) => candidate.id === wishes.set) ?? defaultSet(layer);
  const format = layer.formats.find((candidate) => candidate === wishes.format) ?? layer.formats[0] ?? "image/png";
  if (!style || !set) return;
  const { year, compare } = yearsChosen(layer, wishes);
  const time = timeOf(layer, year);
  const picture = (of: number | undefined) => {
    const drawing = { layer: layer.id, set: set.id, format, style: style.id, time: timeOf(layer, of) };
    return sourceOptions(capabilities.document, drawing, serverUrl("wmts")) ?? undefined;
  };
  const [left, right] = [picture(year), compare === undefined ? undefined : picture(compare)];
  if (!left) return;
  popup.hide();
  if (layer === choice?.layer && set === choice.set) view.restyle(left, right);
  else view.show(left, right);
  if (right) swipe.show(String(year), String(compare));
  else swipe.hide();
  const isElsewhere = layer !== choice?.layer || set !== choice.set;
  choice = { layer, style, set, format, year, compare };
  view.outline(capabilities.layers, layer);
  dalles.showUntil(Math.max(year ?? Infinity, compare ?? 0));
  if (isElsewhere) dalles.clear();
  void offerFiles(layer);
  renderChoice(choice, events);
  void legend.show(layer.id, style);
  const isDefaultStyle = style === styleOf(layer, undefined);
  renderShare(must("share"), { layer: layer.id, style: style.id, isDefaultStyle, time, set: set.id, extension: extensionOf(format) });
  document.title = `${layer.title} · Pavage`;
  readout(undefined);
  remember();
}

/** The grid and the list of the layer's files, where they can be downloaded. */
async function offerFiles(layer: LayerInfo): Promise<void> {
  const files = await dalles.choose(layer.id);
  if (layer !== choice?.layer) return;
  const hasGrid = files.offered && files.count <= MOST_DALLES;
  must("files-field").hidden = !files.offered;
  must("grid-field").hidden = !hasGrid;
  must<HTMLAnchorElement>("files").href = listingUrl(layer.id);
  await showGrid();
}

/** A layer whose coverage is not there after all has no grid. */
async function showGrid(): Promise<void> {
  const toggle = must<HTMLInputElement>("grid");
  const layer = choice?.layer;
  const isShown = await dalles.show(toggle.checked && !must("grid-field").hidden);
  if (!isShown && layer === choice?.layer) must("grid-field").hidden = true;
}

/** Room for the panel, so that what is fitted is not under it. */
function padding(): number[] {
  return window.matchMedia("(max-width: 640px)").matches ? [32, 32, 96, 32] : [48, 56, 64, 360];
}

async function start(): Promise<void> {
  try {
    const response = await fetch(serverUrl("wmts/1.0.0/WMTSCapabilities.xml"));
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    capabilities = readCapabilities(await response.text());
  } catch (error) {
    renderNotice("The server does not answer", `Its list of layers cannot be read: ${error instanceof Error ? error.message : error}.`);
    return;
  }
  const first = capabilities.layers[0];
  if (!first) {
    renderNotice("No layer yet", "Publish imagery with: pavage serve /path/to/orthophotos, or try it with: pavage demo.");
    return;
  }
  clearNotice();
  renderLayers(capabilities.layers, events);
  const link = parsePermalink(location.hash);
  const layer = capabilities.layers.find((candidate) => candidate.id === link.layer) ?? first;
  choose(layer, { style: link.style, set: link.set, year: link.year, compare: link.compare });
  if (link.place) view.moveTo(link.place);
  else view.fit(layer, padding(), 0);
}

/** Writes the address without filling the history. */
function remember(): void {
  if (!choice) return;
  const { layer, style, set, compare } = choice;
  const year = timeOf(layer, choice.year);
  const named = {
    ...(style !== styleOf(layer, undefined) && { style: style.id }),
    ...(year !== undefined && { year }),
    ...(compare !== undefined && { compare }),
  };
  history.replaceState(null, "", formatPermalink({ layer: layer.id, ...named, set: set.id, place: view.place() }));
}

function recall(): void {
  const link = parsePermalink(location.hash);
  const layer = capabilities.layers.find((candidate) => candidate.id === link.layer) ?? choice?.layer;
  if (!layer) return;
  const place = link.place;
  const { style, year, compare } = link;
  choose(layer, { style, year, compare, set: link.set ?? choice?.set.id, format: choice?.format });
  if (place) view.moveTo(place);
}

/** Coordinates of the pointer, or of the middle where there is none. */
function readout(pointer: Coordinate | undefined): void {
  const { geographic, projected } = describe(pointer ?? map.getView().getCenter() ?? [0, 0]);
  must("position-geographic").textContent = geographic;
  must("position-projected").textContent = projected;
  must("position-projected").title = choice?.set.title ?? "";
  must("zoom").textContent = `z ${view.place().zoom.toFixed(1)}`;
}

function describe(at: Coordinate): { geographic: string; projected: string } {
  const projection = map.getView().getProjection();
  const [lon = 0, lat = 0] = toLonLat(at, projection);
  const isDegrees = projection.getUnits() === "degrees";
  const resolution = map.getView().getResolution() ?? 1;
  return {
    geographic: formatLonLat(lon, lat, view.groundResolution()),
    projected: isDegrees ? "" : formatProjected(at[0] ?? 0, at[1] ?? 0, resolution),
  };
}

async function ask(at: Coordinate): Promise<void> {
  if (!choice) return;
  asking.abort();
  asking = new AbortController();
  const { geographic, projected } = describe(at);
  const lines = [geographic, projected].filter(Boolean);
  popup.show(at, { lines });
  dalles.unmark();
  const { layer, year, compare } = choice;
  const [lon = 0, lat = 0] = toLonLat(at, map.getView().getProjection());
  const side = swipe.sideOf(map.getPixelFromCoordinate(at));
  const question = { layer: layer.id, lon, lat, time: timeOf(layer, side === "right" ? compare : year) };
  const { signal } = asking;
  try {
    const readings = await readPoint(question, signal);
    if (signal.aborted) return;
    popup.show(at, { lines, readings });
    const downloads = await dalles.find(readings, at);
    if (!signal.aborted && downloads.size > 0) popup.show(at, { lines, readings, downloads });
  } catch (error) {
    if (!signal.aborted) popup.show(at, { lines, problem: `Cannot be read: ${error instanceof Error ? error.message : error}.` });
  }
}

map.on("moveend", () => {
  remember();
  readout(undefined);
});
map.on("pointermove", (event) => {
  if (!event.dragging) readout(event.coordinate);
});
map.on("singleclick", (event) => void ask(event.coordinate));
must("map").addEventListener("keydown", (event) => {
  const centre = map.getView().getCenter();
  // Not from what lies on the map: the divider, the bubble and its links.
  if (event.key === "Enter" && centre && event.target === must("map")) void ask(centre);
});
must("map").addEventListener("pointerleave", () => readout(undefined));
must<HTMLInputElement>("opacity").addEventListener("input", (event) => view.setOpacity(Number((event.target as HTMLInputElement).value) / 100));
must<HTMLInputElement>("borders").addEventListener("change", (event) => {
  if ((event.target as HTMLInputElement).checked) view.showBorders();
  else view.hideBorders();
});
must("grid").addEventListener("change", () => void showGrid());
must<HTMLInputElement>("snap").addEventListener("change", (event) => view.restOnLevels((event.target as HTMLInputElement).checked));
must("retry").addEventListener("click", () => void start());
window.addEventListener("hashchange", recall);
installFolding();
installTheme(() => view.outline(capabilities.layers, choice?.layer));
void start();
