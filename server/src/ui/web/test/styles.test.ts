import { describe, expect, it } from "vitest";
import { layersOf, type LayerInfo } from "../src/viewer/capabilities";
import { channelsOf, describeLegend, hasPicture, parseLegend } from "../src/viewer/legend";
import { formatPermalink, parsePermalink } from "../src/viewer/permalink";
import { addresses } from "../src/viewer/share";
import { styleOf } from "../src/viewer/styles";

const legendURL = [{ href: "legend/a/ndvi.png" }];
const raw = [
  { Identifier: "rgb", Title: "rgb", isDefault: false },
  { Identifier: "ndvi", Title: "ndvi", Abstract: "Vegetation", isDefault: true, LegendURL: legendURL },
];

describe("the styles of a layer", () => {
  const sets = [{ Identifier: "WebMercatorQuad", SupportedCRS: "urn:ogc:def:crs:EPSG::3857" }];
  const links = [{ TileMatrixSet: "WebMercatorQuad" }];
  const [layer] = layersOf([{ Identifier: "a", Style: raw, TileMatrixSetLink: links }], sets) as [LayerInfo];

  it("have the name for people where there is one", () => {
    expect(layer.styles).toEqual([
      { id: "rgb", title: "rgb", isDefault: false, hasLegend: false },
      { id: "ndvi", title: "Vegetation", isDefault: true, hasLegend: true },
    ]);
  });

  it("are the default where the wanted one is not there", () => {
    expect(["rgb", "nothing", undefined].map((wanted) => styleOf(layer, wanted)?.id)).toEqual(["rgb", "ndvi", "ndvi"]);
  });
});

describe("a style in addresses", () => {
  const target = { layer: "a", set: "WebMercatorQuad", style: "été", isDefaultStyle: false, extension: "png" };
  const urls = (isDefaultStyle: boolean) => addresses({ ...target, isDefaultStyle }, "http://h/").map(({ url }) => url);

  it("is named unless the server takes it by itself; WMTS always names it", () => {
    expect(urls(false)).toEqual([
      "http://h/xyz/a/{z}/{x}/{y}.png?style=%C3%A9t%C3%A9",
      "http://h/xyz/a/tilejson.json?style=%C3%A9t%C3%A9",
      "http://h/wmts/1.0.0/WMTSCapabilities.xml",
      "http://h/wmts/1.0.0/a/%C3%A9t%C3%A9/WebMercatorQuad/{TileMatrix}/{TileRow}/{TileCol}.png",
    ]);
    expect(urls(true).slice(0, 2)).toEqual(["http://h/xyz/a/{z}/{x}/{y}.png", "http://h/xyz/a/tilejson.json"]);
  });

  it("comes back from the permalink", () => {
    const link = { layer: "a", style: "été & hiver", set: "WebMercatorQuad", place: { zoom: 12, lon: 3.5, lat: 43.5 } };
    expect(parsePermalink(formatPermalink(link))).toEqual(link);
    expect(formatPermalink({ layer: "a" })).toBe("#layer=a");
  });
});

describe("a legend", () => {
  const legend = (type: string, labels: string[], unit: string | null = null) =>
    parseLegend({ name: "n", title: "Title", type, unit, entries: labels.map((label) => ({ label, color: "#000000" })) });

  it("is a picture for scales and lists, and a line of text for channels", () => {
    const rgb = legend("rgb", ["b4", "b3", "b2"]);
    expect(channelsOf(rgb)).toBe("Red b4, green b3, blue b2");
    expect([rgb, legend("none", []), legend("ramp", ["0", "1"]), legend("classes", ["x"])].map(hasPicture)).toEqual([
      false, false, true, true,
    ]);
    expect(channelsOf(legend("ramp", ["0", "1"]))).toBe("");
  });

  it("has words for those who do not see it", () => {
    expect(describeLegend(legend("ramp", ["-1", "0", "1"], "m"))).toBe("Legend of Title: a scale of colours from -1 to 1 m");
    expect(describeLegend(legend("classes", ["water", "wood"]))).toBe("Legend of Title: water, wood");
    expect(describeLegend(legend("classes", Array.from({ length: 14 }, () => "x")))).toMatch(/x and 2 more$/);
  });

  it("of an unexpected form is none", () => {
    for (const answer of [null, "x", {}, { type: "ramp", entries: [null] }, { entries: 3 }]) {
      expect(parseLegend(answer).title).toBe("");
    }
    expect(hasPicture(parseLegend(null))).toBe(false);
  });
});
