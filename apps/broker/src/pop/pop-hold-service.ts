import type { Connection } from '@rocknest/remoting';
import type { Clock } from '../clock.js';
import { DeadlineBuckets } from '../pull/deadline-buckets.js';
import { POP_POLLING_RESOLUTION_MS } from './defaults.js';

/** A request that found nothing and waits for messages of a topic for a group. */
export interface ParkedPop {
  readonly connection: Connection;
  readonly topic: string;
  readonly group: string;
  /** -1: any queue. */
  readonly queueId: number;
  /** Tests a tags code; undefined when every message matches. */
  readonly matches: ((tagsCode: number) => boolean) | undefined;
  /** When it is answered whatever there is, in milliseconds since 1970. */
  readonly deadlineMs: number;
  /** Runs the request once more; it may park again. */
  readonly resume: () => void;
  /** Answers that nothing came, without looking. */
  readonly dismiss: () => void;
}

export type ParkResult = 'PARKED' | 'FULL' | 'TIMEOUT';

export interface PopHoldServiceOptions {
  /** Requests that wait in all. */
  readonly maxParked: number;
  /** Requests that wait for the same queue (or for any) of the same group. */
  readonly maxParkedPerQueue: number;
  /** Groups and queues for which requests wait. */
  readonly maxQueues: number;
  readonly clock: Clock;
}

/** Requests of one group that wait for one queue, or for any. */
interface Waiting {
  readonly pops: Set<ParkedPop>;
  /** One was woken in this turn of the event loop: it wakes the next when it leaves something. */
  woken: boolean;
}

/**
 * Keeps pops that found nothing until messages arrive or their time is over. An arrival wakes one pop of each group, for a message is for one of them;
 * a pop that leaves messages wakes the next. Closed connections' pops are forgotten.
 *
 * Follows `broker/longpolling/PopLongPollingService.java`.
 */
export class PopHoldService {
  private readonly topics = new Map<string, Map<string, Map<number, Waiting>>>();
  private readonly deadlines = new DeadlineBuckets<ParkedPop>(POP_POLLING_RESOLUTION_MS);
  private readonly ofConnection = new WeakMap<Connection, Set<ParkedPop>>();
  private wakes: { readonly pop: ParkedPop; readonly waiting: Waiting }[] = [];
  private count = 0;
  private queueCount = 0;
  private timer: NodeJS.Timeout | undefined = undefined;
  private timerMs = Infinity;
  private isClosed = false;

  constructor(private readonly options: PopHoldServiceOptions) {}

