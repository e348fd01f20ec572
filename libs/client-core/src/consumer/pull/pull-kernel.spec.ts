import { afterEach, describe, expect, it } from 'vitest';
import {
  decodePullMessageRequest,
  encodePullMessageResponse,
  PullSysFlag,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type SubscriptionData,
} from '@rocknest/protocol';
import type { ResponseCallback } from '@rocknest/remoting';
import { BrokerAddressTable } from '../../instance/broker-address-table.js';
import { BrokerPulse } from '../../instance/broker-pulse.js';
import type { ApiInstance } from '../consumer-api.js';
import { MessageSelector } from '../message-selector.js';
import { pullKernel, type PullSpec } from './pull-kernel.js';

const queue = { topic: 't', brokerName: 'b', queueId: 3 };
const subscription: SubscriptionData = { ...MessageSelector.byTag('A || B').subscriptionOf('t'), subVersion: 7 };

const pulses: BrokerPulse[] = [];

function harness(addresses: [number, string][]) {
  const brokers = new BrokerAddressTable();
  brokers.update([{ cluster: 'c', brokerName: 'b', brokerAddrs: new Map(addresses), enableActingMaster: false }]);
  const sent: { address: string; command: RemotingCommand; timeoutMs: number }[] = [];
  const refreshed: string[] = [];
  const doubted: string[] = [];
  const answered: ResponseCallback[] = [];
  const pulse = new BrokerPulse({ brokers, intervalMs: 60_000, ping: async () => undefined, onDoubt: () => undefined });
  pulses.push(pulse);
  const instance = {
    brokers,
    pulse,
    brokerDoubted: (address: string) => void doubted.push(address),
    options: { serializeType: 'JSON' },
    routes: { refresh: async (topic: string) => refreshed.push(topic) },
    transport: {
      invokeCallback: (address: string, command: RemotingCommand, timeoutMs: number, answer: ResponseCallback) => {
        sent.push({ address, command, timeoutMs });
        answered.push(answer);
      },
    },
  } as unknown as ApiInstance;
  const pull = (spec: Partial<PullSpec> = {}) => {
    const answers: unknown[] = [];
    pullKernel(
      instance,
      {
        group: 'g',
        queue,
        queueOffset: 10,
        maxMessages: 32,
        maxBytes: 1_000,
        commitOffset: 5,
        subscription,
        kind: 'PUSH',
        suspendTimeoutMs: 15_000,
        timeoutMs: 30_000,
        brokerId: 0,
        ...spec,
      },
      (error, outcome) => answers.push(error ?? outcome?.status),
    );
    return answers;
  };
  const header = () => decodePullMessageRequest(sent.at(-1)!.command);
  return { pull, sent, header, refreshed, doubted, answered, pulse };
}

function answer(code: number, nextBeginOffset: number): RemotingCommand {
  const fields = encodePullMessageResponse({ suggestWhichBrokerId: 0, nextBeginOffset, minOffset: 0, maxOffset: 100 });
  return RemotingCommand.response(code, { fields });
}

const PAIR: [number, string][] = [
  [0, 'master:1'],
  [1, 'slave:1'],
];

