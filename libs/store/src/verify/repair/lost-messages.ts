import { BLANK_MIN_BYTES } from '@rocknest/protocol';
import type { HandlePool } from '../../io/handle-pool.js';
import { MIN_RECORD_BYTES } from '../../commit-log/record-check.js';
import { QueueReader } from '../queue-reader.js';
import type { StoreSurvey } from '../store-survey.js';
import type { QueueSummary } from '../queue-row-check.js';

/** A message of which only its queue entry is left. */
export interface LostMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly sizeBytes: number;
}

/** A damaged part of the log within one segment. */
export interface LostRange {
  readonly fromOffset: number;
  readonly toOffset: number;
}

/** What the consume queues know of messages in damaged parts of the log. */
export class LostMessages {
  private readonly queues: readonly StoreSurvey['queues'][number][];

  constructor(
    private readonly survey: StoreSurvey,
    summaries: readonly QueueSummary[],
    private readonly handles: HandlePool,
  ) {
    const losing = new Set(summaries.filter(({ lost }) => lost > 0).map(({ topic, queueId }) => `${topic}/${queueId}`));
    this.queues = survey.queues.filter(({ topic, queueId }) => losing.has(`${topic}/${queueId}`));
  }

  /** Of one range, in the order of the log: those that can have stood there. */
  of(range: LostRange): LostMessage[] {
    const found: LostMessage[] = [];
    for (const queue of this.queues) {
      const reader = new QueueReader(queue, this.survey.fileEntries, this.handles);
      let previous = -1;
      for (const start of reader.starts) {
        for (const window of reader.windows(start)) {
          for (let queueOffset = window.fromOffset; queueOffset < window.toOffset; queueOffset++) {
            if (!window.holdsRecord(queueOffset)) continue;
            const physicalOffset = window.physicalOffset(queueOffset);
            // An entry out of order is damaged itself.
            if (physicalOffset <= previous) continue;
            previous = physicalOffset;
            if (physicalOffset < range.fromOffset || physicalOffset >= range.toOffset) continue;
            const sizeBytes = window.sizeBytes(queueOffset);
            found.push({ topic: queue.topic, queueId: queue.queueId, queueOffset, physicalOffset, sizeBytes });
          }
        }
      }
    }
    found.sort((a, b) => a.physicalOffset - b.physicalOffset);
    // The end of a segment is its filler.
    const isWholeRest = range.toOffset % this.survey.segmentSizeBytes === 0;
    const toOffset = isWholeRest ? range.toOffset - BLANK_MIN_BYTES : range.toOffset;
    return withoutOverlaps(found, { fromOffset: range.fromOffset, toOffset });
  }
}

function withoutOverlaps(found: readonly LostMessage[], { fromOffset, toOffset }: LostRange): LostMessage[] {
  const kept: LostMessage[] = [];
  let end = fromOffset;
  for (const message of found) {
    const { physicalOffset, sizeBytes } = message;
    if (physicalOffset < end || sizeBytes < MIN_RECORD_BYTES || physicalOffset + sizeBytes > toOffset) continue;
    kept.push(message);
    end = physicalOffset + sizeBytes;
  }
  return kept;
}
