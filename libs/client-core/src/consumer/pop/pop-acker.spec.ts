import { describe, expect, it } from 'vitest';
import { ResponseCode, type MessageExt } from '@rocknest/protocol';
import { MQBrokerError } from '../../errors.js';
import { silentLogger } from '../../logger.js';
import { waitFor } from '../../../../../test/support/wait-for.js';
import { PopAcker } from './pop-acker.js';
import { PopLease } from './pop-lease.js';
import { receiptOf } from './popped-messages.js';

const lease = (queueOffset: number, broker = 'b'): PopLease =>
  new PopLease(
    { msgId: String(queueOffset) } as unknown as MessageExt,
    receiptOf('t', `0 1 60000 0 0 ${broker} 0 ${queueOffset}`, queueOffset),
    Date.now(),
  );

interface Request {
  offsets: number[];
  answer(error?: Error): void;
}

function harness(batches: boolean) {
  const requests: Request[] = [];
  const warnings: string[] = [];
  const request = (offsets: number[]): Promise<void> =>
    new Promise((resolve, reject) => {
      requests.push({ offsets, answer: (error) => (error ? reject(error) : resolve()) });
    });
  const acker = new PopAcker({
    group: 'g',
    ack: (receipt) => request([receipt.queueOffset]),
    ackBatch: (_, receipts) => request(receipts.map((receipt) => receipt.queueOffset)),
    knowsBatches: () => batches,
    logger: { ...silentLogger, warn: (text) => warnings.push(text) },
    retryDelayMs: 1,
  });
  return { acker, requests, warnings };
}

const sent = (requests: Request[], count: number): Promise<true> =>
  waitFor(() => requests.length >= count || undefined, `${count} requests`).then(() => true);

describe('PopAcker', () => {
  it('sends what one turn acknowledged in one request, and what comes while it is under way in the next', async () => {
    const { acker, requests } = harness(true);
    for (const offset of [1, 2, 3]) acker.acknowledge(lease(offset));
    await sent(requests, 1);
    for (const offset of [4, 5]) acker.acknowledge(lease(offset));
    await new Promise((resolve) => setImmediate(resolve));
    expect(requests.map(({ offsets }) => offsets)).toEqual([[1, 2, 3]]);
    requests[0].answer();
    await sent(requests, 2);
    expect(requests[1].offsets).toEqual([4, 5]);
    expect(acker.pendingCount).toBe(2);
    requests[1].answer();
    expect(await acker.flush(1_000)).toBe(true);
  });

  it('sends single requests side by side to brokers that know no batches, each broker by itself', async () => {
    const { acker, requests } = harness(false);
    for (let offset = 0; offset < 20; offset++) acker.acknowledge(lease(offset));
    acker.acknowledge(lease(99, 'other'));
    await sent(requests, 17);
    expect(requests).toHaveLength(17);
    for (let i = 0; i < 21; i++) {
      await sent(requests, i + 1);
      requests[i].answer();
    }
    expect(await acker.flush(1_000)).toBe(true);
  });

  it('falls back to single requests when a broker refuses a batch', async () => {
    const { acker, requests } = harness(true);
    acker.acknowledge(lease(1));
    acker.acknowledge(lease(2));
    await sent(requests, 1);
    requests[0].answer(new MQBrokerError('ack', 'a', ResponseCode.REQUEST_CODE_NOT_SUPPORTED, undefined));
    await sent(requests, 3);
    expect(requests.slice(1).map(({ offsets }) => offsets)).toEqual([[1], [2]]);
  });

  it('repeats what failed while the message is its own, three times at least, and gives up at a refusal that will not change', async () => {
    const { acker, requests, warnings } = harness(true);
    const live = lease(0);
    acker.acknowledge(live);
    for (let count = 1; count <= 5; count++) {
      await sent(requests, count);
      requests[count - 1].answer(new Error('lost'));
    }
    await sent(requests, 6);
    requests[5].answer();
    expect(await acker.flush(1_000)).toBe(true);
    requests.length = 0;
    const expired = lease(1);
    expired.expire();
    acker.acknowledge(expired);
    for (const count of [1, 2, 3]) {
      await sent(requests, count);
      requests[count - 1].answer(new Error('lost'));
    }
    expect(await acker.flush(1_000)).toBe(true);
    expect(requests).toHaveLength(3);
    expect(warnings).toEqual([expect.stringContaining('1 handled messages could not be acknowledged, the first is 1')]);
    acker.acknowledge(lease(2));
    await sent(requests, 4);
    requests[3].answer(new MQBrokerError('ack', 'a', ResponseCode.NO_MESSAGE, undefined));
    expect(await acker.flush(1_000)).toBe(true);
    expect(requests).toHaveLength(4);
  });

  it('names the receipt that a change of the invisible time under way will bring', async () => {
    const { acker, requests } = harness(true);
    const changing = lease(1);
    let finish: (() => void) | undefined;
    const change = changing.change(
      () => new Promise((resolve) => (finish = () => resolve(receiptOf('t', '7 2 60000 0 0 b 0 7', 7)))),
    );
    acker.acknowledge(changing);
    await waitFor(() => finish, 'the change');
    await new Promise((resolve) => setImmediate(resolve));
    expect(requests).toEqual([]);
    finish!();
    expect(await change).toBe(true);
    await sent(requests, 1);
    expect(requests[0].offsets).toEqual([7]);
  });

  it('tells when answers are missing', async () => {
    const { acker, requests } = harness(true);
    acker.acknowledge(lease(1));
    await sent(requests, 1);
    expect(await acker.flush(1)).toBe(false);
  });
});
