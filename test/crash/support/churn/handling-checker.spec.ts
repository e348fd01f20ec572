import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkConcurrent, checkOrderly } from '../../../support/handling-checker.js';
import { HandlingLog, readHandlings, type Handling } from '../../../support/handling-log.js';

const DEAD = new Map([['killed', 1_000]]);

/** Handlings of queue 0 that follow each other, 10 ns each: `a0` is member a on offset 0, `a0!` fails, `a0?` never ends. */
function history(...steps: string[]): Handling[] {
  return steps.map((step, index) => {
    const [, member, offset, mark] = /^([a-z]+)(\d+)([!?]?)$/.exec(step)!;
    return {
      member,
      queueId: 0,
      offset: Number(offset),
      number: Number(offset),
      beginNs: index * 20,
      endNs: mark === '?' ? undefined : index * 20 + 10,
      ok: mark === '',
    };
  });
}

const check = (handlings: Handling[], sent = 3) => checkOrderly(handlings, DEAD, 1, sent);
const GOOD = { lost: 0, overlaps: 0, disordered: 0, examples: [] };

describe('checkOrderly', () => {
  it('is content with order, failures that come again, and hand-overs', () => {
    expect(check(history('a0', 'a1!', 'a1', 'a2'))).toMatchObject({ ...GOOD, handled: 3, repeated: 0 });
    expect(check(history('a0', 'b1', 'a2'))).toMatchObject({ ...GOOD, handOvers: 2, repeatedWithoutKill: 0 });
  });

  it('lets a new owner begin with what was not committed, and counts it', () => {
    expect(check(history('a0', 'a1', 'b0', 'b1', 'b2'))).toMatchObject({
      ...GOOD,
      repeated: 2,
      repeatedWithoutKill: 2,
    });
    const handlings = history('killed0', 'killed1?', 'b0', 'b1', 'b2');
    for (const handling of handlings.slice(2)) {
      handling.beginNs += 2_000;
      handling.endNs! += 2_000;
    }
    expect(check(handlings)).toMatchObject({ ...GOOD, repeated: 1, repeatedWithoutKill: 0 });
  });

  it('lets a member go back only where it may take a queue over from itself, and then in order too', () => {
    const judge = (...steps: string[]) => checkOrderly(history(...steps), DEAD, 1, 3, (member) => member === 'j');
    expect(judge('j0', 'j1', 'j1', 'j2')).toMatchObject({ ...GOOD, repeated: 1, handOvers: 1 });
    expect(judge('j0', 'j1', 'j0', 'j2')).toMatchObject({ disordered: 1 });
    expect(judge('a0', 'a1', 'a1', 'a2')).toMatchObject({ disordered: 1 });
  });

  it.each([
    ['a gap', history('a0', 'a2', 'a1')],
    ['a gap at a hand-over', history('a0', 'b2', 'b1')],
    ['a step back without a new owner', history('a0', 'a1', 'a0', 'a1', 'a2')],
    ['a message after one that failed', history('a0!', 'a1', 'a0', 'a2')],
    ['a new owner that leaves some out', history('a0', 'a1', 'b0', 'b2')],
  ])('sees %s', (_what, handlings) => {
    const report = check(handlings);
    expect(report.disordered).toBeGreaterThan(0);
    expect(report.examples[0]).toMatch(/^disordered: [ab] on queue 0 offset \d/);
  });

  it('sees two members, and two handlers of one member, on a queue at the same moment', () => {
    for (const second of ['b', 'a']) {
      const handlings = history('a0', `${second}1`, 'a2');
      handlings[0].endNs = handlings[1].beginNs + 1;
      expect(check(handlings)).toMatchObject({ overlaps: 1, examples: [expect.stringMatching(/^overlaps: /)] });
    }
  });

  it('sees a handler that began before the former owner was dead, or whose former owner never ended', () => {
    expect(check(history('killed0?', 'b0', 'b1', 'b2'))).toMatchObject({ overlaps: 1 });
    expect(check(history('a0?', 'b0', 'b1', 'b2'))).toMatchObject({ overlaps: 1 });
  });

  it('sees a message that was lost, also one whose only handler failed', () => {
    expect(check(history('a0', 'a1'))).toMatchObject({ lost: 1, examples: ['lost: message 2 of queue 0'] });
    expect(check(history('a0', 'a1', 'a2!'))).toMatchObject({ lost: 1 });
    expect(check([])).toMatchObject({ lost: 3 });
  });

  it('keeps queues apart', () => {
    const other = history('b0', 'b1', 'b2').map((handling) => ({ ...handling, queueId: 1 }));
    expect(checkOrderly([...history('a0', 'a1', 'a2'), ...other], DEAD, 2, 3)).toMatchObject(GOOD);
  });
});

describe('checkConcurrent', () => {
  it('asks only that none is lost', () => {
    expect(checkConcurrent(history('a2', 'b0', 'a1', 'a1'), 1, 3)).toMatchObject({ ...GOOD, repeated: 1 });
    expect(checkConcurrent(history('a2', 'b0'), 1, 3)).toMatchObject({ lost: 1 });
  });
});

it('a log is read as it was written, up to the line that a kill cut off', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rocknest-log-'));
  try {
    const path = join(folder, 'member');
    const log = new HandlingLog(path);
    log.begins(3, 7, 8);
    log.begins(4, 1, 1);
    log.ends(3, 7, false);
    log.begins(3, 7, 8);
    log.ends(3, 7, true);
    appendFileSync(path, 'E 123 4');
    expect(readHandlings(path, 'm')).toMatchObject([
      { member: 'm', queueId: 3, offset: 7, number: 8, ok: false, endNs: expect.any(Number) },
      { queueId: 4, offset: 1, ok: false, endNs: undefined },
      { queueId: 3, offset: 7, ok: true },
    ]);
    appendFileSync(path, '\nE 123 9 9 1\n');
    expect(() => readHandlings(path, 'm')).toThrow(/E 123 4: this handling never began|never began/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
