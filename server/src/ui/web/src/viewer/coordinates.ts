/** Coordinates and scales as text and numbers, with as many digits as a pixel deserves. Pure functions. */

/** Equator, one pixel of a 256 px tile at zoom 0, in metres. */
const EQUATOR_CELL_M = 156543.03392804097;
const NARROW_SPACE = "\u202f";

/** Decimals that tell neighbouring pixels apart: 0.05 units a pixel needs two, 10 none. */
export function decimalsFor(unitsPerPixel: number): number {
  if (!(unitsPerPixel > 0)) return 0;
  return Math.min(8, Math.max(0, Math.ceil(-Math.log10(unitsPerPixel) - 1e-9)));
}

/** `6279123.456` as `6 279 123.46`. */
export function grouped(value: number, decimals: number): string {
  const [whole = "", fraction] = Math.abs(value).toFixed(decimals).split(".");
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, NARROW_SPACE);
  return `${value < 0 ? "−" : ""}${spaced}${fraction ? `.${fraction}` : ""}`;
}

/** `43.61092° N, 3.87723° E` */
export function formatLonLat(lon: number, lat: number, metresPerPixel: number): string {
  const decimals = decimalsFor(metresPerPixel / 111319.49);
  const part = (value: number, positive: string, negative: string) =>
    `${Math.abs(value).toFixed(decimals)}° ${value < 0 ? negative : positive}`;
  return `${part(lat, "N", "S")}, ${part(lon, "E", "W")}`;
}

/** `E 770 123.45  N 6 279 123.46` */
export function formatProjected(x: number, y: number, unitsPerPixel: number): string {
  const decimals = decimalsFor(unitsPerPixel);
  return `E${NARROW_SPACE}${grouped(x, decimals)}  N${NARROW_SPACE}${grouped(y, decimals)}`;
}

/** `5 cm`, `1.2 m`, `3 km`: the size of a pixel on the ground. */
export function formatCell(metres: number): string {
  const short = (value: number) => String(Number(value.toPrecision(2)));
  if (metres < 1) return `${short(metres * 100)} cm`;
  return metres < 1000 ? `${short(metres)} m` : `${short(metres / 1000)} km`;
}

/** The Web Mercator zoom at which a pixel covers so many metres of ground at a latitude: a scale in any projection. */
export function zoomForGround(metresPerPixel: number, lat: number): number {
  return Math.log2((EQUATOR_CELL_M * Math.cos((lat * Math.PI) / 180)) / metresPerPixel);
}

/** The inverse of `zoomForGround`. */
export function groundForZoom(zoom: number, lat: number): number {
  return (EQUATOR_CELL_M * Math.cos((lat * Math.PI) / 180)) / 2 ** zoom;
}
