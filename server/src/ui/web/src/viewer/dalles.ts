/**
 * The grid of a layer's dalles where they can be downloaded: asked for when it is first needed, drawn over the map, one of them
 * marked. Knows the coverage document and the map, not the panel.
 */
import type { Coordinate } from "ol/coordinate";
import Feature from "ol/Feature";
import Polygon from "ol/geom/Polygon";
import VectorLayer from "ol/layer/Vector";
import VectorImageLayer from "ol/layer/VectorImage";
import type OlMap from "ol/Map";
import type { Projection } from "ol/proj";
import VectorSource from "ol/source/Vector";
import { Fill, Stroke, Style } from "ol/style";
import { serverUrl } from "../common/dom";
import { cssColour } from "../common/theme";
import type { PixelReading } from "./point";

/** With more dalles than these, the grid is not asked for. */
export const MOST_DALLES = 20_000;

/** What the TileJSON of a layer tells of its files. */
export interface Files {
  /** Whether they can be downloaded. */
  offered: boolean;
  /** How many. */
  count: number;
}

export interface Download {
  href: string;
  bytes: number;
}

export function parseFiles(tilejson: unknown): Files {
  const facts = (typeof tilejson === "object" && tilejson !== null ? tilejson : {}) as Record<string, unknown>;
  return { offered: typeof facts["coverage"] === "string", count: typeof facts["dalles"] === "number" ? facts["dalles"] : 0 };
}

/** Where a layer's files are listed. */
export function listingUrl(layer: string): string {
  return serverUrl(`files/${encodeURIComponent(layer)}/`);
}

/** The download that a feature of the coverage offers. */
export function downloadOf(properties: Record<string, unknown>): Download | undefined {
  const href = String(properties["href"] ?? "");
  if (!/^https?:\/\//.test(href)) return undefined;
  return { href, bytes: typeof properties["bytes"] === "number" ? properties["bytes"] : 0 };
}

/** Whether a dalle of the coverage is the one that was read; only names that are twice need the year. */
export function isOf({ file, year }: PixelReading, properties: Record<string, unknown>): boolean {
  return properties["name"] === file && (properties["year"] ?? null) === year;
}

/** `12.3 MB` */
export function formatBytes(bytes: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

export class Dalles {
  /** As an image, which moves with the map: thousands of outlines are too many to be drawn in each frame. */
  private readonly grid = new VectorImageLayer({ source: new VectorSource(), visible: false, imageRatio: 1.5 });
  private readonly mark = new VectorLayer({ source: new VectorSource() });
  private layer = "";
  private files: Files = { offered: false, count: 0 };
  private document: Promise<object | undefined> | undefined;
  private until = Infinity;

  constructor(private readonly map: OlMap) {
    this.grid.setStyle((feature) => (Number(feature.get("year") ?? 0) > this.until ? [] : gridStyle()));
    map.addLayer(this.grid);
    map.addLayer(this.mark);
  }

  /** Another layer: what it offers is asked for, its grid is not yet. */
  async choose(layer: string): Promise<Files> {
    if (layer !== this.layer) {
      this.layer = layer;
      this.document = undefined;
      this.files = { offered: false, count: 0 };
      this.clear();
      const files = parseFiles(await readJson(`xyz/${encodeURIComponent(layer)}/tilejson.json`));
      if (layer === this.layer) this.files = files;
    }
    return this.files;
  }

  /** Only dalles of a year and before are drawn. */
  showUntil(year: number | undefined): void {
    this.until = year ?? Infinity;
    this.grid.changed();
  }

  /** Draws the grid, or no longer. False where there is none. */
  async show(visible: boolean): Promise<boolean> {
    this.grid.setVisible(visible);
    return !visible || (await this.project());
  }

  /** Marks the dalle that shows at a place, and tells where to get those that were read there. */
  async find(readings: PixelReading[], at: Coordinate): Promise<Map<PixelReading, Download>> {
    const found = new Map<PixelReading, Download>();
    if (readings.length === 0 || !(await this.project())) return found;
    const here = this.grid.getSource()?.getFeaturesAtCoordinate(at) ?? [];
    for (const reading of readings) {
      const feature = here.find((candidate) => isOf(reading, candidate.getProperties()));
      const download = feature && downloadOf(feature.getProperties());
      if (download) found.set(reading, download);
      if (feature && reading === readings[0]) this.markOnly(feature);
    }
    return found;
  }

  unmark(): void {
    this.mark.getSource()?.clear();
  }

  private markOnly(feature: Feature): void {
    this.unmark();
    this.mark.setStyle(markStyle());
    this.mark.getSource()?.addFeature(feature.clone());
  }

  /** After a change of the projection or of the layer. */
  clear(): void {
    this.grid.getSource()?.clear();
    this.unmark();
    if (this.grid.getVisible()) void this.project();
  }

  /** Reads the outlines in the projection of the map, once. */
  private async project(): Promise<boolean> {
    if (!this.files.offered || this.files.count > MOST_DALLES) return false;
    const layer = this.layer;
    this.document ??= readJson(`files/${encodeURIComponent(layer)}/index.geojson`);
    const document = await this.document;
    const source = this.grid.getSource();
    if (!document || layer !== this.layer || !source) return false;
    if (source.isEmpty()) {
      source.addFeatures(outlines(document, this.map.getView().getProjection()));
    }
    return true;
  }
}

/** The polygons of a coverage, with their properties. */
function outlines(document: object, projection: Projection): Feature[] {
  const features = (document as { features?: { geometry: { coordinates: number[][][] }; properties: object }[] }).features ?? [];
  return features.map(({ geometry, properties }) => {
    const outline = new Polygon(geometry.coordinates).transform("EPSG:4326", projection);
    return new Feature({ ...properties, geometry: outline });
  });
}

/** Nothing where the server has no such document. */
async function readJson(path: string): Promise<object | undefined> {
  try {
    const response = await fetch(serverUrl(path));
    return response.ok ? ((await response.json()) as object) : undefined;
  } catch {
    return undefined;
  }
}

/** A light line with a dark edge shows on every picture. */
function gridStyle(): Style[] {
  return [
    new Style({ stroke: new Stroke({ color: "rgb(0 0 0 / 35%)", width: 3 }), zIndex: 0 }),
    new Style({ stroke: new Stroke({ color: "rgb(255 255 255)", width: 1.2 }), zIndex: 1 }),
  ];
}

function markStyle(): Style[] {
  const accent = cssColour("--mark");
  return [
    new Style({ stroke: new Stroke({ color: "rgb(0 0 0 / 45%)", width: 5 }) }),
    new Style({ stroke: new Stroke({ color: accent, width: 2.5 }), fill: new Fill({ color: `${accent}2e` }) }),
  ];
}
