import { describe, expect, it } from "vitest";
import { layersOf, type LayerInfo } from "../src/viewer/capabilities";
import { downloadOf, formatBytes, isOf, parseFiles } from "../src/viewer/dalles";
import { formatPermalink, parsePermalink } from "../src/viewer/permalink";
import { parseReadings } from "../src/viewer/point";
import { addresses } from "../src/viewer/share";
import { moved } from "../src/viewer/swipe";
import { timeOf, withComparison, yearsChosen, yearsOf } from "../src/viewer/years";

const layer = { years: [2018, 2021, 2024] };

describe("the years of a layer", () => {
  it("are those of its dimension of time, the oldest first", () => {
    expect(yearsOf([{ Identifier: "Elevation", Value: ["1000", "2000"] }, { Identifier: "TIME", Value: ["2024", "current", "2018"] }])).toEqual([2018, 2024]);
    const sets = [{ Identifier: "WebMercatorQuad", SupportedCRS: "urn:ogc:def:crs:EPSG::3857" }];
    const links = [{ TileMatrixSet: "WebMercatorQuad" }];
    const dimensions = [{ Identifier: "Time", Default: "2024", Value: ["2021", "2024"] }];
    const [read] = layersOf([{ Identifier: "a", Dimension: dimensions, TileMatrixSetLink: links }], sets) as [LayerInfo];
    expect(read.years).toEqual([2021, 2024]);
  });

  it("are none where there is one only", () => {
    expect([yearsOf(), yearsOf([]), yearsOf([{ Identifier: "Time" }]), yearsOf([{ Identifier: "Time", Value: ["2024"] }])]).toEqual([[], [], [], []]);
  });

  it("are the wished one, else the last one before, else the newest", () => {
    const chosen = (year?: number) => yearsChosen(layer, { year }).year;
    expect([2018, 2023, 2030, 2010, undefined].map(chosen)).toEqual([2018, 2021, 2024, 2024, 2024]);
    expect(yearsChosen({ years: [] }, { year: 2018, compare: 2021 })).toEqual({ year: undefined, compare: undefined });
  });

  it("have no name in requests where it is the newest one", () => {
    expect([2018, 2024, undefined].map((year) => timeOf(layer, year))).toEqual([2018, undefined, undefined]);
    expect(timeOf({ years: [] }, undefined)).toBeUndefined();
  });
});

describe("a comparison", () => {
  it("has the older year on the left, and the present one stays to be seen", () => {
    expect(withComparison(layer, { year: 2024 }, true)).toEqual({ year: 2021, compare: 2024 });
    expect(withComparison(layer, { year: 2018 }, true)).toEqual({ year: 2018, compare: 2024 });
    expect(withComparison(layer, { year: 2018, compare: 2021 }, false)).toEqual({ year: 2021 });
  });

  it("is divided by keys, and never outside of the map", () => {
    expect(moved(0.5, "ArrowLeft", false)).toBeCloseTo(0.48);
    expect(moved(0.5, "ArrowRight", true)).toBeCloseTo(0.6);
    expect(moved(0.5, "PageUp", false)).toBeCloseTo(0.6);
    expect([moved(0.5, "Home", false), moved(0.5, "End", false), moved(0.97, "ArrowRight", true)]).toEqual([0.02, 0.98, 0.98]);
    expect([moved(0.5, "a", false), moved(0.5, "Tab", false)]).toEqual([undefined, undefined]);
  });
});

describe("a year in addresses", () => {
  const target = { layer: "a", set: "WebMercatorQuad", style: "normal", isDefaultStyle: true, extension: "png" };

  it("is named unless it is the newest", () => {
    expect(addresses({ ...target, time: 2018 }, "http://h/").map(({ url }) => url)).toEqual([
      "http://h/xyz/a/{z}/{x}/{y}.png?time=2018",
      "http://h/xyz/a/tilejson.json?time=2018",
      "http://h/wmts/1.0.0/WMTSCapabilities.xml",
      "http://h/wmts/1.0.0/a/normal/2018/WebMercatorQuad/{TileMatrix}/{TileRow}/{TileCol}.png",
    ]);
    expect(addresses({ ...target, style: "x", isDefaultStyle: false, time: 2018 }, "http://h/")[0]?.url).toBe("http://h/xyz/a/{z}/{x}/{y}.png?style=x&time=2018");
  });

  it("comes back from the permalink, and only as a year", () => {
    const link = { layer: "a", set: "WebMercatorQuad", year: 2018, compare: 2024 };
    expect(parsePermalink(formatPermalink(link))).toEqual(link);
    expect(parsePermalink("#layer=a&year=20181&compare=-1")).toEqual({ layer: "a" });
  });
});

describe("what made a pixel", () => {
  const feature = (file: string, year: number, shown: boolean) => ({
    type: "Feature",
    properties: { source: "x", file, year, shown, resolution_m: 0.05, crs: "EPSG:2154", column: 5, row: 6, valid: true, band_2: 2, band_1: 1, band_10: null },
  });

  it("is told of each dalle, the one that shows first", () => {
    const readings = parseReadings({ features: [feature("a.tif", 2024, false), feature("b.tif", 2021, true)] });
    expect(readings.map(({ file }) => file)).toEqual(["b.tif", "a.tif"]);
    expect(readings[0]).toEqual({ file: "b.tif", year: 2021, resolutionM: 0.05, crs: "EPSG:2154", pixel: [5, 6], values: [1, 2], valid: true, shown: true });
  });

  it("of an unexpected form is nothing", () => {
    expect([null, "x", {}, { features: 3 }, { features: [null] }].map(parseReadings)).toEqual([[], [], [], [], []]);
    expect(parseReadings({ features: [{ id: 3 }] })[0]).toMatchObject({ file: "3", year: null, pixel: null, values: [] });
  });

  it("is found in the coverage by name and year", () => {
    const [reading] = parseReadings({ features: [feature("a.tif", 2024, true)] });
    const is = (properties: Record<string, unknown>) => reading && isOf(reading, properties);
    expect([is({ name: "a.tif", year: 2024 }), is({ name: "a.tif", year: 2021 }), is({ name: "b.tif", year: 2024 }), is({})]).toEqual([true, false, false, false]);
  });
});

describe("the files of a layer", () => {
  it("are offered where the TileJSON names their coverage", () => {
    expect(parseFiles({ coverage: "http://h/files/a/index.geojson", dalles: 12 })).toEqual({ offered: true, count: 12 });
    expect([undefined, null, [], { dalles: "x" }].map(parseFiles)).toEqual(Array(4).fill({ offered: false, count: 0 }));
  });

  it("are links of the web and nothing else", () => {
    expect(downloadOf({ href: "https://h/files/a/b.tif", bytes: 5 })).toEqual({ href: "https://h/files/a/b.tif", bytes: 5 });
    expect([downloadOf({ href: "javascript:alert(1)" }), downloadOf({})]).toEqual([undefined, undefined]);
  });

  it("have sizes for people", () => {
    expect([0, 999, 1500, 12_345_678, 5e12].map(formatBytes)).toEqual(["0 B", "999 B", "1.5 kB", "12 MB", "5.0 TB"]);
  });
});
