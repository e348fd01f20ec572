/** An instant for people. A damaged time stamp must not end a report. */
export function timeOf(timestampMs: number): string {
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? `time ${timestampMs}` : date.toISOString();
}
