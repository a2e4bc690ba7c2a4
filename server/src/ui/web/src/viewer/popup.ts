/** The bubble with what made the picture at a place: dalle, year, pixel size, values. It is told what to show and knows nothing of tiles or servers. */
import type { Coordinate } from "ol/coordinate";
import type OlMap from "ol/Map";
import Overlay from "ol/Overlay";
import { copyText, h, toast } from "../common/dom";
import { formatCell } from "./coordinates";
import { formatBytes, type Download } from "./dalles";
import type { PixelReading } from "./point";

const RGB = ["R", "G", "B"];

export interface PopupContent {
  /** The place, in one or two lines. */
  lines: string[];
  /** `undefined` while the server is asked. */
  readings?: PixelReading[];
  /** Where the files can be had. */
  downloads?: Map<PixelReading, Download>;
  problem?: string;
}

export class Popup {
  private readonly body = h("div", { class: "popup-body", "aria-live": "polite" });
  private readonly overlay: Overlay;

  constructor(map: OlMap, closed: () => void) {
    const close = () => {
      this.hide();
      closed();
    };
    const button = h("button", { class: "popup-close", type: "button", "aria-label": "Close", onclick: close }, "×");
    const element = h("div", { class: "popup", role: "dialog", "aria-label": "What is here" }, button, this.body);
    // The last one lies over all others.
    this.overlay = new Overlay({ element, positioning: "bottom-center", offset: [0, -10], insertFirst: false });
    map.addOverlay(this.overlay);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.overlay.getPosition()) close();
    });
  }

  show(at: Coordinate, content: PopupContent): void {
    const place = content.lines.join("\n");
    const copy = async () => toast((await copyText(place)) ? "Coordinates copied" : "The browser refuses to copy");
    this.body.replaceChildren(
      h("button", { class: "popup-place", type: "button", title: "Copy the coordinates", onclick: () => void copy() }, place),
      ...readingsOf(content),
    );
    this.overlay.setPosition(at);
    // Also when it has grown at the same place.
    this.overlay.panIntoView({ animation: { duration: 180 }, margin: 24 });
  }

  hide(): void {
    this.overlay.setPosition(undefined);
  }
}

function readingsOf({ readings, downloads, problem }: PopupContent): HTMLElement[] {
  if (problem) return [h("p", { class: "popup-note" }, problem)];
  if (!readings) return [h("p", { class: "popup-note" }, "Reading…")];
  if (readings.length === 0) return [h("p", { class: "popup-note" }, "No imagery here")];
  return readings.map((reading) => (reading.shown || readings.length === 1 ? whole : brief)(reading, downloads?.get(reading)));
}

/** The dalle that shows. */
function whole(reading: PixelReading, download: Download | undefined): HTMLElement {
  const swatch = h("i", { class: "swatch", "aria-hidden": "true" });
  if (reading.valid) swatch.style.backgroundColor = colourOf(reading.values);
  const names = reading.values.length >= 3 ? RGB : [];
  const values = reading.values.map((value, band) => h("span", {}, h("em", {}, names[band] ?? String(band + 1)), String(value)));
  return h(
    "div",
    { class: "reading" },
    h("b", { title: reading.file }, reading.file),
    h("small", {}, factsOf(reading)),
    reading.pixel && h("small", {}, `column ${reading.pixel[0]}, row ${reading.pixel[1]}`),
    reading.valid ? h("div", { class: "values" }, swatch, ...values) : h("small", {}, "no data at this pixel"),
    download && linkTo(download, reading),
  );
}

/** One that another dalle lies over, or that has no data here. */
function brief(reading: PixelReading, download: Download | undefined): HTMLElement {
  const why = reading.valid ? "beneath" : "no data here";
  return h(
    "div",
    { class: "reading brief" },
    h("span", { title: reading.file }, reading.file),
    h("small", {}, [factsOf(reading), why].filter(Boolean).join(" · ")),
    download && linkTo(download, reading),
  );
}

function factsOf({ year, resolutionM, crs }: PixelReading): string {
  return [year === null ? "" : String(year), resolutionM === null ? "" : formatCell(resolutionM), crs].filter(Boolean).join(" · ");
}

function linkTo({ href, bytes }: Download, { file }: PixelReading): HTMLElement {
  return h("a", { class: "download", href, download: file, "aria-label": `Download ${file}` }, "Download", h("small", {}, formatBytes(bytes)));
}

function colourOf(values: number[]): string {
  const [red = 0, green = red, blue = red] = values.length >= 3 ? values : [values[0]];
  return `rgb(${red} ${green} ${blue})`;
}
