/** Fetching tiles with patience, and drawing their borders. Knows OpenLayers sources, not the page. */
import type ImageTile from "ol/ImageTile";
import type { Projection } from "ol/proj";
import ImageTileSource from "ol/source/ImageTile";
import type Tile from "ol/Tile";
import TileState from "ol/TileState";
import type WMTSTileGrid from "ol/tilegrid/WMTS";

/** How often an overloaded server (503) is asked again. */
const ATTEMPTS = 4;
const LEAST_WAIT_MS = 500;
const MOST_WAIT_MS = 5000;

/** Counts for the page: the progress bar, and whether the server refuses. */
export interface TileEvents {
  started(): void;
  ended(outcome: "shown" | "empty" | "failed"): void;
}

/** A load function for image tiles: an overloaded server is asked again when it says so, an absent tile stays empty. */
export function patientLoader(events: TileEvents): (tile: Tile, url: string) => void {
  return (tile, url) => {
    events.started();
    void load(tile as ImageTile, url).then((outcome) => events.ended(outcome), () => {
      tile.setState(TileState.ERROR);
      events.ended("failed");
    });
  };
}

async function load(tile: ImageTile, url: string): Promise<"shown" | "empty" | "failed"> {
  const response = await fetchPatiently(url);
  if (response.status === 404 || response.status === 204) {
    tile.setState(TileState.EMPTY);
    return "empty";
  }
  if (!response.ok) {
    tile.setState(TileState.ERROR);
    return "failed";
  }
  const image = tile.getImage() as HTMLImageElement;
  const address = URL.createObjectURL(await response.blob());
  const release = () => URL.revokeObjectURL(address);
  image.addEventListener("load", release, { once: true });
  image.addEventListener("error", release, { once: true });
  image.src = address;
  return "shown";
}

async function fetchPatiently(url: string): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(url);
    if (response.status !== 503 || attempt === ATTEMPTS) return response;
    await new Promise((done) => setTimeout(done, retryDelayMs(response.headers.get("retry-after"), attempt)));
  }
}

/** What `Retry-After` asks for in seconds, within bounds; without it, longer at each attempt. */
export function retryDelayMs(retryAfter: string | null, attempt: number): number {
  const asked = retryAfter !== null && /^\d+$/.test(retryAfter.trim()) ? Number(retryAfter) * 1000 : 500 * 2 ** attempt;
  return Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, asked));
}

/** A source that asks nobody: it draws the border of each tile with its address in the set. */
class BorderSource extends ImageTileSource {
  constructor(projection: Projection, tileGrid: WMTSTileGrid, colour: string) {
    super({
      projection,
      tileGrid,
      transition: 0,
      wrapX: false,
      loader: (z, x, y) => Promise.resolve(drawBorder([tileGrid.getTileSize(z)].flat(), `${tileGrid.getMatrixId(z)}/${x}/${y}`, colour)),
    });
    this.setTileSizes(tileGrid.getResolutions().map((_, z) => pair([tileGrid.getTileSize(z)].flat())));
  }
}

export function borderSource(projection: Projection, tileGrid: WMTSTileGrid, colour: string): ImageTileSource {
  return new BorderSource(projection, tileGrid, colour);
}

function pair([width = 256, height = width]: number[]): [number, number] {
  return [width, height];
}

function drawBorder(size: number[], label: string, colour: string): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = pair(size);
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  context.strokeStyle = colour;
  context.strokeRect(0.5, 0.5, canvas.width, canvas.height);
  context.font = "600 11px ui-monospace, Menlo, Consolas, monospace";
  const width = Math.ceil(context.measureText(label).width) + 12;
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(0, 0, width, 18, [0, 0, 6, 0]);
  context.fill();
  context.fillStyle = "#fff";
  context.textBaseline = "middle";
  context.fillText(label, 6, 9.5);
  return canvas;
}
