/**
 * The coordinate reference systems that the viewer can draw in, by EPSG code.
 * Definitions are those of PROJ; nothing is looked up elsewhere, so a code that is not here is simply not offered.
 */
import { get as projectionOf, type Projection } from "ol/proj";
import { register } from "ol/proj/proj4";
import proj4 from "proj4";

export interface CrsEntry {
  code: string;
  title: string;
  definition: string;
}

const GRS80 = "+ellps=GRS80 +towgs84=0,0,0,0,0,0,0 +units=m +no_defs";

const lambert93 = (epsg: number, datum: string): CrsEntry => ({
  code: `EPSG:${epsg}`,
  title: `${datum} / Lambert-93`,
  definition: `+proj=lcc +lat_0=46.5 +lon_0=3 +lat_1=49 +lat_2=44 +x_0=700000 +y_0=6600000 ${GRS80}`,
});

/** The nine conic zones CC42 to CC50, whose codes follow each other. */
const conicZones = (firstEpsg: number, datum: string): CrsEntry[] =>
  Array.from({ length: 9 }, (_, index) => ({
    code: `EPSG:${firstEpsg + index}`,
    title: `${datum} / CC${42 + index}`,
    definition:
      `+proj=lcc +lat_0=${42 + index} +lon_0=3 +lat_1=${41.25 + index} +lat_2=${42.75 + index} ` +
      `+x_0=1700000 +y_0=${1_200_000 + 1_000_000 * index} ${GRS80}`,
  }));

const utm = (epsg: number, zone: number, hemisphere: "N" | "S", datum: string, ellipsoid: string): CrsEntry => ({
  code: `EPSG:${epsg}`,
  title: `${datum} / UTM zone ${zone}${hemisphere}`,
  definition: `+proj=utm +zone=${zone}${hemisphere === "S" ? " +south" : ""} ${ellipsoid}`,
});

const utmZones = (firstEpsg: number, first: number, last: number, hemisphere: "N" | "S", datum: string, ellipsoid: string) =>
  Array.from({ length: last - first + 1 }, (_, index) => utm(firstEpsg + index, first + index, hemisphere, datum, ellipsoid));

const WGS84 = "+datum=WGS84 +units=m +no_defs";

export const CRS_TABLE: CrsEntry[] = [
  lambert93(2154, "RGF93 v1"),
  lambert93(9793, "RGF93 v2"),
  lambert93(9794, "RGF93 v2b"),
  ...conicZones(3942, "RGF93 v1"),
  ...conicZones(9822, "RGF93 v2"),
  ...conicZones(9842, "RGF93 v2b"),
  ...utmZones(32601, 1, 60, "N", "WGS 84", WGS84),
  ...utmZones(32701, 1, 60, "S", "WGS 84", WGS84),
  ...utmZones(25828, 28, 38, "N", "ETRS89", GRS80),
  utm(5490, 20, "N", "RGAF09", GRS80),
  utm(4559, 20, "N", "RRAF 1991", GRS80),
  utm(2972, 22, "N", "RGFG95", GRS80),
  utm(2975, 40, "S", "RGR92", GRS80),
  utm(4471, 38, "S", "RGM04", GRS80),
  utm(4467, 21, "N", "RGSPM06", GRS80),
  utm(26914, 14, "N", "NAD83", "+datum=NAD83 +units=m +no_defs"),
  { code: "EPSG:4171", title: "RGF93 v1 (latitude, longitude)", definition: "+proj=longlat +ellps=GRS80 +towgs84=0,0,0,0,0,0,0 +axis=neu +no_defs" },
  { code: "EPSG:4258", title: "ETRS89 (latitude, longitude)", definition: "+proj=longlat +ellps=GRS80 +towgs84=0,0,0,0,0,0,0 +axis=neu +no_defs" },
  { code: "EPSG:3395", title: "WGS 84 / World Mercator", definition: `+proj=merc +lon_0=0 +k=1 +x_0=0 +y_0=0 ${WGS84}` },
  {
    code: "EPSG:28992",
    title: "Amersfoort / RD New",
    definition:
      "+proj=sterea +lat_0=52.1561605555556 +lon_0=5.38763888888889 +k=0.9999079 +x_0=155000 +y_0=463000 +ellps=bessel " +
      "+towgs84=565.4171,50.3319,465.5524,-0.398957,0.343988,-1.8774,4.0725 +units=m +no_defs",
  },
];

/** What OpenLayers knows by itself. */
const BUILT_IN: Record<string, string> = {
  "EPSG:3857": "Web Mercator",
  "EPSG:4326": "WGS 84 (latitude, longitude)",
  CRS84: "WGS 84 (longitude, latitude)",
};

const TITLES = new Map([...Object.entries(BUILT_IN), ...CRS_TABLE.map((entry): [string, string] => [entry.code, entry.title])]);

/** Teaches OpenLayers the table; to be called once, before a document is read. */
export function registerProjections(): void {
  for (const entry of CRS_TABLE) proj4.defs(entry.code, entry.definition);
  register(proj4);
}

/** The short code of a name as capabilities write it: a URN, an OGC URL or `EPSG:2154`. */
export function crsCode(name: string): string {
  if (/CRS:?84$/.test(name)) return "CRS84";
  const code = /EPSG.*?(\d+)$/.exec(name)?.[1];
  return code ? `EPSG:${code}` : name;
}

/** The projection of that name, or nothing where its definition is not known. */
export function knownProjection(name: string): Projection | null {
  return TITLES.has(crsCode(name)) ? projectionOf(crsCode(name) === "CRS84" ? "CRS:84" : crsCode(name)) : null;
}

/** A name for people. */
export function crsTitle(name: string): string {
  return TITLES.get(crsCode(name)) ?? name;
}
