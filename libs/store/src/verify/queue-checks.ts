import type { HandlePool } from '../io/handle-pool.js';
import { hasQueueEntry } from '../dispatch/tags-code.js';
import type { DispatchRequest } from '../dispatch/dispatch-request.js';
import type { Findings } from './finding.js';
import { QueueCheck } from './queue-check.js';
import { QueueReader } from './queue-reader.js';
import type { StoreSurvey } from './store-survey.js';

/** Entries read at once for one queue: many for few queues, few for many, so that all of them together stay within the budget. */
const MAX_WINDOW_ENTRIES = 4_096;
const MIN_WINDOW_ENTRIES = 32;
const WINDOW_BUDGET_ENTRIES = 2_000_000;

/** The queues of a store while the log is walked over. */
export class QueueChecks {
  private readonly byTopic = new Map<string, Map<number, QueueCheck>>();
  private readonly windowEntries: number;
  private readonly maxBuffers: number;
  private buffers = 0;
  private uses = 0;

  constructor(
    survey: StoreSurvey,
    handles: HandlePool,
    private readonly findings: Findings,
  ) {
    for (const queue of survey.queues) {
      const reader = new QueueReader(queue, survey.fileEntries, handles);
      this.add(new QueueCheck(queue.topic, queue.queueId, reader, findings));
    }
    const share = Math.floor(WINDOW_BUDGET_ENTRIES / Math.max(1, survey.queues.length));
    this.windowEntries = Math.min(MAX_WINDOW_ENTRIES, Math.max(MIN_WINDOW_ENTRIES, share));
    this.maxBuffers = Math.ceil(WINDOW_BUDGET_ENTRIES / this.windowEntries);
  }

  *all(): Generator<QueueCheck> {
    for (const queues of this.byTopic.values()) yield* queues.values();
  }

  match(record: DispatchRequest): void {
    if (!hasQueueEntry(record.sysFlag)) return;
    const check =
      this.byTopic.get(record.topic)?.get(record.queueId) ??
      this.add(new QueueCheck(record.topic, record.queueId, undefined, this.findings));
    const hadBuffer = check.hasBuffer;
    check.lastUse = ++this.uses;
    check.match(record, this.windowEntries);
    if (!hadBuffer && check.hasBuffer && ++this.buffers > this.maxBuffers) this.releaseHalf();
  }

  releaseAll(): void {
    for (const check of this.all()) check.releaseBuffer();
    this.buffers = 0;
  }

  private add(check: QueueCheck): QueueCheck {
    let queues = this.byTopic.get(check.topic);
    if (queues === undefined) {
      queues = new Map<number, QueueCheck>();
      this.byTopic.set(check.topic, queues);
    }
    queues.set(check.queueId, check);
    return check;
  }

  private releaseHalf(): void {
    const held = [...this.all()].filter((check) => check.hasBuffer).sort((a, b) => a.lastUse - b.lastUse);
    for (const check of held.slice(0, held.length >> 1)) {
      check.releaseBuffer();
      this.buffers--;
    }
  }
}
