/** What the colours of a style mean: a picture over the map where there is a scale or a list, a line of text for channels. */
import { must, serverUrl } from "../common/dom";
import type { StyleInfo } from "./styles";

export interface Legend {
  title: string;
  /** `ramp`, `classes`, `rgb` or `none`. */
  kind: string;
  unit: string;
  /** In ascending order of their values. */
  labels: string[];
}

const CHANNELS = ["Red", "green", "blue"];
/** How many classes are read out; the picture has them all. */
const CLASSES_IN_WORDS = 12;

export function parseLegend(answer: unknown): Legend {
  const legend = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const entries = Array.isArray(legend["entries"]) ? (legend["entries"] as unknown[]) : [];
  const labels = entries.map((entry) => String((entry as { label?: unknown } | null)?.label ?? ""));
  return { title: text(legend["title"]) || text(legend["name"]), kind: text(legend["type"]), unit: text(legend["unit"]), labels };
}

/** Whether the picture says more than the name: three channels are a line of text, and relief explains itself. */
export function hasPicture({ kind, labels }: Legend): boolean {
  return kind !== "rgb" && kind !== "none" && labels.length > 0;
}

/** `Red b4, green b3, blue b2`; nothing for other kinds. */
export function channelsOf({ kind, labels }: Legend): string {
  return kind === "rgb" ? labels.map((label, index) => `${CHANNELS[index] ?? ""} ${label}`.trim()).join(", ") : "";
}

/** The picture in words, for those who do not see it. */
export function describeLegend({ title, kind, unit, labels }: Legend): string {
  const inUnit = unit && ` ${unit}`;
  if (kind === "ramp") return `Legend of ${title}: a scale of colours from ${labels[0]} to ${labels.at(-1)}${inUnit}`;
  const more = labels.length - CLASSES_IN_WORDS;
  const list = labels.slice(0, CLASSES_IN_WORDS).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return `Legend of ${title}${unit && `, in ${unit}`}: ${list}`;
}

/** The addresses of the picture, for common screens and for fine ones. */
export function pictures(layer: string, style: string): { src: string; srcset: string } {
  const path = serverUrl(`legend/${encodeURIComponent(layer)}/${encodeURIComponent(style)}`);
  return { src: `${path}.png`, srcset: `${path}.png 1x, ${path}@2x.png 2x` };
}

/** The card over the map, its switch in the panel, and the line below the choice of style. */
export class LegendCard {
  private readonly card = must("legend");
  private readonly picture = must<HTMLImageElement>("legend-picture");
  private readonly toggle = must<HTMLInputElement>("legend-shown");
  private asking = new AbortController();
  private shownFor = "";

  constructor(private readonly returnFocus: () => void) {
    this.toggle.addEventListener("change", () => this.apply());
    must("legend-hide").addEventListener("click", () => {
      this.toggle.checked = false;
      this.apply();
      this.returnFocus();
    });
  }

  /** Asks what there is to tell about a style; without an answer there is no legend, and that is all. */
  async show(layer: string, style: StyleInfo): Promise<void> {
    const key = JSON.stringify([layer, style.id]);
    if (key === this.shownFor) return;
    this.shownFor = key;
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const legend = style.hasLegend ? await readLegend(layer, style.id, signal) : undefined;
    if (signal.aborted) return;
    if (style.hasLegend && !legend) this.shownFor = "";
    this.fill(layer, style.id, legend);
  }

  private fill(layer: string, style: string, legend: Legend | undefined): void {
    const note = legend ? channelsOf(legend) : "";
    must("style-note").textContent = note;
    must("style-note").hidden = !note;
    must("legend-field").hidden = !legend || !hasPicture(legend);
    if (legend && hasPicture(legend)) Object.assign(this.picture, { alt: describeLegend(legend), ...pictures(layer, style) });
    this.apply();
  }

  private apply(): void {
    this.card.hidden = must("legend-field").hidden || !this.toggle.checked;
  }
}

async function readLegend(layer: string, style: string, signal: AbortSignal): Promise<Legend | undefined> {
  try {
    const response = await fetch(pictures(layer, style).src.replace(/png$/, "json"), { signal });
    return response.ok ? parseLegend(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
