import type { MessageExt, PopExtraInfo } from '@rocknest/protocol';

/** What ACK and CHANGE_INVISIBLETIME name a popped message by. */
export interface PopReceipt {
  /** The topic that was popped; `info.retry` says whether the message lies in it or in the group's retry topic of it. */
  readonly topic: string;
  /** The POP_CK text, as the broker made it or as its answer says. */
  readonly extraInfo: string;
  /** The parts of `extraInfo`; messages of one check point may share them, so the message's own offset need not be among them. */
  readonly info: PopExtraInfo;
  readonly queueOffset: number;
}

/**
 * WAITING: held, not handed out. RUNNING: with the listener. SETTLED: acknowledged, given back, or left to expire: nothing of it
 * counts any more.
 */
export type PopLeaseState = 'WAITING' | 'RUNNING' | 'SETTLED';

/**
 * The time for which one popped message is this member's alone. It is counted from the arrival here: the clocks of client and broker
 * may differ (RocketMQ compares the broker's pop time with the client's clock).
 */
export class PopLease {
  state: PopLeaseState = 'WAITING';
  /** What holds the message while it waits. */
  holder: { readonly paused: boolean } | undefined = undefined;
  expiresAtMs: number;
  readonly poppedAtMs: number;
  private currentReceipt: PopReceipt;
  private changing: Promise<boolean> | undefined = undefined;

  constructor(
    readonly message: MessageExt,
    receipt: PopReceipt,
    nowMs: number,
  ) {
    this.currentReceipt = receipt;
    this.poppedAtMs = nowMs;
    this.expiresAtMs = nowMs + receipt.info.invisibleTime;
  }

  /** The newest one; right only while no change is under way (`settledReceipt`). */
  get receipt(): PopReceipt {
    return this.currentReceipt;
  }

  get isChanging(): boolean {
    return this.changing !== undefined;
  }

  /** True when the broker may have given the message to another member. */
  hasExpired(nowMs: number): boolean {
    return nowMs >= this.expiresAtMs;
  }

  /** The broker does not count the message as this member's any more. */
  expire(): void {
    this.expiresAtMs = 0;
  }

  /**
   * Runs one change of the invisible time; its answer is the new receipt. An acknowledgement must name the newest receipt, so it waits for
   * the change under way.
   *
   * @returns false when the change failed: the receipt and the expiry stay as they were.
   */
  change(request: (receipt: PopReceipt) => Promise<PopReceipt>): Promise<boolean> {
    const change = async (): Promise<boolean> => {
      const sentAtMs = Date.now();
      try {
        this.currentReceipt = await request(this.currentReceipt);
        this.expiresAtMs = sentAtMs + this.currentReceipt.info.invisibleTime;
        return true;
      } catch {
        return false;
      }
    };
    const running = (this.changing ?? Promise.resolve(true)).then(change).finally(() => {
      if (this.changing === running) this.changing = undefined;
    });
    this.changing = running;
    return running;
  }

  /** The receipt after the change under way, if there is one. */
  async settledReceipt(): Promise<PopReceipt> {
    while (this.changing) await this.changing;
    return this.currentReceipt;
  }
}
