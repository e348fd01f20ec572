import {
  defaultSubscriptionGroupConfig,
  encodePullMessageRequest,
  type PullMessageRequest,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { type Connection, DEFERRED, type RequestRef } from '@rocknest/remoting';
import type { GetResult, MessageStore } from '@rocknest/store';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CatchUpShare } from './catch-up-share.js';
import { MessagePuller } from './message-puller.js';

describe('a pull of a consumer far behind', () => {
  let isOpen: boolean;
  let holdsClosed: boolean;
  let isAdmitted: boolean;
  let connectionClosed: boolean;
  let waiting: (() => void)[];
  let counted: number;
  let reads: number[];
  /** Opaques of what was found, and codes of what was refused. */
  let answers: (number | string)[];
  let puller: MessagePuller;

  const group = defaultSubscriptionGroupConfig('GID_a');
  const found: GetResult = {
    status: 'FOUND',
    nextBeginOffset: 1,
    minOffset: 0,
    maxOffset: 100,
    records: [Buffer.from('record')],
    messageCount: 1,
    sizeBytes: 6,
    suggestPullingFromSlave: false,
  };

  beforeEach(() => {
    isOpen = true;
    holdsClosed = false;
    isAdmitted = true;
    connectionClosed = false;
    waiting = [];
    counted = 0;
    reads = [];
    answers = [];
    const store = {
      readsTail: (_topic: string, _queueId: number, queueOffset: number) => queueOffset >= 50,
      getMessage: ({ queueOffset }: { queueOffset: number }) => (reads.push(queueOffset), found),
      maxOffset: () => 100,
      minOffset: () => 0,
    };
    const admission = {
      checkBroker: () => undefined,
      admit: () =>
        isAdmitted
          ? { group, topic: { topicName: 'Orders', topicSysFlag: 0 } }
          : RemotingCommand.response(ResponseCode.TOPIC_NOT_EXIST, { remark: 'deleted' }),
    };
    const catchUp: Pick<CatchUpShare, 'isOpen' | 'spend' | 'wait'> = {
      get isOpen() {
        return isOpen;
      },
      spend: (read) => (counted++, read()),
      wait: (resume) => void waiting.push(resume),
    };
    puller = new MessagePuller(
      store as unknown as MessageStore,
      admission as never,
      { known: () => group } as never,
      { resets: { tell: () => undefined, find: () => undefined }, commit: () => undefined } as never,
      {
        get closed() {
          return holdsClosed;
        },
      } as never,
      {
        longPollingEnable: true,
        shortPollingTimeMs: 1_000,
        clock: () => 0,
        replicas: {
          serves: true,
          isSlave: false,
          responseCode: (code: number) => code,
          keepsOffset: () => false,
          suggestedBroker: () => 0,
        } as never,
        catchUp: catchUp as CatchUpShare,
        given: { increment: () => undefined } as never,
      },
    );
  });

  const connection = {
    get closed() {
      return connectionClosed;
    },
    requestRef: ({ opaque }: RemotingCommand) => ({ opaque }),
    respondEncoded: ({ opaque }: RequestRef) => void answers.push(opaque),
    respond: (_: RequestRef, reply: RemotingCommand) => void answers.push(`${reply.code}`),
  } as unknown as Connection;

  function pull(opaque: number, queueOffset: number): ReturnType<MessagePuller['pull']> {
    const header: PullMessageRequest = {
      consumerGroup: 'GID_a',
      topic: 'Orders',
      queueId: 0,
      queueOffset,
      maxMsgNums: 32,
      sysFlag: 0,
      commitOffset: 0,
      suspendTimeoutMillis: 1_000,
      subVersion: 0,
      subscription: '*',
      expressionType: 'TAG',
      maxMsgBytes: 65_536,
    };
    const request = RemotingCommand.request(RequestCode.PULL_MESSAGE, encodePullMessageRequest(header));
    request.opaque = opaque;
    return puller.pull(request, connection);
  }

  it('is read and counted at once while the share is open, and one of the tail is never counted', () => {
    expect(pull(1, 10)).toBe(DEFERRED);
    expect(pull(2, 60)).toBe(DEFERRED);
    expect([answers, counted, waiting.length]).toEqual([[1, 2], 1, 0]);
  });

  it('waits for its turn, which those of the tail do not, and is read then whatever the share says', () => {
    isOpen = false;
    expect(pull(1, 10)).toBe(DEFERRED);
    expect(pull(2, 60)).toBe(DEFERRED);
    expect([answers, reads]).toEqual([[2], [60]]);
    waiting.shift()!();
    expect([answers, reads, counted, waiting.length]).toEqual([[2, 1], [60, 10], 1, 0]);
  });

  it('is not read for a connection that is gone', () => {
    isOpen = false;
    void pull(1, 10);
    connectionClosed = true;
    waiting.shift()!();
    expect([answers, reads]).toEqual([[], []]);
  });

  it('is admitted once more, and told when the broker goes down meanwhile', () => {
    isOpen = false;
    void pull(1, 10);
    void pull(2, 20);
    isAdmitted = false;
    waiting.shift()!();
    holdsClosed = true;
    waiting.shift()!();
    expect([answers, reads]).toEqual([[`${ResponseCode.TOPIC_NOT_EXIST}`, `${ResponseCode.SYSTEM_BUSY}`], []]);
  });
});
