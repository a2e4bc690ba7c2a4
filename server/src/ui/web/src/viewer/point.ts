/** What made the picture at a place: the question to the server, and what its answer says. Pure but for the one request. */
import { serverUrl } from "../common/dom";

export interface PixelReading {
  /** Name of the dalle's file. */
  file: string;
  year: number | null;
  /** Metres of a pixel. */
  resolutionM: number | null;
  crs: string;
  /** Column and row in the file, counted from its upper left pixel. */
  pixel: [number, number] | null;
  values: number[];
  valid: boolean;
  /** Whether it is this dalle that shows. */
  shown: boolean;
}

export interface PointQuestion {
  layer: string;
  lon: number;
  lat: number;
  /** The newest imagery where there is none. */
  time?: number | undefined;
}

export function pointUrl({ layer, lon, lat, time }: PointQuestion): string {
  const query = new URLSearchParams({ lon: lon.toFixed(9), lat: lat.toFixed(9) });
  if (time !== undefined) query.set("time", String(time));
  return serverUrl(`xyz/${encodeURIComponent(layer)}/point?${query}`);
}

/** Asks the server. A place without imagery is no error: the list is then empty. */
export async function readPoint(question: PointQuestion, signal: AbortSignal): Promise<PixelReading[]> {
  const response = await fetch(pointUrl(question), { signal });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return parseReadings(await response.json());
}

/** One reading per feature, the one that shows first: `file`, `year`, `column`, `row`, `band_1` … are its properties. */
export function parseReadings(answer: unknown): PixelReading[] {
  const features = isRecord(answer) && Array.isArray(answer["features"]) ? answer["features"] : [];
  const readings = features.filter(isRecord).map((feature) => {
    const properties = isRecord(feature["properties"]) ? feature["properties"] : {};
    const [column, row] = [number(properties["column"]), number(properties["row"])];
    return {
      file: String(properties["file"] ?? properties["source"] ?? feature["id"] ?? ""),
      year: number(properties["year"]),
      resolutionM: number(properties["resolution_m"]),
      crs: typeof properties["crs"] === "string" ? properties["crs"] : "",
      pixel: column !== null && row !== null ? ([column, row] as [number, number]) : null,
      values: bandsOf(properties),
      valid: properties["valid"] !== false,
      shown: properties["shown"] === true,
    };
  });
  return [...readings.filter((reading) => reading.shown), ...readings.filter((reading) => !reading.shown)];
}

function bandsOf(properties: Record<string, unknown>): number[] {
  return Object.entries(properties)
    .map(([name, value]) => ({ band: Number(/^band_(\d+)$/.exec(name)?.[1]), value }))
    .filter((entry): entry is { band: number; value: number } => entry.band > 0 && typeof entry.value === "number")
    .sort((a, b) => a.band - b.band)
    .map((entry) => entry.value);
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
