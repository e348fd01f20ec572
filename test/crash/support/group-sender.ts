import { RawConnection, type RawResponse } from '../../support/raw-remoting.js';
import { sendMessage } from '../../support/raw-requests.js';
import type { Acknowledged } from './crash-sender.js';
import { numberedBody } from './numbered-body.js';

const LANES = 32;
/** A member that is stopped answers nothing. */
const PATIENCE_MS = 1_000;
const PAUSE_MS = 20;
const PHYSICAL_OFFSET_DIGITS = 16;

/** Sends numbered messages to whichever member of a group takes them, never the same twice, and keeps what was acknowledged, where, and when. */
export class GroupSender {
  readonly acknowledged: Acknowledged[] = [];
  /** The longest time between two acknowledgements. */
  longestPauseMs = 0;
  /** Acknowledgements of each member. */
  readonly byMember = new Map<string, number>();
  private lastAckMs = performance.now();
  private sent = 0;
  private running = true;
  private lanes: Promise<void>[] = [];
  private readonly connections = new Map<string, RawConnection>();

  constructor(
    private readonly topic: string,
    private readonly queues: number,
    private readonly addresses: readonly string[],
  ) {}

  start(): void {
    this.lastAckMs = performance.now();
    this.lanes = Array.from({ length: LANES }, (_, lane) => this.lane(lane));
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.lanes);
    for (const connection of this.connections.values()) connection.close();
  }

  /** Begins to look for the longest pause anew. */
  resetPause(): void {
    this.longestPauseMs = 0;
  }

  countOf(address: string): number {
    return this.byMember.get(address) ?? 0;
  }

  private async lane(lane: number): Promise<void> {
    let at = lane;
    while (this.running) {
      const address = this.addresses[at % this.addresses.length];
      if (await this.send(address)) continue;
      at++;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  private async send(address: string): Promise<boolean> {
    const sequence = this.sent++;
    const queueId = sequence % this.queues;
    let timer: NodeJS.Timeout | undefined;
    try {
      const connection = await this.connect(address);
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('no answer')), PATIENCE_MS);
      });
      const answer = sendMessage(connection, this.topic, queueId, numberedBody(sequence)).then((response) => {
        // Also when nobody waits for it any more: it was promised.
        this.take(response, sequence, queueId, address);
        return response;
      });
      answer.catch(() => undefined);
      return (await Promise.race([answer, late])).code === 0;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  private async connect(address: string): Promise<RawConnection> {
    const known = this.connections.get(address);
    if (known !== undefined && !known.closed) return known;
    const connection = await RawConnection.open(address);
    this.connections.set(address, connection);
    return connection;
  }

  private take({ code, fields }: RawResponse, sequence: number, queueId: number, address: string): void {
    if (code !== 0) return;
    const nowMs = performance.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - this.lastAckMs);
    this.lastAckMs = nowMs;
    this.byMember.set(address, this.countOf(address) + 1);
    this.acknowledged.push({
      sequence,
      queueId,
      queueOffset: Number(fields.queueOffset),
      physicalOffset: Number.parseInt(fields.msgId.slice(-PHYSICAL_OFFSET_DIGITS), 16),
    });
  }
}
