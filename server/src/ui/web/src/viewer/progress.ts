/** The thin bar at the top while tiles are on their way. */
import type { TileEvents } from "./tiles";

export class Progress implements TileEvents {
  private pending = 0;
  private done = 0;

  constructor(private readonly bar: HTMLElement) {}

  started(): void {
    this.pending += 1;
    this.draw();
  }

  ended(): void {
    this.pending -= 1;
    this.done += 1;
    this.draw();
    if (this.pending === 0) this.done = 0;
  }

  private draw(): void {
    const share = this.pending === 0 ? 1 : (this.done + 0.5) / (this.done + this.pending);
    this.bar.style.transform = `scaleX(${share})`;
    this.bar.classList.toggle("busy", this.pending > 0);
  }
}
