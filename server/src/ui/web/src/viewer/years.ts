/** The years of a layer: which there are, which are looked at, and the rows of chips to choose them. Knows no map. */
import { h, must } from "../common/dom";
import type { LayerInfo } from "./capabilities";

export interface RawDimension {
  Identifier: string;
  Value?: string[];
}

/** One year, or two beside each other. */
export interface YearChoice {
  /** The one on the left where there are two; none where the layer has no years. */
  year?: number | undefined;
  /** The one on the right. */
  compare?: number | undefined;
}

/** In ascending order; none where there are not several. */
export function yearsOf(dimensions: RawDimension[] = []): number[] {
  const time = dimensions.find((dimension) => dimension.Identifier.toLowerCase() === "time");
  const years = (time?.Value ?? []).filter((value) => /^\d{4}$/.test(value)).map(Number);
  return years.length > 1 ? years.sort((a, b) => a - b) : [];
}

/** What a layer has of what is wished: the year itself, else the last one before, else the newest. */
export function yearsChosen({ years }: Pick<LayerInfo, "years">, wishes: YearChoice): YearChoice {
  const before = (wished: number | undefined) => (wished === undefined ? undefined : years.filter((year) => year <= wished).at(-1));
  return { year: before(wishes.year) ?? years.at(-1), compare: before(wishes.compare) };
}

/** Two years where there was one, the older on the left; or the right one alone. */
export function withComparison({ years }: Pick<LayerInfo, "years">, { year, compare }: YearChoice, on: boolean): YearChoice {
  if (!on) return { year: compare ?? year };
  const index = years.findIndex((candidate) => candidate === year);
  return index > 0 ? { year: years[index - 1], compare: year } : { year, compare: years.at(-1) };
}

/** How a request names a year: the newest has no name, so that it stays the newest. */
export function timeOf({ years }: Pick<LayerInfo, "years">, year: number | undefined): number | undefined {
  return year === years.at(-1) ? undefined : year;
}

export interface YearEvents {
  yearsChosen(years: YearChoice): void;
}

/** Offers the years of a layer, if there are several. */
export function renderYears(layer: LayerInfo, chosen: YearChoice, events: YearEvents): void {
  const { year, compare } = chosen;
  const isComparing = compare !== undefined;
  must("years-field").hidden = layer.years.length === 0;
  must("years-label").textContent = isComparing ? "Left" : "Year";
  must("compare-field").hidden = !isComparing;
  chips(must("years"), layer.years, year, (picked) => events.yearsChosen({ year: picked, compare }));
  chips(must("compare-years"), layer.years, compare, (picked) => events.yearsChosen({ year, compare: picked }));
  const toggle = must<HTMLInputElement>("compare");
  toggle.checked = isComparing;
  toggle.onchange = () => events.yearsChosen(withComparison(layer, chosen, toggle.checked));
}

/** A radio group in one row; it is made anew only for other years, so that the keyboard keeps its place. */
function chips(group: HTMLElement, years: number[], chosen: number | undefined, picked: (year: number) => void): void {
  const key = years.join(" ");
  if (group.dataset["years"] !== key) {
    group.dataset["years"] = key;
    const chip = (year: number) => h("label", {}, h("input", { type: "radio", name: group.id, value: year }), h("span", {}, String(year)));
    group.replaceChildren(...years.map(chip));
  }
  for (const input of group.querySelectorAll("input")) {
    input.checked = input.value === String(chosen);
    input.onchange = () => picked(Number(input.value));
    if (input.checked) input.parentElement?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}
