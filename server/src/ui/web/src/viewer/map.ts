/**
 * The map itself: one or two pictures of a layer in one projection, its footprint and the tile borders.
 * Knows nothing of the panel; whoever uses it listens to the OpenLayers map.
 */
import { ScaleLine, Zoom } from "ol/control";
import { buffer, getIntersection, isEmpty } from "ol/extent";
import { fromExtent } from "ol/geom/Polygon";
import Feature from "ol/Feature";
import TileLayer from "ol/layer/Tile";
import VectorLayer from "ol/layer/Vector";
import OlMap from "ol/Map";
import { fromLonLat, getPointResolution, toLonLat, transformExtent } from "ol/proj";
import VectorSource from "ol/source/Vector";
import WMTS, { type Options } from "ol/source/WMTS";
import { Stroke, Style } from "ol/style";
import type WMTSTileGrid from "ol/tilegrid/WMTS";
import View from "ol/View";
import { cssColour } from "../common/theme";
import type { LayerInfo } from "./capabilities";
import { groundForZoom, zoomForGround } from "./coordinates";
import type { Place } from "./permalink";
import { borderSource, patientLoader, type TileEvents } from "./tiles";

/** The coarsest view of a projection that is not made for the world, metres per pixel. */
const COARSEST_LOCAL_M = 4000;
/** How many times a pixel of the finest matrix may be doubled on the screen. */
const OVERZOOM = 4;

export class MapView {
  readonly map: OlMap;
  /** The picture, and another one beside it where two are compared. */
  readonly left = new TileLayer<WMTS>({ preload: 0 });
  readonly right = new TileLayer<WMTS>({ preload: 0 });
  private readonly borders = new TileLayer({ visible: false });
  private readonly footprints = new VectorLayer({ source: new VectorSource() });
  private snap = false;

  constructor(target: HTMLElement, scale: HTMLElement, private readonly events: TileEvents) {
    this.map = new OlMap({
      target,
      layers: [this.footprints, this.left, this.right, this.borders],
      controls: [new Zoom(), new ScaleLine({ target: scale, minWidth: 72 })],
      view: new View({ center: [0, 0], zoom: 2 }),
    });
  }

  /** Draws a source; the place on the ground and the scale stay as they are, in whatever projection. */
  show(options: Options, other?: Options): void {
    const place = this.place();
    this.draw(this.left, options);
    this.draw(this.right, other);
    this.borders.setSource(borderSource(this.projectionOf(options), options.tileGrid as WMTSTileGrid, cssColour("--border-tag")));
    this.map.setView(this.viewFor(options));
    this.moveTo(place);
  }

  /** Another style, format or year on the same grid: the view is not touched, and old tiles stay until the new ones are there. */
  restyle(options: Options, other?: Options): void {
    this.redraw(this.left, options);
    this.redraw(this.right, other);
  }

  /** Centre and scale as they are now. */
  place(): Place {
    const view = this.map.getView();
    const centre = view.getCenter() ?? [0, 0];
    const [lon = 0, lat = 0] = toLonLat(centre, view.getProjection());
    return { lon, lat, zoom: zoomForGround(this.groundResolution(), lat) };
  }

  moveTo({ lon, lat, zoom }: Place): void {
    const view = this.map.getView();
    const centre = fromLonLat([lon, lat], view.getProjection());
    view.setCenter(centre);
    view.setResolution(groundForZoom(zoom, lat) / getPointResolution(view.getProjection(), 1, centre, "m"));
  }

  /** Shows all of a layer. */
  fit(layer: LayerInfo, padding: number[], duration = 250): void {
    if (!layer.bounds) return;
    const view = this.map.getView();
    const extent = transformExtent(layer.bounds, "EPSG:4326", view.getProjection(), 8);
    if (extent.every(Number.isFinite)) view.fit(extent, { padding, duration });
  }

  /** Metres of ground under a pixel at the centre. */
  groundResolution(): number {
    const view = this.map.getView();
    return getPointResolution(view.getProjection(), view.getResolution() ?? 1, view.getCenter() ?? [0, 0], "m");
  }

