import type { RawConnection } from '../../support/raw-remoting.js';
import type { RawRecord } from '../../support/raw-record.js';
import { minOffset, readQueue } from '../../support/raw-requests.js';
import type { Acknowledged } from './crash-sender.js';
import { sequenceOf } from './numbered-body.js';

export interface CrashReport {
  stored: number;
  acknowledged: number;
  /** Acknowledged, and not at the place that the broker named. */
  missing: number;
  /** Acknowledged, and deleted by retention since. */
  deleted: number;
  /** Stored with other bytes than were sent. */
  changed: number;
  /** Steps between neighbours of a queue that are not exactly one. */
  holes: number;
  /** Neighbours of a queue whose physical offsets don't grow. */
  disordered: number;
  /** The same message twice. */
  repeated: number;
  /** Stored, but the answer didn't get out before the kill: allowed. */
  unacknowledged: number;
  examples: string[];
}

const MAX_EXAMPLES = 5;

/**
 * Reads every queue from its min to its max offset and compares it with what was acknowledged.
 *
 * @param mayStartLater retention deletes: a queue may begin behind 0, and what was acknowledged before its minimum is not looked for.
 */
export async function checkQueues(
  connection: RawConnection,
  topic: string,
  queues: number,
  acknowledged: readonly Acknowledged[],
  mayStartLater = false,
): Promise<CrashReport> {
  const report: CrashReport = {
    stored: 0,
    acknowledged: acknowledged.length,
    missing: 0,
    deleted: 0,
    changed: 0,
    holes: 0,
    disordered: 0,
    repeated: 0,
    unacknowledged: 0,
    examples: [],
  };
  const note = (text: string): void => {
    if (report.examples.length < MAX_EXAMPLES) report.examples.push(text);
  };
  const places = new Map<string, RawRecord>();
  const sequences = new Set<number>();
  const minOffsets = new Map<number, number>();
  for (let queueId = 0; queueId < queues; queueId++) {
    let previous: RawRecord | undefined;
    const first = mayStartLater ? await minOffset(connection, topic, queueId) : 0;
    minOffsets.set(queueId, first);
    for (const record of await readQueue(connection, topic, queueId)) {
      report.stored++;
      places.set(`${queueId}/${record.queueOffset}`, record);
      const sequence = sequenceOf(record.body);
      if (sequence < 0 || record.topic !== topic || record.queueId !== queueId) {
        report.changed++;
        note(`queue ${queueId} offset ${record.queueOffset} holds other bytes than were sent`);
      } else if (sequences.has(sequence)) {
        report.repeated++;
        note(`message ${sequence} is stored twice`);
      }
      sequences.add(sequence);
      const expected = previous === undefined ? first : previous.queueOffset + 1;
      if (record.queueOffset !== expected) {
        report.holes++;
        note(`queue ${queueId} has offset ${record.queueOffset} where ${expected} was due`);
      }
      if (previous !== undefined && record.physicalOffset <= previous.physicalOffset) {
        report.disordered++;
        note(`queue ${queueId} offset ${record.queueOffset} lies before its predecessor in the log`);
      }
      previous = record;
    }
  }
  for (const message of acknowledged) {
    if (message.queueOffset < (minOffsets.get(message.queueId) ?? 0)) {
      report.deleted++;
      continue;
    }
    const record = places.get(`${message.queueId}/${message.queueOffset}`);
    const same =
      record !== undefined &&
      sequenceOf(record.body) === message.sequence &&
      record.physicalOffset === message.physicalOffset;
    if (same) continue;
    report.missing++;
    note(`message ${message.sequence} is not at queue ${message.queueId} offset ${message.queueOffset}`);
  }
  report.unacknowledged = report.stored - (report.acknowledged - report.deleted - report.missing);
  return report;
}
