/** WMTS GetFeatureInfo: which pixel of which tile a place is, and what the answer says. Pure but for the one request. */
import type { Coordinate } from "ol/coordinate";
import type WMTSTileGrid from "ol/tilegrid/WMTS";
import { serverUrl } from "../common/dom";

export interface PixelReading {
  file: string;
  /** Column and row in the file, counted from its upper left pixel. */
  pixel: [number, number] | null;
  values: number[];
  valid: boolean;
}

export interface TilePixel {
  matrix: string;
  col: number;
  row: number;
  i: number;
  j: number;
}

/** The pixel of the finest matrix that holds a coordinate of the set's projection. */
export function finestPixel(grid: WMTSTileGrid, [x = 0, y = 0]: Coordinate): TilePixel {
  const z = grid.getMaxZoom();
  const [width = 256, height = width] = [grid.getTileSize(z)].flat();
  const [left = 0, top = 0] = grid.getOrigin(z);
  const pixelX = Math.floor((x - left) / grid.getResolution(z));
  const pixelY = Math.floor((top - y) / grid.getResolution(z));
  const col = Math.floor(pixelX / width);
  const row = Math.floor(pixelY / height);
  return { matrix: grid.getMatrixId(z), col, row, i: pixelX - col * width, j: pixelY - row * height };
}

export interface InfoQuestion {
  layer: string;
  set: string;
  style: string;
  format: string;
  pixel: TilePixel;
}

export function infoUrl({ layer, set, style, format, pixel }: InfoQuestion): string {
  const query = new URLSearchParams({
    SERVICE: "WMTS",
    REQUEST: "GetFeatureInfo",
    VERSION: "1.0.0",
    LAYER: layer,
    STYLE: style,
    FORMAT: format,
    TILEMATRIXSET: set,
    TILEMATRIX: pixel.matrix,
    TILEROW: String(pixel.row),
    TILECOL: String(pixel.col),
    J: String(pixel.j),
    I: String(pixel.i),
    INFOFORMAT: "application/json",
  });
  return `${serverUrl("wmts")}?${query}`;
}

/** Asks the server. A place without imagery is no error: the list is then empty. */
export async function readPixel(question: InfoQuestion, signal: AbortSignal): Promise<PixelReading[]> {
  const response = await fetch(infoUrl(question), { signal });
  if (response.status === 404) return [];
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return parseReadings(await response.json());
}

/** One reading per feature: `source`, `column`, `row`, `valid` and `band_1` … are its properties. */
export function parseReadings(answer: unknown): PixelReading[] {
  const features = isRecord(answer) && Array.isArray(answer["features"]) ? answer["features"] : [];
  return features.filter(isRecord).map((feature) => {
    const properties = isRecord(feature["properties"]) ? feature["properties"] : {};
    const column = properties["column"];
    const row = properties["row"];
    return {
      file: String(properties["source"] ?? feature["id"] ?? ""),
      pixel: typeof column === "number" && typeof row === "number" ? [column, row] : null,
      values: bandsOf(properties),
      valid: properties["valid"] !== false,
    };
  });
}

function bandsOf(properties: Record<string, unknown>): number[] {
  return Object.entries(properties)
    .map(([name, value]) => ({ band: Number(/^band_(\d+)$/.exec(name)?.[1]), value }))
    .filter((entry): entry is { band: number; value: number } => entry.band > 0 && typeof entry.value === "number")
    .sort((a, b) => a.band - b.band)
    .map((entry) => entry.value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