  /** Outlines of all layers, so that one finds them from far away. */
  outline(layers: LayerInfo[], chosen: LayerInfo | undefined): void {
    const source = this.footprints.getSource();
    const projection = this.map.getView().getProjection();
    source?.clear();
    for (const layer of layers) {
      if (!layer.bounds) continue;
      const shape = fromExtent(layer.bounds);
      const extent = transformExtent(layer.bounds, "EPSG:4326", projection);
      if (!extent.every(Number.isFinite)) continue;
      const feature = new Feature(shape.transform("EPSG:4326", projection));
      const isChosen = layer === chosen;
      const stroke = new Stroke({ color: cssColour(isChosen ? "--accent" : "--muted"), width: isChosen ? 1.5 : 1, lineDash: [5, 5] });
      feature.setStyle(new Style({ stroke }));
      source?.addFeature(feature);
    }
    const extent = chosen?.bounds && transformExtent(chosen.bounds, "EPSG:4326", projection, 8);
    const within = extent?.every(Number.isFinite) ? this.withMargin(extent) : undefined;
    for (const layer of [this.left, this.right, this.borders]) layer.setExtent(within);
  }

  setOpacity(opacity: number): void {
    for (const layer of [this.left, this.right]) layer.setOpacity(opacity);
  }

  showBorders(): void {
    this.borders.setVisible(true);
  }

  hideBorders(): void {
    this.borders.setVisible(false);
  }

  /** Whether the view only rests on the scales of the set, where a pixel of a tile is a pixel of the screen. */
  restOnLevels(snap: boolean): void {
    this.snap = snap;
    this.map.getView().setConstrainResolution(snap);
  }

  private draw(layer: TileLayer<WMTS>, options: Options | undefined): void {
    const source = options ? new WMTS({ ...options, tileLoadFunction: patientLoader(this.events), transition: 120 }) : null;
    if (source && options) source.setTileUrlFunction(source.getTileUrlFunction(), keyOf(options));
    layer.setSource(source);
  }

  private redraw(layer: TileLayer<WMTS>, options: Options | undefined): void {
    const source = layer.getSource();
    if (source && options) source.setTileUrlFunction(new WMTS(options).getTileUrlFunction(), keyOf(options));
    else this.draw(layer, options);
  }

  private projectionOf(options: Options) {
    return new View({ projection: options.projection }).getProjection();
  }

  private viewFor(options: Options): View {
    const projection = this.projectionOf(options);
    const coarsest = projection.isGlobal() ? Infinity : COARSEST_LOCAL_M / (projection.getMetersPerUnit() ?? 1);
    const own = options.tileGrid.getResolutions().filter((resolution) => resolution <= coarsest);
    const resolutions = own.length > 0 ? [...own] : [coarsest];
    const limit = projection.isGlobal() ? 156543.04 / (projection.getMetersPerUnit() ?? 1) : coarsest;
    while ((resolutions[0] ?? limit) * 2 <= limit) resolutions.unshift((resolutions[0] ?? limit) * 2);
    for (let step = 0; step < OVERZOOM; step++) resolutions.push((resolutions.at(-1) ?? 1) / 2);
    return new View({ projection, resolutions, center: [0, 0], constrainResolution: this.snap, showFullExtent: true });
  }

  /** A box of degrees is not a box elsewhere: leave room, but never leave the projection. */
  private withMargin(extent: number[]): number[] {
    const [minX = 0, minY = 0, maxX = 0, maxY = 0] = extent;
    const wide = buffer([minX, minY, maxX, maxY], Math.max(maxX - minX, maxY - minY) * 0.02);
    const world = this.map.getView().getProjection().getExtent();
    const within = world ? getIntersection(wide, world) : wide;
    return isEmpty(within) ? wide : within;
  }
}

/** What tells tiles of one source apart. */
function keyOf({ style, format, dimensions }: Options): string {
  return `${style} ${format} ${JSON.stringify(dimensions)}`;
}
