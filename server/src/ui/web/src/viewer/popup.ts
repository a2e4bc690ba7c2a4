/** The bubble with the values under a pixel. It is told what to show and knows nothing of tiles or servers. */
import type { Coordinate } from "ol/coordinate";
import type OlMap from "ol/Map";
import Overlay from "ol/Overlay";
import { copyText, h, toast } from "../common/dom";
import type { PixelReading } from "./feature_info";

const RGB = ["R", "G", "B"];

export interface PopupContent {
  /** The place, in one or two lines. */
  lines: string[];
  /** `undefined` while the server is asked. */
  readings?: PixelReading[];
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
    const element = h("div", { class: "popup", role: "dialog", "aria-label": "Pixel values" }, button, this.body);
    this.overlay = new Overlay({ element, positioning: "bottom-center", offset: [0, -10], autoPan: { animation: { duration: 180 }, margin: 24 } });
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
  }

  hide(): void {
    this.overlay.setPosition(undefined);
  }
}

function readingsOf({ readings, problem }: PopupContent): HTMLElement[] {
  if (problem) return [h("p", { class: "popup-note" }, problem)];
  if (!readings) return [h("p", { class: "popup-note" }, "Reading…")];
  if (readings.length === 0) return [h("p", { class: "popup-note" }, "No imagery here")];
  return readings.map(oneReading);
}

function oneReading(reading: PixelReading): HTMLElement {
  const swatch = h("i", { class: "swatch", "aria-hidden": "true" });
  if (reading.valid) swatch.style.backgroundColor = colourOf(reading.values);
  const names = reading.values.length >= 3 ? RGB : [];
  const values = reading.values.map((value, band) => h("span", {}, h("em", {}, names[band] ?? String(band + 1)), String(value)));
  return h(
    "div",
    { class: "reading" },
    h("b", { title: reading.file }, reading.file),
    reading.pixel && h("small", {}, `column ${reading.pixel[0]}, row ${reading.pixel[1]}`),
    reading.valid ? h("div", { class: "values" }, swatch, ...values) : h("small", {}, "no data at this pixel"),
  );
}

function colourOf(values: number[]): string {
  const [red = 0, green = red, blue = red] = values.length >= 3 ? values : [values[0]];
  return `rgb(${red} ${green} ${blue})`;
}
