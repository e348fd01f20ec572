import type { Handling } from './handling-log.js';

export interface ChurnReport {
  /** Handlings that ended well. */
  handled: number;
  /** Messages of which none did. */
  lost: number;
  /** Handlings that ended well of messages that had been handled before. */
  repeated: number;
  /** Of these: those after a member that had not been killed. */
  repeatedWithoutKill: number;
  /** Handlings that began while another one of the same queue ran. */
  overlaps: number;
  /** Handlings that began before an earlier message of their queue was handled, or went back without a new owner. */
  disordered: number;
  /** How often a queue came to another member. */
  handOvers: number;
  /** The first violations, in words. */
  examples: string[];
}

const MAX_EXAMPLES = 10;

function text({ member, queueId, offset, beginNs, endNs }: Handling): string {
  const ms = (ns: number): string => (ns / 1e6).toFixed(3);
  return `${member} on queue ${queueId} offset ${offset} from ${ms(beginNs)} to ${endNs === undefined ? 'its end' : ms(endNs)}`;
}

function newReport(): ChurnReport {
  return {
    handled: 0,
    lost: 0,
    repeated: 0,
    repeatedWithoutKill: 0,
    overlaps: 0,
    disordered: 0,
    handOvers: 0,
    examples: [],
  };
}

function violation(report: ChurnReport, kind: 'lost' | 'overlaps' | 'disordered', example: string): void {
  report[kind]++;
  if (report.examples.length < MAX_EXAMPLES) report.examples.push(`${kind}: ${example}`);
}

/** Every message of every queue must have been handled once at least. `sent` is the number of messages of each queue. */
function checkLoss(report: ChurnReport, handlings: readonly Handling[], queues: number, sent: number): void {
  const done = Array.from({ length: queues }, () => new Set<number>());
  for (const handling of handlings) {
    if (!handling.ok) continue;
    report.handled++;
    const seen = done[handling.queueId];
    if (seen.has(handling.number)) report.repeated++;
    seen.add(handling.number);
  }
  for (const [queueId, seen] of done.entries()) {
    for (let number = 0; number < sent; number++) {
      if (!seen.has(number)) violation(report, 'lost', `message ${number} of queue ${queueId}`);
    }
  }
}

/**
 * One queue of an orderly group. Its handlings, by the time at which they began, must not overlap, and must take the offsets one after the other:
 * the next one after a success, the same one after a failure. A member that takes the queue over may begin at any offset up to the next
 * one (what its former owner had not committed), and goes on in order from there. `diedNs` tells when members were dead that were killed.
 */
function checkQueue(
  report: ChurnReport,
  handlings: readonly Handling[],
  diedNs: ReadonlyMap<string, number>,
  mayRetake: (member: string) => boolean,
): void {
  let before: Handling | undefined;
  /** Where the owner must go on; and the first offset that nobody has handled. */
  let expected = 0;
  let unhandled = 0;
  for (const handling of handlings) {
    const tookOver = before?.member !== handling.member || (handling.offset < expected && mayRetake(handling.member));
    if (before) {
      const endNs = before.endNs ?? diedNs.get(before.member) ?? Infinity;
      if (handling.beginNs < endNs) violation(report, 'overlaps', `${text(handling)} while ${text(before)}`);
      if (tookOver) report.handOvers++;
    }
    const inOrder = tookOver ? handling.offset <= unhandled : handling.offset === expected;
    if (!inOrder) {
      const wanted = tookOver ? `up to ${unhandled}` : String(expected);
      violation(report, 'disordered', `${text(handling)}, expected offset ${wanted}`);
    }
    if (tookOver && before && handling.offset < unhandled && !diedNs.has(before.member)) {
      report.repeatedWithoutKill += unhandled - handling.offset;
    }
    expected = handling.ok ? handling.offset + 1 : handling.offset;
    unhandled = Math.max(unhandled, expected);
    before = handling;
  }
}

/**
 * Judges an orderly group.
 *
 * @param mayRetake members that may take a queue over from themselves. The Java client ignores the result of a handler that ends after its queue was
 * given up, so a queue that comes back brings that message again.
 */
export function checkOrderly(
  handlings: readonly Handling[],
  diedNs: ReadonlyMap<string, number>,
  queues: number,
  sent: number,
  mayRetake: (member: string) => boolean = () => false,
): ChurnReport {
  const report = newReport();
  checkLoss(report, handlings, queues, sent);
  for (let queueId = 0; queueId < queues; queueId++) {
    const own = handlings.filter((handling) => handling.queueId === queueId);
    checkQueue(
      report,
      own.sort((a, b) => a.beginNs - b.beginNs),
      diedNs,
      mayRetake,
    );
  }
  return report;
}

/** Judges a concurrent group: none lost. */
export function checkConcurrent(handlings: readonly Handling[], queues: number, sent: number): ChurnReport {
  const report = newReport();
  checkLoss(report, handlings, queues, sent);
  return report;
}
