/** The map viewer: reads the capabilities, then keeps panel, map and address in step. */
import "ol/ol.css";
import "../common/base.css";
import "./viewer.css";
import { toLonLat } from "ol/proj";
import type { Coordinate } from "ol/coordinate";
import type OlMap from "ol/Map";
import type WMTSTileGrid from "ol/tilegrid/WMTS";
import { must, serverUrl } from "../common/dom";
import { installTheme } from "../common/theme";
import { defaultSet, readCapabilities, sourceOptions, type Capabilities, type LayerInfo } from "./capabilities";
import { formatLonLat, formatProjected } from "./coordinates";
import { finestPixel, readPixel } from "./feature_info";
import { LegendCard } from "./legend";
import { MapView } from "./map";
import { clearNotice, installFolding, renderChoice, renderLayers, renderNotice, type Choice, type PanelEvents } from "./panel";
import { formatPermalink, parsePermalink } from "./permalink";
import { Popup } from "./popup";
import { Progress } from "./progress";
import { registerProjections } from "./projections";
import { extensionOf, renderShare } from "./share";
import { styleOf } from "./styles";

declare global {
  interface Window {
    /** For tests and the curious: the OpenLayers map. */
    pavage?: { map: OlMap };
  }
}

/** Identifiers; what a layer does not have is replaced by its default. */
interface Wishes {
  style?: string | undefined;
  set?: string | undefined;
  format?: string | undefined;
}

registerProjections();
const view = new MapView(must("map"), must("scale"), new Progress(must("progress")));
const map = view.map;
let capabilities: Capabilities = { layers: [], document: {} };
let choice: Choice | undefined;
let asking = new AbortController();
const legend = new LegendCard(() => must("map").focus());
const popup = new Popup(map, () => asking.abort());
window.pavage = { map };

const events: PanelEvents = {
  layerChosen: (layer) => choose(layer, kept()),
  layerWanted: (layer) => {
    if (layer !== choice?.layer) choose(layer, kept());
    view.fit(layer, padding());
  },
  styleChosen: (style) => choice && choose(choice.layer, { ...kept(), style }),
  setChosen: (set) => choice && choose(choice.layer, { ...kept(), set }),
  formatChosen: (format) => choice && choose(choice.layer, { ...kept(), format }),
};

/** What the present choice wishes of the next one. */
function kept(): Wishes {
  return { style: choice?.style.id, set: choice?.set.id, format: choice?.format };
}

/** Shows a layer; style, set and format stay where it has them. */
function choose(layer: LayerInfo, wishes: Wishes): void {
  const style = styleOf(layer, wishes.style);
  const set = layer.sets.find((candidate) => candidate.id === wishes.set) ?? defaultSet(layer);
  const format = layer.formats.find((candidate) => candidate === wishes.format) ?? layer.formats[0] ?? "image/png";
  if (!style || !set) return;
  const options = sourceOptions(capabilities.document, { layer: layer.id, set: set.id, format, style: style.id }, serverUrl("wmts"));
  if (!options) return;
  popup.hide();
  if (layer === choice?.layer && set === choice.set) view.restyle(options);
  else view.show(options);
  choice = { layer, style, set, format };
  view.outline(capabilities.layers, layer);
  renderChoice(choice, events);
  void legend.show(layer.id, style);
  const isDefaultStyle = style === styleOf(layer, undefined);
  renderShare(must("share"), { layer: layer.id, style: style.id, isDefaultStyle, set: set.id, extension: extensionOf(format) });
  document.title = `${layer.title} · Pavage`;
  readout(undefined);
  remember();
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
  choose(layer, { style: link.style, set: link.set });
  if (link.place) view.moveTo(link.place);
  else view.fit(layer, padding(), 0);
}

/** Writes the address without filling the history. */
function remember(): void {
  if (!choice) return;
  const { layer, style, set } = choice;
  const named = style === styleOf(layer, undefined) ? {} : { style: style.id };
  history.replaceState(null, "", formatPermalink({ layer: layer.id, ...named, set: set.id, place: view.place() }));
}

function recall(): void {
  const link = parsePermalink(location.hash);
  const layer = capabilities.layers.find((candidate) => candidate.id === link.layer) ?? choice?.layer;
  if (!layer) return;
  const place = link.place;
  choose(layer, { style: link.style, set: link.set ?? choice?.set.id, format: choice?.format });
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
  const source = view.source();
  if (!choice || !source) return;
  asking.abort();
  asking = new AbortController();
  const { geographic, projected } = describe(at);
  const lines = [geographic, projected].filter(Boolean);
  popup.show(at, { lines });
  const pixel = finestPixel(source.getTileGrid() as WMTSTileGrid, at);
  const question = { layer: choice.layer.id, set: choice.set.id, style: choice.style.id, format: choice.format, pixel };
  const { signal } = asking;
  try {
    const readings = await readPixel(question, signal);
    if (!signal.aborted) popup.show(at, { lines, readings });
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
  if (event.key === "Enter" && centre) void ask(centre);
});
must("map").addEventListener("pointerleave", () => readout(undefined));
must<HTMLInputElement>("opacity").addEventListener("input", (event) => view.setOpacity(Number((event.target as HTMLInputElement).value) / 100));
must<HTMLInputElement>("borders").addEventListener("change", (event) => {
  if ((event.target as HTMLInputElement).checked) view.showBorders();
  else view.hideBorders();
});
must<HTMLInputElement>("snap").addEventListener("change", (event) => view.restOnLevels((event.target as HTMLInputElement).checked));
must("retry").addEventListener("click", () => void start());
window.addEventListener("hashchange", recall);
installFolding();
installTheme(() => view.outline(capabilities.layers, choice?.layer));
void start();
