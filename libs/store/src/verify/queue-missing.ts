import type { Findings } from './finding.js';
import type { QueueCheck } from './queue-check.js';
import type { QueueChecks } from './queue-checks.js';
import type { QueueSummary } from './queue-row-check.js';

/** Tells of records that have no entry in their queue. */
export function tellMissing(
  checks: QueueChecks,
  summaries: readonly QueueSummary[],
  { consumeQueuePath, mayBeBehind }: { consumeQueuePath: string; mayBeBehind: boolean },
  findings: Findings,
): void {
  const ends = new Map(summaries.map(({ topic, queueId, maxOffset }) => [`${topic}/${queueId}`, maxOffset]));
  for (const check of checks.all()) {
    const { topic, queueId, reader, missingCount } = check;
    if (missingCount === 0) continue;
    if (reader === undefined) {
      findings.add({
        kind: 'QUEUE_ABSENT',
        severity: 'notice',
        path: `${consumeQueuePath}/${topic}/${queueId}`,
        topic,
        queueId,
        count: missingCount,
        text: `${missingCount} messages of queue ${topic}-${queueId} are in the log, the queue has no files`,
        remedy:
          'so it is after the topic was deleted; if it was not, rocknest store repair --rebuild-queues brings them back',
      });
      continue;
    }
    tellOfQueue(check, ends.get(`${topic}/${queueId}`) ?? 0, mayBeBehind, findings);
  }
}

function tellOfQueue(check: QueueCheck, end: number, mayBeBehind: boolean, findings: Findings): void {
  const { topic, queueId, missingCount, firstMissing, lastMissing } = check;
  if (firstMissing === undefined || lastMissing === undefined) return;
  const isBehind = mayBeBehind && firstMissing.queueOffset >= end;
  findings.add({
    kind: 'QUEUE_ENTRY_MISSING',
    severity: isBehind ? 'notice' : 'damage',
    ...(check.reader?.place(firstMissing.queueOffset) ?? { path: '' }),
    topic,
    queueId,
    queueOffset: firstMissing.queueOffset,
    physicalOffset: firstMissing.physicalOffset,
    count: missingCount,
    text:
      `${missingCount} messages of queue ${topic}-${queueId}, from queue offset ${firstMissing.queueOffset} (log offset ${firstMissing.physicalOffset}) ` +
      `to ${lastMissing.queueOffset}, have no entry that points at them`,
    remedy: isBehind
      ? 'the next start dispatches them'
      : 'consumers do not get them; the consume queue is made again from the log: rocknest store repair',
  });
}
