import {
  decodeFrame,
  decodeSendMessageRequest,
  RemotingCommand,
  ResponseCode,
  type MessageQueue,
} from '@rocknest/protocol';
import { WritePage, type EncodedRequest, type ResponseCallback } from '@rocknest/remoting';
import { TopicPublishInfo } from '../../route/topic-publish-info.js';
import type { FaultStrategy } from '../fault-strategy.js';
import type { OutgoingMessage } from '../outgoing-message.js';
import { SendEngine, type SendEngineOptions, type SendInstance } from '../send-engine.js';
import type { SendResult } from '../send-result.js';

const message: OutgoingMessage = {
  topic: 't',
  body: Buffer.from('x'),
  bodyBytes: 1,
  sysFlag: 0,
  flag: 0,
  properties: 'UNIQ_KEY\u0001ID\u0002',
  msgId: 'ID',
  isBatch: false,
  reconsumeTimes: 0,
  maxReconsumeTimes: undefined,
};
const options: SendEngineOptions = {
  group: 'g',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  serializeType: 'ROCKETMQ',
  maxInFlightSends: 10,
  maxPendingSends: 10,
  maxPendingSendBytes: 1_000,
  maxTimeoutPerRequestMs: 0,
  retryAnotherBrokerWhenNotStoreOk: false,
};

interface Attempt {
  address: string;
  queueId: number;
  brokerName: string | undefined;
  uniqKey: string;
  opaque: number;
  timeoutMs: number;
  answer: ResponseCallback;
}

/** A send engine whose brokers are the test. */
export function sendEngineHarness(brokers: string[], changes: Partial<SendEngineOptions> = {}, faults?: FaultStrategy) {
  const attempts: Attempt[] = [];
  const refreshes: string[] = [];
  const doubted: string[] = [];
  let opaque = 0;
  let routeError: Error | undefined;
  const queues = (): MessageQueue[] => brokers.map((brokerName) => ({ topic: 't', brokerName, queueId: 0 }));
  let info: TopicPublishInfo | undefined = new TopicPublishInfo(queues(), false, 0);
  const instance = {
    transport: {
      invokeRequest(address: string, request: EncodedRequest, timeoutMs: number) {
        const page = new WritePage(request.roomBytes);
        const id = opaque++;
        const command = decodeFrame(page.bytes.subarray(4, request.encode(page, 0, id)));
        const answer: ResponseCallback = (error, response) => request.onAnswer(error, response);
        const header = decodeSendMessageRequest(command);
        const { queueId, brokerName, properties } = header;
        attempts.push({ address, queueId, brokerName, uniqKey: properties, opaque: id, timeoutMs, answer });
      },
    },
    brokerDoubted: (address: string) => void doubted.push(address),
    brokers: { master: (name: string) => (brokers.includes(name) ? `${name}:1` : undefined) },
    routes: {
      publishInfo: () => info,
      refresh: async (topic: string) => {
        refreshes.push(topic);
        return true;
      },
      findPublishInfo: async (topic: string) => {
        refreshes.push(`find ${topic}`);
        if (routeError) throw routeError;
        info ??= new TopicPublishInfo(queues(), false, 0);
        return info;
      },
    },
  } as unknown as SendInstance;
  const engine = new SendEngine(instance, { ...options, ...changes }, undefined, faults);
  const outcome: { result?: SendResult; error?: Error } = {};
  const send = (queue?: MessageQueue, timeoutMs = 3_000, retries = 2): typeof outcome => {
    engine.send(Date.now(), message, queue, timeoutMs, retries, {
      onSuccess: (result) => (outcome.result = result),
      onException: (error) => (outcome.error = error),
    });
    return outcome;
  };
  return {
    doubted,
    engine,
    attempts,
    refreshes,
    send,
    outcome,
    noRoute: (error?: Error) => {
      info = undefined;
      routeError = error;
    },
  };
}

/** An answer that says where the message was stored. */
export const ok = (fields: Record<string, string> = {}, code: number = ResponseCode.SUCCESS): RemotingCommand =>
  RemotingCommand.response(code, {
    fields: { msgId: 'OFFSET', queueId: '0', queueOffset: '7', transactionId: 'ID', MSG_REGION: 'R', ...fields },
  });
export const refused = (code: number): RemotingCommand => RemotingCommand.response(code, { remark: 'because' });
