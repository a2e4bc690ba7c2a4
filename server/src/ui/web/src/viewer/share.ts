/** The addresses under which other programs use a layer, and the buttons that copy them. */
import { copyText, h, serverUrl, toast } from "../common/dom";

export interface ShareTarget {
  layer: string;
  set: string;
  style: string;
  /** The default needs no name in an XYZ address. */
  isDefaultStyle: boolean;
  /** A year; the newest imagery needs none. */
  time?: number | undefined;
  /** File extension of the tiles. */
  extension: string;
}

export interface Address {
  name: string;
  use: string;
  url: string;
}

/** All addresses of a layer; `base` ends with a slash. Web Mercator needs no name in an XYZ address. */
export function addresses({ layer, set, style, isDefaultStyle, time, extension }: ShareTarget, base: string): Address[] {
  const name = encodeURIComponent(layer);
  const inSet = set === "WebMercatorQuad" ? "" : `/${encodeURIComponent(set)}`;
  const chosen = new URLSearchParams();
  if (!isDefaultStyle) chosen.set("style", style);
  if (time !== undefined) chosen.set("time", String(time));
  const query = chosen.size > 0 ? `?${chosen}` : "";
  const inTime = time === undefined ? "" : `/${time}`;
  const tile = `${encodeURIComponent(style)}${inTime}/${encodeURIComponent(set)}/{TileMatrix}/{TileRow}/{TileCol}.${extension}`;
  return [
    { name: "XYZ", use: "MapLibre, Leaflet, QGIS", url: `${base}xyz/${name}${inSet}/{z}/{x}/{y}.${extension}${query}` },
    { name: "TileJSON", use: "MapLibre", url: `${base}xyz/${name}${inSet}/tilejson.json${query}` },
    { name: "WMTS", use: "QGIS, ArcGIS", url: `${base}wmts/1.0.0/WMTSCapabilities.xml` },
    { name: "REST", use: "WMTS tiles: OpenLayers", url: `${base}wmts/1.0.0/${name}/${tile}` },
  ];
}

export function extensionOf(format: string): string {
  const subtype = format.replace(/^image\//, "").replace(/;.*$/, "");
  return subtype === "jpeg" ? "jpg" : subtype;
}

/** Fills the list of the panel. */
export function renderShare(list: HTMLElement, target: ShareTarget): void {
  const rows = addresses(target, serverUrl("./"));
  rows.push({ name: "Link", use: "this view", url: "" });
  list.replaceChildren(...rows.map(row));
}

function row({ name, use, url }: Address): HTMLElement {
  const copy = async () => {
    const copied = await copyText(url || location.href);
    toast(copied ? `${name} address copied` : "The browser refuses to copy");
  };
  const label = `Copy the ${name} address`;
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "copy", title: url || label, "aria-label": label, onclick: () => void copy() },
      h("b", {}, name),
      h("span", {}, use),
      h("i", { "aria-hidden": "true" }, "Copy"),
    ),
  );
}
