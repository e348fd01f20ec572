import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ResponseCode } from '@rocknest/protocol';
import { RemotingTimeoutError } from '@rocknest/remoting';
import { MQClientError } from '../errors.js';
import { FaultStrategy, latencyLadder } from './fault-strategy.js';
import { ok, refused, sendEngineHarness } from './testing/send-engine-harness.js';

const settle = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(0);
};

describe('SendEngine', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('gives the result of a send that went well', () => {
    const { attempts, send, engine } = sendEngineHarness(['a']);
    const outcome = send();
    attempts[0].answer(undefined, ok());
    expect(outcome.result).toEqual({
      status: 'SEND_OK',
      msgId: 'ID',
      offsetMsgId: 'OFFSET',
      messageQueue: { topic: 't', brokerName: 'a', queueId: 0 },
      queueOffset: 7,
      transactionId: 'ID',
      regionId: 'R',
    });
    expect(attempts[0]).toMatchObject({ address: 'a:1', brokerName: 'a', timeoutMs: 3_000 });
    expect(engine.gate.inFlight).toBe(0);
  });

  it.each([
    [ResponseCode.FLUSH_DISK_TIMEOUT, 'FLUSH_DISK_TIMEOUT'],
    [ResponseCode.FLUSH_SLAVE_TIMEOUT, 'FLUSH_SLAVE_TIMEOUT'],
    [ResponseCode.SLAVE_NOT_AVAILABLE, 'SLAVE_NOT_AVAILABLE'],
  ])('takes %i for a message that was stored', (code, status) => {
    const { attempts, send } = sendEngineHarness(['a', 'b']);
    const outcome = send();
    attempts[0].answer(undefined, ok({}, code));
    expect(outcome.result).toMatchObject({ status, queueOffset: 7 });
    expect(attempts).toHaveLength(1);
  });

  it('tries another broker after those too when it is told to', () => {
    const { attempts, send } = sendEngineHarness(['a', 'b'], { retryAnotherBrokerWhenNotStoreOk: true });
    const outcome = send();
    attempts[0].answer(undefined, ok({}, ResponseCode.FLUSH_DISK_TIMEOUT));
    attempts[1].answer(undefined, ok());
    expect(attempts.map((attempt) => attempt.address)).toEqual(['a:1', 'b:1']);
    expect(outcome.result?.status).toBe('SEND_OK');
  });

  it('doubts brokers that do not answer or are no masters, and no others', () => {
    const { attempts, send, doubted } = sendEngineHarness(['a', 'b']);
    send();
    attempts[0].answer(undefined, ok({}, ResponseCode.SYSTEM_ERROR));
    attempts[1].answer(undefined, ok({}, ResponseCode.SERVICE_NOT_AVAILABLE));
    expect(doubted).toEqual(['b:1']);
    attempts[2].answer(new RemotingTimeoutError('a:1', 3_000), undefined);
    expect(doubted).toEqual(['b:1', attempts[2].address]);
  });

  it('takes the queue that the broker chose', () => {
    const { attempts, send } = sendEngineHarness(['a']);
    const outcome = send();
    attempts[0].answer(undefined, ok({ queueId: '5' }));
    expect(outcome.result?.messageQueue).toEqual({ topic: 't', brokerName: 'a', queueId: 5 });
  });

  it.each([14, 1, 16, 204, 205, 2, 1500])(
    'tries another broker after %i, with a new opaque and the same message',
    (code) => {
      const { attempts, send } = sendEngineHarness(['a', 'b']);
      const outcome = send();
      attempts[0].answer(undefined, refused(code));
      expect(attempts.map((attempt) => attempt.address)).toEqual(['a:1', 'b:1']);
      expect(attempts[1].opaque).not.toBe(attempts[0].opaque);
      expect(attempts[1].uniqKey).toBe(attempts[0].uniqKey);
      attempts[1].answer(undefined, ok());
      expect(outcome.result?.messageQueue.brokerName).toBe('b');
    },
  );

  it('looks the route up anew when a broker does not know the topic', async () => {
    const { attempts, send, refreshes } = sendEngineHarness(['a', 'b']);
    send();
    attempts[0].answer(undefined, refused(ResponseCode.TOPIC_NOT_EXIST));
    await settle();
    expect(refreshes).toEqual(['t', 'find t']);
    expect(attempts).toHaveLength(2);
  });

  it.each([13, 29, 23])('gives up at once after %i', (code) => {
    const { attempts, send } = sendEngineHarness(['a', 'b']);
    const outcome = send();
    attempts[0].answer(undefined, refused(code));
    expect(attempts).toHaveLength(1);
    expect(outcome.error).toMatchObject({ code: 'BROKER_ERROR', responseCode: code, retriable: false });
    expect(outcome.error?.message).toContain('because');
  });

  it('gives up after its retries and names every attempt', () => {
    const { attempts, send } = sendEngineHarness(['a', 'b']);
    const outcome = send();
    for (let i = 0; i < 3; i++) attempts[i].answer(undefined, refused(ResponseCode.SYSTEM_ERROR));
    expect(attempts.map((attempt) => attempt.address)).toEqual(['a:1', 'b:1', 'a:1']);
    expect(outcome.error).toMatchObject({ code: 'BROKER_ERROR', responseCode: 1, retriable: true });
    expect(outcome.error?.message).toMatch(/3 attempts/);
  });

  it('waits before it tries the only broker again', async () => {
    const { attempts, send } = sendEngineHarness(['a']);
    const outcome = send();
    attempts[0].answer(new Error('connection reset'), undefined);
    expect(attempts).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(attempts).toHaveLength(2);
    expect(attempts[1].timeoutMs).toBe(2_900);
    attempts[1].answer(new Error('connection reset'), undefined);
    await vi.advanceTimersByTimeAsync(200);
    attempts[2].answer(new Error('connection reset'), undefined);
    expect(outcome.error).toMatchObject({ code: 'CONNECTION_FAILED', retriable: true });
  });

  it('stops when the time of the whole send is over', async () => {
    const { attempts, send } = sendEngineHarness(['a', 'b']);
    const outcome = send(undefined, 1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    attempts[0].answer(new RemotingTimeoutError('a:1', 1_000), undefined);
    expect(attempts).toHaveLength(1);
    expect(outcome.error).toMatchObject({ code: 'TIMEOUT', retriable: true });
    expect(outcome.error?.message).toContain('may have been stored');
  });

  it('leaves time for another broker when an attempt has its own limit', async () => {
    const { attempts, send } = sendEngineHarness(['a', 'b'], { maxTimeoutPerRequestMs: 400 });
    const outcome = send(undefined, 1_000);
    expect(attempts[0].timeoutMs).toBe(400);
    await vi.advanceTimersByTimeAsync(400);
    attempts[0].answer(new RemotingTimeoutError('a:1', 400), undefined);
    expect(attempts[1]).toMatchObject({ address: 'b:1', timeoutMs: 400 });
    attempts[1].answer(undefined, ok());
    expect(outcome.result?.messageQueue.brokerName).toBe('b');
  });

  it('tries a given queue once', () => {
    const { attempts, send } = sendEngineHarness(['a', 'b']);
    const outcome = send({ topic: 't', brokerName: 'b', queueId: 9 });
    expect(attempts[0]).toMatchObject({ address: 'b:1', queueId: 9 });
    attempts[0].answer(undefined, refused(ResponseCode.SYSTEM_BUSY));
    expect(attempts).toHaveLength(1);
    expect(outcome.error).toMatchObject({ responseCode: 2 });
  });

  it('says so when the given queue has no broker', async () => {
    const { attempts, send } = sendEngineHarness(['a']);
    const outcome = send({ topic: 't', brokerName: 'gone', queueId: 0 });
    await settle();
    expect(attempts).toHaveLength(0);
    expect(outcome.error).toMatchObject({ code: 'BROKER_NOT_FOUND' });
  });

  it('finds the route of a new topic first, and passes its failure on', async () => {
    const fresh = sendEngineHarness(['a']);
    fresh.noRoute();
    fresh.send();
    await settle();
    expect(fresh.attempts).toHaveLength(1);
    const missing = sendEngineHarness(['a']);
    missing.noRoute(new MQClientError('NO_ROUTE', 'nowhere'));
    const outcome = missing.send();
    await settle();
    expect(outcome.error).toMatchObject({ code: 'NO_ROUTE' });
    expect(missing.engine.gate.inFlight).toBe(0);
  });

  it('does not wait for a route longer than the send may take', async () => {
    const { send, noRoute, engine } = sendEngineHarness(['a']);
    noRoute();
    (engine as unknown as { findRoute: () => Promise<void> }).findRoute = () => new Promise(() => {});
    const outcome = send(undefined, 500);
    await vi.advanceTimersByTimeAsync(500);
    expect(outcome.error).toMatchObject({ code: 'TIMEOUT' });
    expect(outcome.error?.message).toContain('was not sent');
  });

  it('lets waiting sends begin when others end', () => {
    const { attempts, send } = sendEngineHarness(['a'], { maxInFlightSends: 1 });
    send();
    send();
    expect(attempts).toHaveLength(1);
    attempts[0].answer(undefined, ok());
    expect(attempts).toHaveLength(2);
  });
});

