import type { RunRecord, RunReport } from './run-record.js';

const count = (n: number): string => Math.round(n).toLocaleString('en-US');
const rate = (n: number, ms: number): string => `${count(ms > 0 ? (n / ms) * 1_000 : 0)}/s`;

/** One line of progress. */
export function progressLine(record: RunRecord, total: number, elapsedMs: number): string {
  const { sent, handled } = record;
  return `  ${(elapsedMs / 1_000).toFixed(1).padStart(5)} s   sent ${count(sent)} of ${count(total)} (${rate(sent, elapsedMs)})   handled ${count(handled)} (${rate(handled, elapsedMs)})`;
}

/** What came of a run. */
export function summary(report: RunReport): string {
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
  const lines = [
    `Sent      ${count(report.sent)} orders in ${seconds(report.sendMs)}: ${rate(report.sent, report.sendMs)}, each acknowledged by the broker`,
    `Handled   ${count(report.handled)} orders in ${seconds(report.handleMs)}: ${rate(report.handled, report.handleMs)}`,
    `Missing   ${count(report.missing)}`,
    `Latency   from the call of send to the handler's end: median ${report.p50Ms.toFixed(1)} ms, 99 % within ${report.p99Ms.toFixed(1)} ms`,
  ];
  if (report.failed > 0) lines.push(`Failed    ${count(report.failed)} sends; see the errors above`);
  if (report.again > 0) lines.push(`Twice     ${count(report.again)} came again (the bus delivers at least once)`);
  if (report.foreign > 0) lines.push(`Others    ${count(report.foreign)} orders of other runs came meanwhile`);
  return lines.join('\n');
}