  get parkedCount(): number {
    return this.count;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Requests that wait for exactly this queue id (-1: for any queue). */
  waitingFor(topic: string, group: string, queueId: number): number {
    return this.topics.get(topic)?.get(group)?.get(queueId)?.pops.size ?? 0;
  }

  park(pop: ParkedPop): ParkResult {
    if (this.isClosed || pop.deadlineMs <= this.options.clock()) return 'TIMEOUT';
    if (this.count >= this.options.maxParked) return 'FULL';
    // Nobody is there to be answered, or to pop for.
    if (pop.connection.closed) return 'PARKED';
    const waiting = this.waiting(pop);
    if (waiting === undefined || waiting.pops.size >= this.options.maxParkedPerQueue) return 'FULL';
    waiting.pops.add(pop);
    this.count++;
    this.popsOf(pop.connection).add(pop);
    this.deadlines.add(pop);
    if (pop.deadlineMs < this.timerMs) this.startTimer(pop.deadlineMs);
    return 'PARKED';
  }

  /** A message was stored. Called for each message: with nobody waiting for its topic it costs a look-up. */
  notifyArrival(topic: string, queueId: number, tagsCode: number): void {
    if (this.count === 0) return;
    const groups = this.topics.get(topic);
    if (groups === undefined) return;
    for (const queues of groups.values()) {
      this.wakeOne(queues.get(-1), tagsCode);
      this.wakeOne(queues.get(queueId), tagsCode);
    }
  }

  /** There is something for a group whose kind is not known: a queue was freed, messages came back. One request for each queue id looks. */
  wakeGroup(topic: string, group: string): void {
    const queues = this.topics.get(topic)?.get(group);
    if (queues === undefined) return;
    for (const waiting of queues.values()) this.wakeOne(waiting);
  }

  /** A request left messages: the next one that waits for the same looks. */
  wakeNext(topic: string, group: string, queueId: number): void {
    this.wakeOne(this.topics.get(topic)?.get(group)?.get(queueId));
  }

  /** The broker goes down: everything that waits is answered, and nothing is parked any more. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    const parked = [...this.topics.values()].flatMap((groups) =>
      [...groups.values()].flatMap((queues) => [...queues.values()].flatMap(({ pops }) => [...pops])),
    );
    this.topics.clear();
    this.deadlines.clear();
    this.count = 0;
    this.queueCount = 0;
    for (const pop of parked) if (!pop.connection.closed) pop.dismiss();
  }

  private waiting({ topic, group, queueId }: ParkedPop): Waiting | undefined {
    const known = this.topics.get(topic)?.get(group)?.get(queueId);
    if (known !== undefined) return known;
    if (this.queueCount >= this.options.maxQueues) return undefined;
    let groups = this.topics.get(topic);
    if (groups === undefined) this.topics.set(topic, (groups = new Map<string, Map<number, Waiting>>()));
    let queues = groups.get(group);
    if (queues === undefined) groups.set(group, (queues = new Map<number, Waiting>()));
    const waiting = { pops: new Set<ParkedPop>(), woken: false };
    queues.set(queueId, waiting);
    this.queueCount++;
    return waiting;
  }

  private wakeOne(waiting: Waiting | undefined, tagsCode?: number): void {
    if (waiting === undefined || waiting.woken) return;
    let refused: ParkedPop['matches'];
    for (const pop of waiting.pops) {
      // A client that does not read its socket is left alone until its time is over.
      if (!pop.connection.writable) continue;
      if (tagsCode !== undefined && pop.matches !== undefined) {
        // Members of a group filter alike: what one does not want needs not be shown to all of them.
        if (pop.matches === refused) continue;
        if (!pop.matches(tagsCode)) {
          refused = pop.matches;
          continue;
        }
      }
      this.wake(pop, waiting);
      return;
    }
  }

  private wake(pop: ParkedPop, waiting: Waiting): void {
    this.leave(pop);
    waiting.woken = true;
    if (this.wakes.length === 0) queueMicrotask(() => this.resumeWoken());
    this.wakes.push({ pop, waiting });
  }

  private resumeWoken(): void {
    const { wakes } = this;
    this.wakes = [];
    for (const { waiting } of wakes) waiting.woken = false;
    for (const { pop } of wakes) if (!pop.connection.closed) pop.resume();
  }

  private popsOf(connection: Connection): Set<ParkedPop> {
    const known = this.ofConnection.get(connection);
    if (known !== undefined) return known;
    const pops = new Set<ParkedPop>();
    this.ofConnection.set(connection, pops);
    connection.onClose(() => {
      for (const pop of pops) this.leave(pop);
    });
    return pops;
  }

  private leave(pop: ParkedPop): void {
    this.deadlines.delete(pop);
    this.ofConnection.get(pop.connection)?.delete(pop);
    const groups = this.topics.get(pop.topic);
    const queues = groups?.get(pop.group);
    const waiting = queues?.get(pop.queueId);
    if (groups === undefined || queues === undefined || waiting?.pops.delete(pop) !== true) return;
    this.count--;
    if (waiting.pops.size > 0) return;
    queues.delete(pop.queueId);
    this.queueCount--;
    if (queues.size > 0) return;
    groups.delete(pop.group);
    if (groups.size === 0) this.topics.delete(pop.topic);
  }

  /** Wakes those whose time is over. */
  private check(): void {
    this.timerMs = Infinity;
    for (const pop of this.deadlines.due(this.options.clock())) {
      const waiting = this.topics.get(pop.topic)?.get(pop.group)?.get(pop.queueId);
      if (waiting !== undefined) this.wake(pop, waiting);
    }
    const nextMs = this.deadlines.nextMs;
    if (nextMs !== undefined) this.startTimer(nextMs);
  }

  private startTimer(atMs: number): void {
    if (atMs >= this.timerMs) return;
    clearTimeout(this.timer);
    this.timerMs = atMs;
    const delayMs = Math.max(atMs - this.options.clock(), 0) + POP_POLLING_RESOLUTION_MS;
    this.timer = setTimeout(() => this.check(), delayMs).unref();
  }
}
