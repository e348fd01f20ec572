import type { Connection } from '@rocknest/remoting';
import type { Clock } from '../clock.js';
import { HOLD_CHECK_INTERVAL_MS, HOLD_TIMEOUT_RESOLUTION_MS } from '../defaults.js';
import { DeadlineBuckets } from './deadline-buckets.js';

/** A pull that found nothing and waits for a message. It holds nothing of the received frame but what answering needs. */
export interface ParkedPull {
  readonly connection: Connection;
  readonly topic: string;
  readonly queueId: number;
  /** The queue offset that the pull asked for: a message there or behind it wakes the pull. */
  readonly queueOffset: number;
  /** Tests a tags code; undefined when every message matches. */
  readonly matches: ((tagsCode: number) => boolean) | undefined;
  /** When the pull is answered with what there is, in milliseconds since 1970. */
  readonly deadlineMs: number;
  /** Runs the pull once more; this time it is answered whatever it finds. */
  readonly resume: () => void;
  /** Answers "nothing found" at once, without reading: the broker is going down. */
  readonly dismiss: () => void;
}

export interface PullRequestHoldServiceOptions {
  /** Pulls parked at most. */
  readonly maxParked: number;
  readonly clock: Clock;
}

/**
 * Keeps pulls that found nothing until a message arrives in their queue that their filter lets through, or their time is over.
 * Arrivals of one loop turn wake a pull once, at the end of the turn, so that it finds all of them.
 *
 * Parked pulls cost memory and nothing else: one timer serves all, set to the next deadline, and nothing goes over them periodically.
 *
 * Follows `broker/longpolling/PullRequestHoldService.java`; time-outs are kept to 250 ms instead of the 5 s of the check.
 */
export class PullRequestHoldService {
  private readonly parked = new Map<string, Map<number, Set<ParkedPull>>>();
  private readonly deadlines = new DeadlineBuckets<ParkedPull>(HOLD_TIMEOUT_RESOLUTION_MS);
  private readonly ofConnection = new WeakMap<Connection, Set<ParkedPull>>();
  /** A message came for them, but their client did not read its socket. */
  private readonly passedOver = new Set<ParkedPull>();
  private woken: ParkedPull[] = [];
  private count = 0;
  private timer: NodeJS.Timeout | undefined = undefined;
  private timerMs = Infinity;
  private isClosed = false;

  constructor(private readonly options: PullRequestHoldServiceOptions) {}

  get parkedCount(): number {
    return this.count;
  }

  /** The broker goes down, and parks no pulls any more. */
  get closed(): boolean {
    return this.isClosed;
  }

  /** @returns false when the pull cannot be parked (the limit is reached, or the broker goes down): answer it now. */
  park(pull: ParkedPull): boolean {
    if (this.isClosed || this.count >= this.options.maxParked) return false;
    if (pull.connection.closed) return true;
    let queues = this.parked.get(pull.topic);
    if (queues === undefined) {
      queues = new Map<number, Set<ParkedPull>>();
      this.parked.set(pull.topic, queues);
    }
    const pulls = queues.get(pull.queueId);
    if (pulls === undefined) queues.set(pull.queueId, new Set<ParkedPull>([pull]));
    else pulls.add(pull);
    this.count++;
    this.pullsOf(pull.connection).add(pull);
    this.deadlines.add(pull);
    if (pull.deadlineMs < this.timerMs) this.startTimer(pull.deadlineMs);
    return true;
  }

  /** A message was stored. Called for each message: with nobody parked on its queue it costs a look-up. */
  notifyArrival(topic: string, queueId: number, queueOffset: number, tagsCode: number): void {
    if (this.count === 0) return;
    const pulls = this.parked.get(topic)?.get(queueId);
    if (pulls === undefined) return;
    for (const pull of pulls) {
      const wanted = queueOffset >= pull.queueOffset && (pull.matches === undefined || pull.matches(tagsCode));
      if (!wanted) continue;
      // A client that does not read its socket is looked at again later instead of being sent more.
      if (pull.connection.writable) this.wake(pull);
      else this.passOver(pull);
    }
  }

  /** Something other than a message has changed for the pulls of a queue: they run once more now. */
  wakeQueue(topic: string, queueId: number): void {
    for (const pull of this.parked.get(topic)?.get(queueId) ?? []) this.wake(pull);
  }

  /** Wakes the pulls whose time is over, and those passed over whose clients read again. */
  check(): void {
    const nowMs = this.options.clock();
    for (const pull of this.deadlines.due(nowMs)) this.wake(pull);
    for (const pull of this.passedOver) if (pull.connection.writable) this.wake(pull);
    this.stopTimer();
    const nextMs = this.deadlines.nextMs;
    if (nextMs !== undefined) this.startTimer(nextMs);
    if (this.passedOver.size > 0) this.startTimer(nowMs + HOLD_CHECK_INTERVAL_MS);
  }

  /** The broker goes down: every parked pull is answered "nothing found", and none is parked any more. */
  close(): void {
    this.isClosed = true;
    this.stopTimer();
    for (const queues of this.parked.values()) {
      for (const pulls of queues.values()) for (const pull of pulls) if (!pull.connection.closed) pull.dismiss();
    }
    this.parked.clear();
    this.deadlines.clear();
    this.passedOver.clear();
    this.count = 0;
  }

  /** The parked pulls of a connection; they go when it closes. */
  private pullsOf(connection: Connection): Set<ParkedPull> {
    const known = this.ofConnection.get(connection);
    if (known !== undefined) return known;
    const pulls = new Set<ParkedPull>();
    this.ofConnection.set(connection, pulls);
    connection.onClose(() => {
      for (const pull of pulls) this.leave(pull);
    });
    return pulls;
  }

  private passOver(pull: ParkedPull): void {
    this.passedOver.add(pull);
    this.startTimer(this.options.clock() + HOLD_CHECK_INTERVAL_MS);
  }

  /** Takes a pull out of all tables. */
  private leave(pull: ParkedPull): void {
    this.deadlines.delete(pull);
    this.passedOver.delete(pull);
    this.ofConnection.get(pull.connection)?.delete(pull);
    const queues = this.parked.get(pull.topic);
    const pulls = queues?.get(pull.queueId);
    if (queues === undefined || pulls?.delete(pull) !== true) return;
    this.count--;
    if (pulls.size > 0) return;
    queues.delete(pull.queueId);
    if (queues.size === 0) this.parked.delete(pull.topic);
  }

  private wake(pull: ParkedPull): void {
    this.leave(pull);
    if (this.woken.length === 0) queueMicrotask(() => this.resumeWoken());
    this.woken.push(pull);
  }

  private resumeWoken(): void {
    const woken = this.woken;
    this.woken = [];
    for (const pull of woken) if (!pull.connection.closed) pull.resume();
  }

  /** Looks at the given time, or earlier if the timer stands earlier. */
  private startTimer(atMs: number): void {
    if (atMs >= this.timerMs) return;
    clearTimeout(this.timer);
    this.timerMs = atMs;
    // Deadlines that lie close together share a look.
    const delayMs = Math.max(atMs - this.options.clock(), 0) + HOLD_TIMEOUT_RESOLUTION_MS;
    this.timer = setTimeout(() => this.check(), delayMs).unref();
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.timerMs = Infinity;
  }
}
