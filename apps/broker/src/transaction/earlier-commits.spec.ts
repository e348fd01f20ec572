import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HalfFixture, REAL_TOPIC, TIMEOUT_MS } from './testing/half-fixture.js';

/** Marks are written at once, or in an hour: a kill loses them. */
const NEVER_MS = 3_600_000;

let fixture: HalfFixture;
beforeEach(async () => {
  fixture = new HalfFixture();
  await fixture.open(NEVER_MS);
});
afterEach(() => fixture.remove());

/** Another process on the same store that knows nothing of the marks that wait. */
async function restartWithoutMarks(): Promise<void> {
  await fixture.store.close();
  await fixture.queues.stop();
  // The next one is certainly younger than what was stored.
  fixture.aheadMs = 1_000;
  await fixture.open(0);
}

const delivered = async (): Promise<string[]> => (await fixture.messages(REAL_TOPIC)).map(({ msgId }) => msgId);

describe('EarlierCommits', () => {
  it('keep a half message from being asked about whose message is delivered while its mark is lost', async () => {
    const halves = [await fixture.half('A'), await fixture.half('B'), await fixture.half('C')];
    await fixture.end.end(fixture.request(halves[0], 'commit'));
    await fixture.end.end(fixture.request(halves[2], 'rollback'));
    await restartWithoutMarks();
    fixture.aheadMs += TIMEOUT_MS + 1_000;
    await fixture.run();
    // Nothing tells of a rollback: its producer says it again.
    expect(fixture.asked.map(({ half }) => half.msgId)).toEqual(['B', 'C']);
    expect(fixture.done).toBe(3);
    expect(await delivered()).toEqual(['A']);
  });

  it('keep a late end, of the half message or of two copies of it, from delivering again', async () => {
    const a = await fixture.half('A');
    const b = await fixture.half('B');
    await fixture.end.end(fixture.request(a, 'commit'));
    await restartWithoutMarks();
    await fixture.end.end(fixture.request(a, 'commit'));
    expect(await delivered()).toEqual(['A']);
    // A crash between the copy and the mark of the old place leaves both.
    const copy = await fixture.half('B', { TRANSACTION_CHECK_TIMES: '1' });
    await Promise.all([b, copy].map((half) => fixture.end.end(fixture.request(half, 'commit'))));
    await fixture.end.end(fixture.request(copy, 'commit'));
    expect(await delivered()).toEqual(['A', 'B']);
  });

  it('let an end come again that the store did not take', async () => {
    const half = await fixture.half('A');
    await restartWithoutMarks();
    fixture.refusedTopic = REAL_TOPIC;
    await expect(fixture.end.end(fixture.request(half, 'commit'))).rejects.toThrow();
    fixture.refusedTopic = undefined;
    await fixture.end.end(fixture.request(half, 'commit'));
    expect(await delivered()).toEqual(['A']);
  });

  it('take an ordinary message of the same key for nothing', async () => {
    const half = await fixture.half('A');
    const [stored] = await fixture.messages('RMQ_SYS_TRANS_HALF_TOPIC');
    await fixture.put({
      topic: REAL_TOPIC,
      queueId: 0,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: stored.bornTimestamp,
      bornHost: Buffer.from([127, 0, 0, 1, 0, 0, 0, 1]),
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.from('other'),
      properties: Buffer.from('UNIQ_KEY\u0001A\u0002'),
      tagsCode: 0,
      waitStoreOk: true,
    });
    await restartWithoutMarks();
    await fixture.end.end(fixture.request(half, 'commit'));
    expect((await fixture.messages(REAL_TOPIC)).map(({ body }) => body.toString())).toEqual(['other', 'A']);
  });
});
