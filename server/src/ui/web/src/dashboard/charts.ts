/** Charts of the last five minutes, on uPlot. They know series and units, but no metric. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { h } from "../common/dom";

const SECONDS = 300;
const HEIGHT_PX = 190;
const COLOURS = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"];

export interface ChartOptions {
  title: string;
  /** Names of the lines, in the order of the values. */
  series: readonly string[];
  /** A value as text. */
  format: (value: number | undefined) => string;
}

export class Chart {
  private readonly times: number[] = [];
  private readonly lines: (number | null)[][];
  private readonly host = h("div", { class: "plot" });
  private plot: uPlot | undefined;

  constructor(
    parent: HTMLElement,
    private readonly options: ChartOptions,
  ) {
    this.lines = options.series.map(() => []);
    parent.append(h("figure", {}, h("figcaption", {}, options.title), this.host));
    new ResizeObserver(() => this.plot?.setSize({ width: this.host.clientWidth, height: HEIGHT_PX })).observe(this.host);
  }

  push(time: number, values: readonly (number | undefined)[]): void {
    this.times.push(time);
    this.lines.forEach((line, i) => line.push(values[i] ?? null));
    while ((this.times[0] ?? time) < time - SECONDS) {
      this.times.shift();
      for (const line of this.lines) line.shift();
    }
    if (!this.plot) this.draw();
    this.plot?.setData([this.times, ...this.lines], false);
    this.plot?.setScale("x", { min: time - SECONDS, max: time });
  }

  /** Draws anew, with the colours of the present theme. */
  draw(): void {
    this.plot?.destroy();
    const { format, series } = this.options;
    const axis: uPlot.Axis = {
      stroke: resolved("--muted"),
      grid: { stroke: resolved("--line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    this.plot = new uPlot(
      {
        width: this.host.clientWidth || 400,
        height: HEIGHT_PX,
        cursor: { points: { size: 6 }, y: false },
        legend: { live: true },
        scales: { y: { range: (_, __, max) => [0, (max ?? 0) > 0 ? max * 1.1 : 1] } },
        axes: [
          { ...axis, values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })) },
          { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => format(tick)) },
        ],
        series: [
          { value: (_, time) => (time ? new Date(time * 1000).toLocaleTimeString() : "") },
          ...series.map((label, i) => ({
            label,
            stroke: resolved(COLOURS[i % COLOURS.length] ?? "--c1"),
            width: 1.8,
            points: { show: false },
            value: (_: uPlot, value: number | null) => format(value ?? undefined),
          })),
        ],
      },
      [this.times, ...this.lines],
      this.host,
    );
  }
}

/** A colour that a canvas understands: `light-dark()` is resolved by the browser on an element. */
function resolved(property: string): string {
  const probe = h("i", { hidden: true });
  probe.style.color = `var(${property})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
