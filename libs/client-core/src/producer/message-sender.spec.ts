import {
  decodeFrame,
  decodeSendMessageRequest,
  RemotingCommand,
  ResponseCode,
  splitBatchBody,
  type MessageQueue,
} from '@rocknest/protocol';
import { WritePage, type EncodedRequest } from '@rocknest/remoting';
import { describe, expect, it } from 'vitest';
import { MQClientError } from '../errors.js';
import { TopicPublishInfo } from '../route/topic-publish-info.js';
import type { MessageInput } from './message-input.js';
import { MessageSender, type SendOptions } from './message-sender.js';
import { resolveProducerOptions, type ProducerOptions } from './producer-options.js';
import { selectMessageQueueByHash } from './queue-selector.js';
import type { SendInstance } from './send-engine.js';
import type { SendResult } from './send-result.js';

const QUEUES: MessageQueue[] = [0, 1, 2, 3].map((queueId) => ({ topic: 't', brokerName: 'a', queueId }));

/** A sender on a broker that answers each request with what `answer` says. */
function harness(options: Partial<ProducerOptions> = {}, answer: (n: number) => number = () => ResponseCode.SUCCESS) {
  const requests: RemotingCommand[] = [];
  let known = true;
  const info = new TopicPublishInfo(QUEUES, false, 0);
  const instance = {
    transport: {
      invokeRequest(_address: string, request: EncodedRequest) {
        const page = new WritePage(request.roomBytes);
        const head = page.bytes.subarray(4, request.encode(page, 0, 1));
        const command = decodeFrame(Buffer.concat([head, request.tail ?? Buffer.alloc(0)]));
        requests.push(command);
        const queueId = decodeSendMessageRequest(command).queueId;
        const response = RemotingCommand.response(answer(requests.length), {
          fields: { msgId: 'O', queueId, queueOffset: 7 },
        });
        queueMicrotask(() => request.onAnswer(undefined, response));
      },
    },
    brokerDoubted: () => undefined,
    brokers: { master: () => 'a:1' },
    routes: {
      publishInfo: () => (known ? info : undefined),
      refresh: async () => true,
      findPublishInfo: async () => {
        await Promise.resolve();
        known = true;
        return info;
      },
    },
  } as unknown as SendInstance;
  const resolved = resolveProducerOptions({ namesrvAddr: '127.0.0.1:1', group: 'g', ...options });
  const sender = new MessageSender(instance, resolved);
  const send = (message: MessageInput | MessageInput[], sendOptions?: SendOptions): Promise<SendResult> =>
    new Promise((onSuccess, onException) => sender.submit(message, sendOptions, 2, { onSuccess, onException }));
  return { sender, send, requests, forgetRoute: () => (known = false) };
}

const message = { topic: 't', body: 'x' };
const queueIdOf = (command: RemotingCommand): number => decodeSendMessageRequest(command).queueId;

describe('a selector', () => {
  it('gets queues, message and argument; the send goes to its queue, at once or when the route has come', async () => {
    const { send, requests, forgetRoute } = harness();
    const wanted = selectMessageQueueByHash(QUEUES, message, 'order-1').queueId;
    const first = send(message, { selector: selectMessageQueueByHash, selectorArg: 'order-1' });
    expect(requests).toHaveLength(1);
    forgetRoute();
    const results = [await first, await send(message, { selector: selectMessageQueueByHash, selectorArg: 'order-1' })];
    expect(requests.map(queueIdOf)).toEqual([wanted, wanted]);
    expect(results.map(({ messageQueue }) => messageQueue.queueId)).toEqual([wanted, wanted]);
  });

  it('with an argument, which means order, is refused for a message that is due at a time', async () => {
    const { send, requests } = harness();
    const inOrder = { selector: selectMessageQueueByHash, selectorArg: 'order-1' };
    for (const field of ['delayTimeSec', 'delayTimeMs', 'deliverTimeMs']) {
      await expect(send({ ...message, [field]: 1 }, inOrder)).rejects.toThrow(`has ${field} and a selectorArg`);
    }
    expect(requests).toEqual([]);
    await send({ ...message, delayTimeLevel: 1 }, inOrder);
    expect(requests).toHaveLength(1);
  });

  it('has one attempt, and may choose for a batch and for a compressed message', async () => {
    const { send, requests } = harness({}, (n) => (n === 1 ? ResponseCode.SYSTEM_ERROR : ResponseCode.SUCCESS));
    const options = { selector: selectMessageQueueByHash, selectorArg: 2 };
    await expect(send(message, options)).rejects.toThrow(/SYSTEM_ERROR/);
    expect(requests).toHaveLength(1);
    await send([message, message], options);
    await send({ topic: 't', body: 'x'.repeat(50_000) }, options);
    expect(requests.map(queueIdOf)).toEqual([2, 2, 2]);
  });

  it('what it throws, and a queue besides it, fail the send only', async () => {
    const { sender, send, requests } = harness();
    const selector = (): never => {
      throw new Error('no idea');
    };
    await expect(send(message, { selector })).rejects.toThrow('no idea');
    await expect(send(message, { selector, queue: QUEUES[0] })).rejects.toThrow(/either a queue or a selector/);
    await expect(send(message, { queue: { ...QUEUES[0], topic: 'u' } })).rejects.toThrow(
      /can't go to a queue of topic u/,
    );
    expect(requests).toHaveLength(0);
    await sender.idle();
  });
});

