import { describe, expect, it } from "vitest";
import { bytes, count, percent, seconds } from "../src/dashboard/format";
import { Delta, Scrape, parse } from "../src/dashboard/metrics";

const text = (hits: number, fast: number, slow: number) => `
# HELP pavage_cache_requests_total Look-ups
pavage_cache_requests_total{cache="tiles",result="hit"} ${hits}
pavage_cache_requests_total{cache="tiles",result="miss"} 10
h_bucket{layer="a",le="0.01"} ${fast}
h_bucket{layer="a",le="0.1"} ${fast + slow}
h_bucket{layer="a",le="+Inf"} ${fast + slow}
h_sum{layer="a"} ${fast * 0.005 + slow * 0.05}
h_count{layer="a"} ${fast + slow}
`;

describe("the text format", () => {
  it("has labels with quotes and backslashes", () => {
    expect(parse('a{b="x\\"y",c="1,2"} 3.5e-1\n# no\nd 4')).toEqual([
      { name: "a", labels: { b: 'x"y', c: "1,2" }, value: 0.35 },
      { name: "d", labels: {}, value: 4 },
    ]);
  });
});

describe("between two readings", () => {
  const delta = new Delta(new Scrape(text(0, 10, 0), 100), new Scrape(text(90, 100, 10), 110));

  it("a counter has a rate, and a restart is not negative", () => {
    expect(delta.rate("pavage_cache_requests_total", { result: "hit" })).toBe(9);
    const restarted = new Delta(new Scrape("c 50", 0), new Scrape("c 4", 2));
    expect(restarted.rate("c")).toBe(2);
  });

  it("a histogram has quantiles of what is new", () => {
    expect(delta.quantile("h", 0.5)).toBeCloseTo(0.01 * (50 / 90), 5);
    expect(delta.quantile("h", 0.95)).toBeGreaterThan(0.01);
    expect(delta.quantile("h", 0.5, { layer: "b" })).toBeUndefined();
    expect(delta.mean("h")).toBeCloseTo((90 * 0.005 + 10 * 0.05) / 100, 6);
  });

  it("hits have a share, and nothing has none", () => {
    expect(delta.hitRate("tiles")).toBe(1);
    expect(delta.hitRate("none")).toBeUndefined();
  });
});

describe("numbers for people", () => {
  it("have a unit", () => {
    expect([count(12_345), bytes(1536), seconds(0.0042), percent(0.875), count(undefined)]).toEqual([
      "12.3 k", "1.5 KiB", "4.2 ms", "87.5 %", "–",
    ]);
  });
});
