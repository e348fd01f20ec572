import { ResponseCode, type RemotingCommand } from '@rocknest/protocol';
import { NAMESRV_DOUBT_MS, NAMESRV_FAILOVER_TIMEOUT_MS } from '../defaults.js';
import { errorText, MQClientError, MQClientErrorCode } from '../errors.js';
import type { ClientTransport } from '../instance/transport.js';
import { delay } from '../support/concurrency.js';

export interface NamesrvClientOptions {
  addresses: readonly string[];
  /** ms for a request to the last namesrv that is left; the others get `failoverTimeoutMs`. */
  timeoutMs: number;
  failoverTimeoutMs?: number;
  /** 0 <= x < 1; the list is shuffled with it, so that clients spread over the namesrvs. */
  random?: () => number;
}

/** Codes that say something about the namesrv that answers, not about what was asked: another namesrv may do better. */
const UNUSABLE: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.GO_AWAY,
]);

function shuffled(addresses: readonly string[], random: () => number): string[] {
  const list = [...addresses];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

/**
 * Asks namesrvs: a shuffled list, sticky to the one that answered last, going on to the next at a failure. One that accepts
 * connections and never answers costs `failoverTimeoutMs` once in a while and is asked last then; a request ends after
 * `(n - 1) * failoverTimeoutMs + timeoutMs` at the latest (RocketMQ: `NettyRemotingClient.getAndCreateNameserverChannel`).
 */
export class NamesrvClient {
  readonly addresses: readonly string[];
  private current = 0;
  /** By index: when it last failed to answer. */
  private readonly failedAtMs: (number | undefined)[] = [];
  private readonly timeoutMs: number;
  private readonly failoverTimeoutMs: number;

  constructor(
    private readonly transport: Pick<ClientTransport, 'invoke'>,
    options: NamesrvClientOptions,
  ) {
    this.addresses = shuffled(options.addresses, options.random ?? Math.random);
    this.timeoutMs = options.timeoutMs;
    this.failoverTimeoutMs = Math.min(options.failoverTimeoutMs ?? NAMESRV_FAILOVER_TIMEOUT_MS, options.timeoutMs);
  }

  /** The namesrv that the next request goes to first. */
  get currentAddress(): string {
    return this.addresses[this.current];
  }

  /**
   * The first answer that `acceptable` likes (default: every answer that isn't about the namesrv's own trouble), or else the last
   * answer there was: namesrvs know nothing of each other, so "no route" of one is not the truth of all.
   *
   * @param command makes the request; called once for each namesrv that is asked, because a command is sent once.
   * @throws MQClientError NAMESRV_UNREACHABLE when none answered, with the failure of each.
   */
  async invoke(
    command: () => RemotingCommand,
    acceptable: (response: RemotingCommand) => boolean = (response) => !UNUSABLE.has(response.code),
  ): Promise<RemotingCommand> {
    const failures: string[] = [];
    let last: RemotingCommand | undefined;
    let cause: unknown;
    const order = this.order();
    for (let i = 0; i < order.length; i++) {
      const index = order[i];
      // There is an answer already, and this one would most likely only cost its time-out.
      if (last && this.isDoubtful(index)) continue;
      const address = this.addresses[index];
      const timeoutMs = i === order.length - 1 && !last ? this.timeoutMs : this.failoverTimeoutMs;
      try {
        const response = await this.transport.invoke(address, command(), timeoutMs);
        this.failedAtMs[index] = undefined;
        if (acceptable(response)) {
          this.current = index;
          return response;
        }
        last = response;
        if (UNUSABLE.has(response.code)) this.leave(index);
      } catch (error) {
        cause = error;
        failures.push(`${address}: ${errorText(error)}`);
        this.failedAtMs[index] = Date.now();
        this.leave(index);
      }
    }
    if (last) return last;
    throw new MQClientError(
      MQClientErrorCode.NAMESRV_UNREACHABLE,
      `no namesrv answered (${failures.join('; ')}); is one running at ${this.addresses.join(';')}?`,
      { retriable: true, cause, details: { addresses: [...this.addresses] } },
    );
  }

  /**
   * Asks until one namesrv answers anything, in at most `attempts` rounds with `intervalMs` between them.
   *
   * @throws MQClientError NAMESRV_UNREACHABLE after the last round.
   */
  async probe(command: () => RemotingCommand, attempts: number, intervalMs: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.invoke(command);
        return;
      } catch (error) {
        if (attempt >= attempts) throw error;
        await delay(intervalMs);
      }
    }
  }

  /** The list from the current one on, those that failed of late at its end. */
  private order(): number[] {
    const count = this.addresses.length;
    const rotated = Array.from({ length: count }, (_, i) => (this.current + i) % count);
    return [...rotated.filter((i) => !this.isDoubtful(i)), ...rotated.filter((i) => this.isDoubtful(i))];
  }

  private isDoubtful(index: number): boolean {
    const failedAtMs = this.failedAtMs[index];
    return failedAtMs !== undefined && Date.now() - failedAtMs < NAMESRV_DOUBT_MS;
  }

  /** The next request begins at the namesrv after `index`, unless another request has moved on already. */
  private leave(index: number): void {
    if (this.current === index) this.current = (index + 1) % this.addresses.length;
  }
}