describe('sendInBatches', () => {
  const many = Array.from({ length: 10 }, (_, i) => ({ topic: 't', body: String(i).repeat(300) }));

  it('splits by size, in order', async () => {
    const { sender, requests } = harness();
    const results = await sender.sendInBatches(many, { maxBatchBytes: 1_500 });
    expect(requests.map(({ body }) => splitBatchBody(body as Buffer).length)).toEqual([4, 4, 2]);
    const bodies = requests.flatMap(({ body }) => splitBatchBody(body as Buffer).map((item) => item.body.toString()));
    expect(bodies).toEqual(many.map(({ body }) => body));
    expect(results.flatMap(({ msgId }) => msgId.split(','))).toHaveLength(10);
  });

  it('says what was stored before a failure', async () => {
    const { sender } = harness({ retryTimesWhenSendFailed: 0 }, (n) =>
      n === 3 ? ResponseCode.MESSAGE_ILLEGAL : ResponseCode.SUCCESS,
    );
    const error = await sender.sendInBatches(many, { maxBatchBytes: 1_500 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MQClientError);
    expect((error as MQClientError).message).toMatch(
      /batch 3 of 3, after 8 messages that are stored: .*MESSAGE_ILLEGAL/,
    );
    expect((error as MQClientError).details).toMatchObject({
      messagesSent: 8,
      responseCode: ResponseCode.MESSAGE_ILLEGAL,
    });
  });

  it('sends nothing when one can not go', async () => {
    const { sender, requests } = harness();
    await expect(sender.sendInBatches([...many, { topic: 'u', body: 'x' }], {})).rejects.toThrow(
      /message 10 .*topic u/,
    );
    await expect(sender.sendInBatches([...many, { ...message, delayTimeLevel: 1 }], {})).rejects.toThrow(/one by one/);
    await expect(sender.sendInBatches([], {})).rejects.toThrow(/no message/);
    await expect(sender.sendInBatches(many, { maxBatchBytes: 0 })).rejects.toThrow(/maxBatchBytes/);
    expect(requests).toHaveLength(0);
  });
});

describe('autoBatch', () => {
  it('gathers sends, but for those with a time-out or a selector, and idle() sends the rest', async () => {
    const { sender, send, requests } = harness({ autoBatch: true, batchMaxDelayMs: 30_000 });
    const gathered = [send(message), send(message), send(message, { queue: QUEUES[1] })];
    await send(message, { timeoutMs: 1_000 });
    await send(message, { selector: selectMessageQueueByHash, selectorArg: 3 });
    expect(requests).toHaveLength(2);
    await sender.idle();
    expect((await Promise.all(gathered)).map(({ queueOffset }) => queueOffset)).toEqual([7, 8, 7]);
    expect(requests.slice(2).map(({ body }) => splitBatchBody(body as Buffer).length)).toEqual([2, 1]);
    expect(queueIdOf(requests[3])).toBe(1);
  });

  it('a wrong message fails by itself', async () => {
    const { send } = harness({ autoBatch: true, batchMaxDelayMs: 1 });
    const good = send(message);
    await expect(send({ topic: 't', body: '' })).rejects.toThrow(/is empty/);
    await expect(send({ topic: '%RETRY%g', body: 'x' })).rejects.toThrow(/retries/);
    await good;
  });
});

it('sends that are made ready count towards the limits', async () => {
  const { send } = harness({ maxPendingSends: 2 });
  const large = { topic: 't', body: 'x'.repeat(50_000) };
  const results = await Promise.allSettled([send(large), send(large), send(large)]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect((results[2] as PromiseRejectedResult).reason).toMatchObject({ code: 'TOO_MANY_PENDING_SENDS' });
});
