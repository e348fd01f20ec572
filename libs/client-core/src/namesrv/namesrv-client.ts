import { ResponseCode, type RemotingCommand } from '@rocknest/protocol';
import { NAMESRV_FAILOVER_TIMEOUT_MS } from '../defaults.js';
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
 * connections and never answers costs `failoverTimeoutMs` and is left then, so a request ends after
 * `(n - 1) * failoverTimeoutMs + timeoutMs` at the latest (RocketMQ: `NettyRemotingClient.getAndCreateNameserverChannel`).
 */
export class NamesrvClient {
  readonly addresses: readonly string[];
  private current = 0;
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
    const count = this.addresses.length;
    let last: RemotingCommand | undefined;
    let cause: unknown;
    let index = this.current;
    for (let asked = 0; asked < count; asked++, index = (index + 1) % count) {
      const address = this.addresses[index];
      try {
        const timeoutMs = asked === count - 1 ? this.timeoutMs : this.failoverTimeoutMs;
        const response = await this.transport.invoke(address, command(), timeoutMs);
        if (acceptable(response)) {
          this.current = index;
          return response;
        }
        last = response;
        if (UNUSABLE.has(response.code)) this.leave(index);
      } catch (error) {
        cause = error;
        failures.push(`${address}: ${errorText(error)}`);
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

  /** The next request begins at the namesrv after `index`, unless another request has moved on already. */
  private leave(index: number): void {
    if (this.current === index) this.current = (index + 1) % this.addresses.length;
  }
}
