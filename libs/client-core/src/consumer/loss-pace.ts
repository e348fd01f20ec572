import { PULL_DELAY_AFTER_CONNECTION_LOSS_MS, PULL_DELAY_AFTER_ERROR_MS } from '../defaults.js';
import { MQClientError, MQClientErrorCode } from '../errors.js';

/** How long a loop waits after a failure: shortly when the broker is gone, because another one may serve the queue; at length after anything else. */
export class LossPace {
  private lossesInARow = 0;

  /** The broker answered. */
  reset(): void {
    this.lossesInARow = 0;
  }

  /** @returns ms until the next request. */
  after(error: Error): number {
    const isLoss =
      error instanceof MQClientError &&
      (error.code === MQClientErrorCode.CONNECTION_FAILED || error.code === MQClientErrorCode.BROKER_NOT_FOUND);
    if (!isLoss) return PULL_DELAY_AFTER_ERROR_MS;
    const delayMs = PULL_DELAY_AFTER_CONNECTION_LOSS_MS * 2 ** this.lossesInARow++;
    return Math.min(delayMs, PULL_DELAY_AFTER_ERROR_MS);
  }
}
