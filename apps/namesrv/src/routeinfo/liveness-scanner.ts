import type { RouteInfoManager } from './route-info-manager.js';

/** Looks every few seconds for brokers that have gone silent. */
export class LivenessScanner {
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    private readonly routes: RouteInfoManager,
    private readonly intervalMs: number,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.routes.removeExpired(), this.intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
