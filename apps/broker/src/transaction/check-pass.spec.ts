import { MessageConst, TRANS_CHECK_MAX_TIME_TOPIC, TRANS_HALF_TOPIC } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHECK_MAX, HalfFixture, REAL_TOPIC, TIMEOUT_MS } from './testing/half-fixture.js';

let fixture: HalfFixture;
beforeEach(async () => {
  fixture = new HalfFixture();
  await fixture.open();
});
afterEach(() => fixture.remove());

const later = (): void => {
  fixture.aheadMs += TIMEOUT_MS + 1_000;
};
const askedAbout = (): string[] => fixture.asked.map(({ half }) => half.msgId);

describe('CheckPass', () => {
  it('leaves young half messages, and those behind them, for the next look', async () => {
    await fixture.half('A');
    await fixture.half('B');
    fixture.aheadMs = TIMEOUT_MS / 2;
    await fixture.run();
    expect([fixture.done, askedAbout()]).toEqual([0, []]);
  });

  it('asks about each open one, from a copy at the end of the queue, and passes those that are ended', async () => {
    const a = await fixture.half('A');
    await fixture.half('B');
    const c = await fixture.half('C');
    await fixture.end.end(fixture.request(a, 'commit'));
    await fixture.end.end(fixture.request(c, 'rollback'));
    later();
    await fixture.run();
    expect(fixture.asked).toMatchObject([{ half: { msgId: 'B', queueOffset: 1 }, place: 3, times: '1' }]);
    expect(fixture.done).toBe(3);
    // The copy is asked about in its turn, and counted.
    later();
    await fixture.run();
    expect(fixture.asked[1]).toMatchObject({ half: { msgId: 'B', queueOffset: 3 }, place: 4, times: '2' });
    expect((await fixture.marks()).join('').split(',').filter(Boolean).map(Number).sort()).toEqual([0, 1, 2, 3]);
    expect((await fixture.messages(REAL_TOPIC)).map(({ msgId }) => msgId)).toEqual(['A']);
  });

  it('sets aside what was asked about often enough, and what is about to be deleted', async () => {
    await fixture.half('A', { [MessageConst.TRANSACTION_CHECK_TIMES]: String(CHECK_MAX) });
    await fixture.half('B');
    fixture.aheadMs = 3_600_001;
    await fixture.run();
    expect((await fixture.messages(TRANS_CHECK_MAX_TIME_TOPIC)).map(({ msgId }) => msgId)).toEqual(['A', 'B']);
    expect([fixture.done, askedAbout()]).toEqual([2, []]);
    expect(fixture.warnings[0]).toContain('producer group shop');
  });

  it('keeps those within their immunity at the end of the queue without asking, and finds them ended by their first place', async () => {
    const half = await fixture.half('A', { [MessageConst.CHECK_IMMUNITY_TIME_IN_SECONDS]: '30' });
    later();
    await fixture.run();
    const [, copy] = await fixture.messages(TRANS_HALF_TOPIC);
    expect(copy.properties[MessageConst.TRANSACTION_PREPARED_QUEUE_OFFSET]).toBe(String(half.queueOffset));
    expect([fixture.done, askedAbout()]).toEqual([1, []]);
    fixture.aheadMs = 31_000;
    await fixture.run();
    expect(askedAbout()).toEqual(['A']);
  });

  it('does not ask when the end came while it waited for a producer', async () => {
    const half = await fixture.half('A');
    fixture.beforeAsk = () => fixture.end.end(fixture.request(half, 'commit'));
    later();
    await fixture.run();
    expect([fixture.done, askedAbout()]).toEqual([1, []]);
  });

  it('goes no further than the store takes copies, and goes on when it does again', async () => {
    await fixture.half('A');
    await fixture.half('B');
    later();
    fixture.refusedTopic = TRANS_HALF_TOPIC;
    await fixture.run();
    expect([fixture.done, askedAbout()]).toEqual([0, []]);
    fixture.refusedTopic = TRANS_CHECK_MAX_TIME_TOPIC;
    await fixture.run();
    expect([fixture.done, askedAbout()]).toEqual([2, ['A', 'B']]);
  });

  it('sets nothing aside that the store does not take', async () => {
    const half = await fixture.half('A', { [MessageConst.TRANSACTION_CHECK_TIMES]: String(CHECK_MAX) });
    later();
    fixture.refusedTopic = TRANS_CHECK_MAX_TIME_TOPIC;
    await fixture.run();
    expect(fixture.done).toBe(0);
    await fixture.end.end(fixture.request(half, 'commit'));
    expect((await fixture.messages(REAL_TOPIC)).map(({ msgId }) => msgId)).toEqual(['A']);
  });

  it('moves on over thousands', async () => {
    const halves = await Promise.all(Array.from({ length: 2_000 }, (_, i) => fixture.half(`H${i}`)));
    await Promise.all(
      halves.filter((_, i) => i % 100 !== 7).map((half) => fixture.end.end(fixture.request(half, 'rollback'))),
    );
    later();
    await fixture.run();
    expect(fixture.done).toBe(2_000);
    expect(askedAbout()).toEqual(Array.from({ length: 20 }, (_, i) => `H${i * 100 + 7}`));
  });
});
