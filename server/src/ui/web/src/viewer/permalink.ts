/** The state of the viewer in the address: `#layer=ortho&style=ndvi&year=2018&compare=2024&set=LAMB93_5cm&map=17.3/3.87723/43.61092`. */

export interface Place {
  /** Web Mercator zoom of the same scale, whatever the projection. */
  zoom: number;
  lon: number;
  lat: number;
}

export interface Permalink {
  layer?: string;
  /** Only where it is not the default. */
  style?: string;
  set?: string;
  /** Only where it is not the newest. */
  year?: number;
  /** The year on the right, where two are compared. */
  compare?: number;
  place?: Place;
}

/** Reads a hash; parts that make no sense are left out. */
export function parsePermalink(hash: string): Permalink {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const link: Permalink = {};
  const layer = values.get("layer");
  const style = values.get("style");
  const set = values.get("set");
  if (layer) link.layer = layer;
  if (style) link.style = style;
  if (set) link.set = set;
  for (const name of ["year", "compare"] as const) {
    const year = values.get(name) ?? "";
    if (/^\d{4}$/.test(year)) link[name] = Number(year);
  }
  const numbers = (values.get("map") ?? "").split("/").map((part) => (part.trim() === "" ? NaN : Number(part)));
  const [zoom, lon, lat] = numbers;
  if (numbers.length === 3 && isWithin(zoom, -5, 40) && isWithin(lon, -180, 180) && isWithin(lat, -90, 90)) {
    link.place = { zoom, lon, lat };
  }
  return link;
}

/** Writes a hash; six decimals of a degree are 11 cm, seven a centimetre. */
export function formatPermalink(link: Permalink): string {
  const parts: string[] = [];
  if (link.layer) parts.push(`layer=${encodeURIComponent(link.layer)}`);
  if (link.style) parts.push(`style=${encodeURIComponent(link.style)}`);
  if (link.year !== undefined) parts.push(`year=${link.year}`);
  if (link.compare !== undefined) parts.push(`compare=${link.compare}`);
  if (link.set) parts.push(`set=${encodeURIComponent(link.set)}`);
  if (link.place) {
    const { zoom, lon, lat } = link.place;
    const decimals = zoom > 17 ? 7 : 5;
    parts.push(`map=${zoom.toFixed(2)}/${lon.toFixed(decimals)}/${lat.toFixed(decimals)}`);
  }
  return `#${parts.join("&")}`;
}

function isWithin(value: number | undefined, least: number, most: number): value is number {
  return value !== undefined && Number.isFinite(value) && value >= least && value <= most;
}
