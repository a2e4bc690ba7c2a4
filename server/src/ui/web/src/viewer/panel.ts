/** The panel at the side: the list of layers and the settings. It reports choices and knows nothing of the map. */
import { h, must } from "../common/dom";
import { nativeSet, type LayerInfo, type SetInfo } from "./capabilities";
import { formatCell } from "./coordinates";
import { extensionOf } from "./share";
import type { StyleInfo } from "./styles";
import { renderYears, type YearChoice, type YearEvents } from "./years";

/** From this many layers on, the list gets a filter. */
const FILTER_FROM = 9;

export interface PanelEvents extends YearEvents {
  layerChosen(layer: LayerInfo): void;
  layerWanted(layer: LayerInfo): void;
  styleChosen(id: string): void;
  setChosen(id: string): void;
  formatChosen(format: string): void;
}

/** Lists the layers as a radio group, each with a button that shows all of it. */
export function renderLayers(layers: LayerInfo[], events: PanelEvents): void {
  must("layer-count").textContent = String(layers.length);
  const items = layers.map((layer) => ({ layer, item: layerItem(layer, events) }));
  must("layers").replaceChildren(...items.map(({ item }) => item));
  const filter = must<HTMLInputElement>("filter");
  filter.hidden = layers.length < FILTER_FROM;
  filter.oninput = () => {
    for (const { layer, item } of items) item.hidden = !matches(layer, filter.value);
  };
}

/** Every word must be in the title or the identifier. */
export function matches(layer: Pick<LayerInfo, "id" | "title">, query: string): boolean {
  const fold = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const text = fold(`${layer.title} ${layer.id}`);
  return fold(query).split(/\s+/).every((word) => text.includes(word));
}

function layerItem(layer: LayerInfo, events: PanelEvents): HTMLElement {
  const native = nativeSet(layer);
  const details = [layer.title === layer.id ? "" : layer.id, native ? native.title : "", native ? formatCell(native.finestCellM) : ""];
  const input = h("input", { type: "radio", name: "layer", value: layer.id, onchange: () => events.layerChosen(layer) });
  const text = h("span", {}, h("b", {}, layer.title), h("small", {}, details.filter(Boolean).join(" · ")));
  const zoom = h(
    "button",
    { type: "button", class: "icon-button zoom-to", title: "Show all of it", "aria-label": `Show all of ${layer.title}`, onclick: () => events.layerWanted(layer) },
  );
  zoom.innerHTML = '<svg viewBox="0 0 24 24"><path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/><circle cx="12" cy="12" r="2.5"/></svg>';
  return h("li", {}, h("label", { title: layer.abstract || layer.title }, input, text), zoom);
}

export interface Choice extends YearChoice {
  layer: LayerInfo;
  style: StyleInfo;
  set: SetInfo;
  format: string;
}

/** Marks the chosen layer and offers its styles and years, if there are several, its projections and formats. */
export function renderChoice({ layer, style, set, format, ...years }: Choice, events: PanelEvents): void {
  for (const input of must("layers").querySelectorAll<HTMLInputElement>("input")) input.checked = input.value === layer.id;
  const styles = must<HTMLSelectElement>("style");
  must("style-field").hidden = layer.styles.length < 2;
  styles.replaceChildren(...layer.styles.map((entry) => h("option", { value: entry.id, title: entry.id }, entry.title)));
  styles.value = style.id;
  styles.title = style.title;
  styles.onchange = () => events.styleChosen(styles.value);
  renderYears(layer, years, events);
  const select = must<HTMLSelectElement>("set");
  const option = (entry: SetInfo) => h("option", { value: entry.id }, entry.isWebMercator && entry.id === "WebMercatorQuad" ? entry.title : `${entry.title} · ${entry.id}`);
  select.replaceChildren(...layer.sets.map(option));
  select.value = set.id;
  select.onchange = () => events.setChosen(select.value);
  const formats = must<HTMLSelectElement>("format");
  formats.replaceChildren(...layer.formats.map((type) => h("option", { value: type }, extensionOf(type).toUpperCase())));
  formats.value = format;
  formats.onchange = () => events.formatChosen(formats.value);
}

/** Says why there is nothing to see. */
export function renderNotice(title: string, text: string): void {
  must("empty").hidden = false;
  must("empty-title").textContent = title;
  must("empty-text").textContent = text;
  for (const id of ["layers-section", "view-section", "share-section", "readout"]) must(id).hidden = true;
}

export function clearNotice(): void {
  must("empty").hidden = true;
  for (const id of ["layers-section", "view-section", "share-section", "readout"]) must(id).hidden = false;
}

/** Folds the panel to its header; on a small screen it starts so. */
export function installFolding(): void {
  const button = must("collapse");
  const panel = must("panel");
  const apply = (folded: boolean) => {
    panel.classList.toggle("folded", folded);
    button.setAttribute("aria-expanded", String(!folded));
    button.title = folded ? "Unfold the panel" : "Fold the panel";
    button.setAttribute("aria-label", button.title);
  };
  button.addEventListener("click", () => apply(!panel.classList.contains("folded")));
  apply(window.matchMedia("(max-width: 640px)").matches);
}
