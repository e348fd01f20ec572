import { Lane } from '../lean/lane.js';
import type { FrameTemplate } from '../lean/frames.js';

/** One send at a time beside a load: how long a producer waits. */
export class SendProbe {
  private stopped = false;
  private sentAt = 0;
  private readonly waitsMs: number[] = [];
  private lane: Lane | undefined;

  async start(address: string, template: FrameTemplate): Promise<void> {
    const next = (): FrameTemplate | undefined => {
      if (this.stopped) return undefined;
      this.sentAt = performance.now();
      return template;
    };
    this.lane = await Lane.open(address, 1, next, () => this.waitsMs.push(performance.now() - this.sentAt));
    this.lane.fill();
  }

  /** @returns the waits in ms, ascending. */
  stop(): number[] {
    this.stopped = true;
    this.lane?.close();
    return this.waitsMs.sort((a, b) => a - b);
  }
}
