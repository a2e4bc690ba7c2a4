/**
 * The WMTS capabilities as the viewer needs them: layers, and for each the matrix sets that can be drawn.
 * Knows the document, not the map.
 */
import WMTSCapabilities from "ol/format/WMTSCapabilities";
import type { Projection } from "ol/proj";
import { optionsFromCapabilities, type Options } from "ol/source/WMTS";
import { crsTitle, knownProjection } from "./projections";
import { styleAbstracts, stylesOf, type RawStyle, type StyleInfo } from "./styles";
import { yearsOf, type RawDimension } from "./years";

export type Document = Record<string, unknown>;

export interface LayerInfo {
  id: string;
  title: string;
  abstract: string;
  /** west, south, east, north in degrees */
  bounds: [number, number, number, number] | null;
  /** Media types, the viewer's preference first. */
  formats: string[];
  sets: SetInfo[];
  styles: StyleInfo[];
  /** In ascending order; empty where there are not several. */
  years: number[];
}

export interface SetInfo {
  id: string;
  /** The name of its CRS for people. */
  title: string;
  projection: Projection;
  isWebMercator: boolean;
  /** The finest matrix of the layer in this set, metres per pixel in the projection. */
  finestCellM: number;
}

export interface Capabilities {
  layers: LayerInfo[];
  document: Document;
}

/** What a source draws, by identifiers. */
export interface Drawing {
  layer: string;
  set: string;
  format: string;
  style: string;
  /** A year; without it, the newest imagery. */
  time?: number | undefined;
}

interface RawSet {
  Identifier: string;
  SupportedCRS?: string;
  TileMatrix?: { Identifier: string; ScaleDenominator: number }[];
}

interface RawLink {
  TileMatrixSet: string;
  TileMatrixSetLimits?: { TileMatrix: string }[];
}

interface RawLayer {
  Identifier: string;
  Title?: string;
  Abstract?: string;
  WGS84BoundingBox?: number[];
  Format?: string[];
  Style?: RawStyle[];
  Dimension?: RawDimension[];
  TileMatrixSetLink?: RawLink[];
}

/** Formats with transparency first: mosaics have edges. */
const PREFERENCE = ["image/webp", "image/png", "image/jpeg"];
/** What a pixel measures in the definition of a scale denominator. */
const STANDARD_PIXEL_M = 0.00028;

/** Reads the XML. Layers and sets that cannot be drawn are left out. */
export function readCapabilities(xml: string): Capabilities {
  const tree = new DOMParser().parseFromString(xml, "application/xml");
  const document = new WMTSCapabilities().read(tree) as Document | null;
  const contents = (document?.["Contents"] ?? {}) as { Layer?: RawLayer[]; TileMatrixSet?: RawSet[] };
  const abstractOf = styleAbstracts(tree);
  const layers = (contents.Layer ?? []).map((layer) => ({
    ...layer,
    Style: (layer.Style ?? []).map((style) => ({ ...style, Abstract: abstractOf(layer.Identifier, style.Identifier) ?? "" })),
  }));
  return { layers: layersOf(layers, contents.TileMatrixSet ?? []), document: document ?? {} };
}

/** From parsed contents to the viewer's own words. */
export function layersOf(layers: RawLayer[], sets: RawSet[]): LayerInfo[] {
  const byId = new Map(sets.map((set) => [set.Identifier, set]));
  return layers
    .map((layer): LayerInfo => {
      const [west, south, east, north] = layer.WGS84BoundingBox ?? [];
      return {
        id: layer.Identifier,
        title: layer.Title || layer.Identifier,
        abstract: layer.Abstract ?? "",
        bounds: north === undefined ? null : [west ?? 0, south ?? 0, east ?? 0, north],
        formats: [...(layer.Format ?? ["image/png"])].sort((a, b) => rank(a) - rank(b)),
        sets: (layer.TileMatrixSetLink ?? []).flatMap((link) => setOf(link, byId.get(link.TileMatrixSet)) ?? []),
        styles: stylesOf(layer.Style),
        years: yearsOf(layer.Dimension),
      };
    })
    .filter((layer) => layer.sets.length > 0);
}

/** The options of an OpenLayers WMTS source; the address is always this server's own, behind whatever name it is seen. */
export function sourceOptions(document: Document, { layer, set, format, style, time }: Drawing, url: string): Options | null {
  const options = optionsFromCapabilities(document, { layer, matrixSet: set, format, requestEncoding: "KVP" });
  // Not the default that OpenLayers fills in: the newest year has no name, so that it stays the newest.
  const dimensions = time === undefined ? {} : { Time: String(time) };
  return options && { ...options, urls: [url], requestEncoding: "KVP", format, style, dimensions };
}

/** The set that a layer opens in: Web Mercator if there is, as all layers share it. */
export function defaultSet(layer: LayerInfo): SetInfo | undefined {
  return layer.sets.find((set) => set.id === "WebMercatorQuad") ?? layer.sets.find((set) => set.isWebMercator) ?? layer.sets[0];
}

/** A line under the title: the layer's own CRS and its finest pixel. */
export function nativeSet(layer: LayerInfo): SetInfo | undefined {
  return layer.sets.find((set) => !set.isWebMercator && set.projection.getUnits() === "m") ?? layer.sets[0];
}

function setOf(link: RawLink, set: RawSet | undefined): SetInfo | undefined {
  const projection = set?.SupportedCRS ? knownProjection(set.SupportedCRS) : null;
  if (!set || !projection) return undefined;
  const available = new Set(link.TileMatrixSetLimits?.map((limit) => limit.TileMatrix.replace(`${set.Identifier}:`, "")));
  const scales = (set.TileMatrix ?? [])
    .filter((matrix) => available.size === 0 || available.has(matrix.Identifier.replace(`${set.Identifier}:`, "")))
    .map((matrix) => matrix.ScaleDenominator);
  return {
    id: set.Identifier,
    title: crsTitle(set.SupportedCRS ?? ""),
    projection,
    isWebMercator: projection.getCode() === "EPSG:3857",
    finestCellM: Math.min(...scales) * STANDARD_PIXEL_M,
  };
}

function rank(format: string): number {
  const index = PREFERENCE.indexOf(format);
  return index < 0 ? PREFERENCE.length : index;
}
