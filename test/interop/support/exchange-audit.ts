import { decodeRecords } from '../../support/raw-record.js';
import { RawConnection } from '../../support/raw-remoting.js';
import { maxOffset, minOffset, pull } from '../../support/raw-requests.js';
import type { ExchangeLedger } from './exchange-ledger.js';

export interface AuditedTopic {
  readonly topic: string;
  readonly queues: number;
  /** Its messages were sent by an ExchangeSender to just these queues. */
  readonly numbered: boolean;
}

export interface AuditReport {
  messages: number;
  bytes: number;
  milliseconds: number;
  /** The first few things that are wrong. */
  problems: string[];
}

const MAX_PROBLEMS = 5;
const ANSWER_TIMEOUT_MS = 60_000;
const QUEUES_AT_A_TIME = 6;
/** What the Java broker is configured to give at once; ours gives fewer. */
const PULL_MESSAGES = 500;

/**
 * Reads every queue from its first to its last message with raw pulls: offsets in a row, no hole, every CRC right, every body and property
 * as it was sent, every record byte for byte as the audit before saw it, and nothing missing that was acknowledged.
 */
export async function auditQueues(
  address: string,
  topics: readonly AuditedTopic[],
  ledger: ExchangeLedger,
): Promise<AuditReport> {
  const startedAt = performance.now();
  const report: AuditReport = { messages: 0, bytes: 0, milliseconds: 0, problems: [] };
  const left = topics.flatMap((topic) => Array.from({ length: topic.queues }, (_, queueId) => ({ ...topic, queueId })));
  const lane = async (): Promise<void> => {
    const connection = await RawConnection.open(address);
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      await auditQueue(connection, next.topic, next.queueId, next.numbered, ledger, report);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: QUEUES_AT_A_TIME }, lane));
  report.milliseconds = Math.round(performance.now() - startedAt);
  return report;
}

async function auditQueue(
  connection: RawConnection,
  topic: string,
  queueId: number,
  numbered: boolean,
  ledger: ExchangeLedger,
  report: AuditReport,
): Promise<void> {
  const note = (problem: string): void => {
    if (report.problems.length < MAX_PROBLEMS) report.problems.push(`${topic}-${queueId}: ${problem}`);
  };
  let offset = await minOffset(connection, topic, queueId);
  const end = await maxOffset(connection, topic, queueId);
  if (numbered && end !== ledger.countOf(topic, queueId))
    note(`${end} messages instead of ${ledger.countOf(topic, queueId)}`);
  while (offset < end) {
    const { code, remark, body } = await answered(
      pull(connection, topic, queueId, offset, PULL_MESSAGES),
      `the pull of ${topic}-${queueId} at ${offset}`,
    );
    if (code !== 0) return note(`a pull at ${offset} below ${end} was answered ${code} ${remark ?? ''}`);
    let at = 0;
    for (const record of decodeRecords(body)) {
      const bytes = body.subarray(at, at + record.sizeBytes);
      at += record.sizeBytes;
      if (record.queueOffset !== offset || record.topic !== topic || record.queueId !== queueId)
        return note(`${record.topic}-${record.queueId} offset ${record.queueOffset} stands where ${offset} was due`);
      const problem = ledger.check(record, bytes, numbered);
      if (problem !== undefined) note(`offset ${offset} ${problem}`);
      report.messages++;
      report.bytes += record.sizeBytes;
      offset++;
    }
  }
}

/** Fails with a name where an answer never comes: the broker would only close the silent connection minutes later. */
async function answered<T>(answer: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} was not answered`)), ANSWER_TIMEOUT_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
