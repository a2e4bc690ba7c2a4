/** Prometheus' text format, as much of it as a dashboard needs. It draws nothing. */

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads all samples of a text; comments and lines that are none are passed over. */
export function parse(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const found = line.startsWith("#") ? null : LINE.exec(line);
    if (!found) continue;
    const labels: Record<string, string> = {};
    for (const [, key, value] of (found[2] ?? "").matchAll(LABEL)) {
      if (key !== undefined && value !== undefined) labels[key] = value.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c));
    }
    samples.push({ name: found[1] ?? "", labels, value: Number((found[3] ?? "").replace("Inf", "Infinity")) });
  }
  return samples;
}

type Wanted = Record<string, string | ((value: string) => boolean)>;

/** One state of all metrics, with the time it was read. */
export class Scrape {
  private readonly byName = new Map<string, Sample[]>();

  constructor(
    text: string,
    /** Seconds. */
    readonly time: number,
  ) {
    for (const sample of parse(text)) {
      const list = this.byName.get(sample.name);
      if (list) list.push(sample);
      else this.byName.set(sample.name, [sample]);
    }
  }

  all(name: string, wanted: Wanted = {}): Sample[] {
    const matches = (sample: Sample) =>
      Object.entries(wanted).every(([key, value]) => {
        const found = sample.labels[key] ?? "";
        return typeof value === "string" ? found === value : value(found);
      });
    return (this.byName.get(name) ?? []).filter(matches);
  }

  /** The sum over all labels; 0 where there is no such metric. */
  sum(name: string, wanted: Wanted = {}): number {
    return this.all(name, wanted).reduce((sum, sample) => sum + sample.value, 0);
  }

  /** The values that a label has. */
  values(name: string, label: string): string[] {
    return [...new Set(this.all(name).map((sample) => sample.labels[label] ?? ""))].sort();
  }
}

/** Two states, and what happened between them. */
export class Delta {
  constructor(
    private readonly before: Scrape,
    private readonly after: Scrape,
  ) {}

  get seconds(): number {
    return Math.max(this.after.time - this.before.time, 1e-3);
  }

  /** How much a counter grew; a counter that fell was started again. */
  increase(name: string, wanted: Wanted = {}): number {
    const [before, after] = [this.before.sum(name, wanted), this.after.sum(name, wanted)];
    return after >= before ? after - before : after;
  }

  rate(name: string, wanted: Wanted = {}): number {
    return this.increase(name, wanted) / this.seconds;
  }

  /** A quantile of a histogram's new observations, linear within a bucket; undefined where there are none. */
  quantile(name: string, q: number, wanted: Wanted = {}): number | undefined {
    const counts = new Map<number, number>();
    for (const [scrape, sign] of [[this.after, 1], [this.before, -1]] as const) {
      for (const { labels, value } of scrape.all(`${name}_bucket`, wanted)) {
        const bound = Number((labels["le"] ?? "").replace("+Inf", "Infinity"));
        counts.set(bound, (counts.get(bound) ?? 0) + sign * value);
      }
    }
    const bounds = [...counts.keys()].sort((a, b) => a - b);
    const total = counts.get(Infinity) ?? 0;
    if (total <= 0) return undefined;
    const rank = q * total;
    let [low, below] = [0, 0];
    for (const bound of bounds) {
      const count = counts.get(bound) ?? 0;
      if (count >= rank) {
        if (bound === Infinity) return low;
        return count === below ? bound : low + ((bound - low) * (rank - below)) / (count - below);
      }
      [low, below] = [bound, count];
    }
    return low;
  }

  /** The mean of a histogram's new observations. */
  mean(name: string, wanted: Wanted = {}): number | undefined {
    const count = this.increase(`${name}_count`, wanted);
    return count > 0 ? this.increase(`${name}_sum`, wanted) / count : undefined;
  }

  /** Hits among all look-ups in a cache. */
  hitRate(cache: string): number | undefined {
    const hits = this.increase("pavage_cache_requests_total", { cache, result: "hit" });
    const all = this.increase("pavage_cache_requests_total", { cache });
    return all > 0 ? hits / all : undefined;
  }
}
