/**
 * Two pictures of one place beside each other, and the divider between them: dragged, or moved by the arrow keys.
 * Knows two layers of a map, not what they show.
 */
import type TileLayer from "ol/layer/Tile";
import type OlMap from "ol/Map";
import type { Pixel } from "ol/pixel";
import { getRenderPixel } from "ol/render";

export type Side = "left" | "right";

/** Parts of the map's width. */
const STEP = 0.02;
const LARGE_STEP = 0.1;
const LEAST = 0.02;

export class Swipe {
  private share = 0.5;
  private readonly names: Record<Side, HTMLElement>;

  constructor(
    private readonly map: OlMap,
    private readonly divider: HTMLElement,
    layers: Record<Side, TileLayer>,
  ) {
    const name = (side: Side) => divider.querySelector<HTMLElement>(`[data-side="${side}"]`) ?? divider;
    this.names = { left: name("left"), right: name("right") };
    this.clip(layers.left, () => [0, this.share]);
    this.clip(layers.right, () => [this.share, 1]);
    divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener("pointermove", (event) => {
      if (divider.hasPointerCapture(event.pointerId)) this.moveTo(event.clientX / this.width());
    });
    divider.addEventListener("keydown", (event) => {
      const share = moved(this.share, event.key, event.shiftKey);
      if (share === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.moveTo(share);
    });
    // Below bubbles and controls, and what is done to it is not done to the map.
    map.getOverlayContainerStopEvent()?.prepend(divider);
    this.moveTo(this.share);
  }

  /** Divides the map; the names stand beside the divider. */
  show(left: string, right: string): void {
    Object.assign(this.names.left, { textContent: left });
    Object.assign(this.names.right, { textContent: right });
    this.divider.hidden = false;
    this.moveTo(this.share);
  }

  hide(): void {
    this.divider.hidden = true;
    this.map.render();
  }

  /** Which of the two pictures is at a place of the window; the left one where there is but one. */
  sideOf([x = 0]: Pixel): Side {
    return this.isShown() && x >= this.share * this.width() ? "right" : "left";
  }

  private moveTo(share: number): void {
    this.share = within(share);
    const percent = Math.round(this.share * 100);
    this.divider.style.left = `${this.share * 100}%`;
    this.divider.setAttribute("aria-valuenow", String(percent));
    const [left, right] = [this.names.left.textContent, this.names.right.textContent];
    this.divider.setAttribute("aria-valuetext", `${left} on ${percent} % of the map, ${right} on the rest`);
    this.map.render();
  }

  private clip(layer: TileLayer, part: () => [number, number]): void {
    layer.on("prerender", (event) => {
      const context = event.context as CanvasRenderingContext2D;
      context.save();
      if (!this.isShown()) return;
      const [from, to] = part();
      const [width = 0, height = 0] = this.map.getSize() ?? [];
      const corners = [[from, 0], [to, 0], [to, 1], [from, 1]].map(([x = 0, y = 0]) => getRenderPixel(event, [x * width, y * height]));
      context.beginPath();
      for (const [x = 0, y = 0] of corners) context.lineTo(x, y);
      context.clip();
    });
    layer.on("postrender", (event) => (event.context as CanvasRenderingContext2D).restore());
  }

  private isShown(): boolean {
    return !this.divider.hidden;
  }

  private width(): number {
    return this.map.getSize()?.[0] || window.innerWidth;
  }
}

/** Where a key moves the divider to; nothing for keys that are not its own. */
export function moved(share: number, key: string, isLarge: boolean): number | undefined {
  const step = isLarge ? LARGE_STEP : STEP;
  const shares: Record<string, number> = {
    ArrowLeft: share - step,
    ArrowDown: share - step,
    ArrowRight: share + step,
    ArrowUp: share + step,
    PageDown: share - LARGE_STEP,
    PageUp: share + LARGE_STEP,
    Home: 0,
    End: 1,
  };
  const wanted = shares[key];
  return wanted === undefined ? undefined : within(wanted);
}

/** The divider never leaves the map. */
function within(share: number): number {
  return Math.min(1 - LEAST, Math.max(LEAST, share));
}
