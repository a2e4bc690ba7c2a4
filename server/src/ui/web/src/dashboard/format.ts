/** Numbers for people: three digits and a unit. */

const NONE = "–";

function three(value: number): string {
  if (value === 0) return "0";
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let i = 0;
  while (value >= step && i < units.length - 1) {
    value /= step;
    i += 1;
  }
  return `${three(value)}${units[i] ?? ""}`;
}

export const count = (value: number | undefined): string =>
  value === undefined ? NONE : scaled(value, 1000, ["", " k", " M", " G"]);

export const bytes = (value: number | undefined): string =>
  value === undefined ? NONE : scaled(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]);

export const seconds = (value: number | undefined): string =>
  value === undefined ? NONE : scaled(value * 1e6, 1000, [" µs", " ms", " s"]);

export const percent = (value: number | undefined): string =>
  value === undefined ? NONE : `${three(value * 100)} %`;