describe.each([ResponseCode.SYSTEM_BUSY, ResponseCode.FLOW_CONTROL])('SendEngine, when a broker answers %i', (code) => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('goes to the other brokers until its pause is over, with every send', async () => {
    const { attempts, send } = sendEngineHarness(['a', 'b']);
    const outcome = send();
    attempts[0].answer(undefined, refused(code));
    attempts[1].answer(undefined, ok());
    expect(outcome.result?.messageQueue.brokerName).toBe('b');
    for (let i = 2; i < 5; i++) {
      send();
      expect(attempts[i].address).toBe('b:1');
    }
    await vi.advanceTimersByTimeAsync(50);
    send();
    send();
    expect(attempts.slice(5).map(({ address }) => address)).toContain('a:1');
  });

  it('tries the only broker again after longer and longer pauses, more often than other failures are retried, until it takes the message', async () => {
    const { attempts, send } = sendEngineHarness(['a']);
    const outcome = send();
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      times.push(Date.now());
      attempts[i].answer(undefined, refused(code));
      expect(attempts).toHaveLength(i + 1);
      while (attempts.length === i + 1) await vi.advanceTimersByTimeAsync(1);
    }
    const pauses = times.slice(1).map((ms, i) => ms - times[i]);
    for (const [i, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(50 * 2 ** i);
      expect(pause).toBeLessThanOrEqual(75 * 2 ** i + 1);
    }
    attempts[5].answer(undefined, ok());
    expect(outcome.result?.status).toBe('SEND_OK');
  });

  it('holds further sends back during the pause', async () => {
    const { attempts, send } = sendEngineHarness(['a']);
    send();
    attempts[0].answer(undefined, refused(code));
    send();
    send();
    expect(attempts).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(75);
    expect(attempts).toHaveLength(4);
  });

  it('fails with the answer when the next pause would end after the time of the send, and at once without retries', async () => {
    const { attempts, send, engine } = sendEngineHarness(['a']);
    const outcome = send(undefined, 400);
    for (let i = 0; outcome.error === undefined && i < 10; i++) {
      attempts[i]?.answer(undefined, refused(code));
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(outcome.error).toMatchObject({ code: 'BROKER_ERROR', responseCode: code, retriable: true });
    expect(outcome.error?.message).toContain('because');
    expect(engine.gate.inFlight).toBe(0);
    const single = sendEngineHarness(['a', 'b']);
    const refusal = single.send(undefined, 3_000, 0);
    single.attempts[0].answer(undefined, refused(code));
    expect(refusal.error).toMatchObject({ responseCode: code });
    expect(single.attempts).toHaveLength(1);
  });

  it('says what it waited for when a send never got to a broker', () => {
    const { attempts, send } = sendEngineHarness(['a']);
    send();
    attempts[0].answer(undefined, refused(code));
    const outcome = send(undefined, 20);
    expect(outcome.error).toMatchObject({ code: 'TIMEOUT', retriable: true });
    expect(outcome.error?.message).toContain('(a) asked for a pause');
  });
});

describe('SendEngine with a fault table', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const faults = (): FaultStrategy =>
    new FaultStrategy({
      ...latencyLadder(),
      startDetectorEnable: false,
      detectIntervalMs: 2_000,
      detectTimeoutMs: 200,
    });

  it('passes over a broker that did not answer, for 10 s', async () => {
    const { attempts, send } = sendEngineHarness(['a', 'b'], {}, faults());
    send();
    attempts[0].answer(new Error('connection reset'), undefined);
    attempts[1].answer(undefined, ok());
    for (let i = 2; i < 6; i++) {
      send();
      expect(attempts[i].address).toBe('b:1');
      attempts[i].answer(undefined, ok());
    }
    await vi.advanceTimersByTimeAsync(10_000);
    send();
    send();
    expect(attempts.slice(6).map(({ address }) => address)).toContain('a:1');
  });
});