describe('pullKernel', () => {
  afterEach(() => {
    for (const pulse of pulses.splice(0)) pulse.stop();
  });

  it('asks the master with the offset to commit, and the suggested slave without', () => {
    const { pull, sent, header } = harness([
      [0, 'master:1'],
      [1, 'slave:1'],
    ]);
    pull();
    expect(header()).toMatchObject({ commitOffset: 5, sysFlag: PullSysFlag.COMMIT_OFFSET | PullSysFlag.SUSPEND });
    pull({ brokerId: 1 });
    expect(header()).toMatchObject({ commitOffset: 0, sysFlag: PullSysFlag.SUSPEND });
    expect(sent.map(({ address }) => address)).toEqual(['master:1', 'slave:1']);
  });

  it("asks a slave's neighbour when it has gone, and else any broker of the group", () => {
    const { pull, sent } = harness([
      [2, 'second:1'],
      [3, 'third:1'],
    ]);
    pull({ brokerId: 1 });
    pull({ brokerId: 3 });
    pull({ brokerId: 7 });
    pull({ brokerId: 0 });
    expect(sent.map(({ address }) => address)).toEqual(['second:1', 'third:1', 'second:1', 'second:1']);
  });

  it('sends the subscription along for pull consumers, with the code of their kind', () => {
    const { pull, sent, header } = harness([[0, 'master:1']]);
    pull();
    expect(header()).toMatchObject({ subVersion: 7 });
    expect(header().subscription).toBeUndefined();
    pull({ kind: 'PULL', commitOffset: 0, suspendTimeoutMs: 0 });
    expect(header()).toMatchObject({ subscription: 'A || B', subVersion: 0, sysFlag: PullSysFlag.SUBSCRIPTION });
    pull({ kind: 'LITE_PULL', commitOffset: 0 });
    expect(header().sysFlag).toBe(PullSysFlag.SUSPEND | PullSysFlag.SUBSCRIPTION | PullSysFlag.LITE_PULL_MESSAGE);
    expect(sent.map(({ command }) => command.code)).toEqual([
      RequestCode.PULL_MESSAGE,
      RequestCode.PULL_MESSAGE,
      RequestCode.LITE_PULL_MESSAGE,
    ]);
  });

  it('doubts a broker that does not answer', () => {
    const { pull, answered, doubted } = harness([[0, 'master:1']]);
    const answers = pull();
    answered[0](new Error('no answer within 30000 ms'), undefined);
    expect(answers).toHaveLength(1);
    expect(doubted).toEqual(['master:1']);
  });

  it('goes to a slave in the time that is left when the master does not answer, and ignores its late answer', () => {
    const { pull, sent, header, answered, pulse } = harness(PAIR);
    const answers = pull();
    pulse.lost('master:1');
    expect(sent.map(({ address }) => address)).toEqual(['master:1', 'slave:1']);
    expect(sent[1].timeoutMs).toBeLessThanOrEqual(30_000);
    // A slave keeps no offsets.
    expect(header()).toMatchObject({ commitOffset: 0, sysFlag: PullSysFlag.SUSPEND, queueOffset: 10 });
    answered[0](undefined, answer(ResponseCode.PULL_NOT_FOUND, 10));
    expect(answers).toEqual([]);
    answered[1](undefined, answer(ResponseCode.PULL_NOT_FOUND, 10));
    expect(answers).toEqual(['NO_NEW_MSG']);
    // The late answer was a sign of life.
    pull();
    expect(sent[2].address).toBe('master:1');
  });

  it('goes to a slave when the connection to the master broke', () => {
    const { pull, sent, answered, doubted } = harness(PAIR);
    const answers = pull();
    answered[0](new Error('the connection closed'), undefined);
    expect(sent.map(({ address }) => address)).toEqual(['master:1', 'slave:1']);
    answered[1](new Error('refused'), undefined);
    expect(answers).toEqual([expect.objectContaining({ code: 'CONNECTION_FAILED' })]);
    expect(doubted).toEqual(['master:1', 'slave:1']);
  });

  it('leaves a slave that does not serve pulls for the next one', () => {
    const { pull, sent, answered } = harness([...PAIR, [2, 'second:1']]);
    const answers = pull();
    answered[0](new Error('the connection closed'), undefined);
    answered[1](undefined, answer(ResponseCode.PULL_RETRY_IMMEDIATELY, 10));
    expect(sent.map(({ address }) => address)).toEqual(['master:1', 'slave:1', 'second:1']);
    expect(answers).toEqual([]);
    answered[2](undefined, answer(ResponseCode.PULL_RETRY_IMMEDIATELY, 12));
    expect(answers).toEqual(['NO_MATCHED_MSG']);
  });

  it('looks the route up again when no broker is known', async () => {
    const { pull, sent, refreshed } = harness([]);
    const answers = pull();
    expect(answers).toEqual([]);
    await Promise.resolve();
    await Promise.resolve();
    expect(answers).toEqual([expect.objectContaining({ code: 'BROKER_NOT_FOUND', retriable: true })]);
    expect([sent, refreshed]).toEqual([[], ['t']]);
  });
});
