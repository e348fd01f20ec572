/** What travels: about `bytes` of JSON. */
export interface BenchEvent {
  n: number;
  /** `sharedNowMs()` right before `emit`. */
  sentMs: number;
  customer: string;
  text: string;
}

export const BENCH_TOPIC = 'bench-nest';

/** JSON of an event without its text: two numbers, names, quotes. */
const ENVELOPE_BYTES = 75;

export function eventText(bytes: number): string {
  return 'x'.repeat(Math.max(1, bytes - ENVELOPE_BYTES));
}
