import { describe, expect, it } from 'vitest';
import { ResponseCode, type MessageQueueAssignment } from '@rocknest/protocol';
import { MQBrokerError } from '../../errors.js';
import { silentLogger } from '../../logger.js';
import { BrokerRebalance } from './broker-rebalance.js';

const pull: MessageQueueAssignment = { messageQueue: { topic: 't', brokerName: 'b', queueId: 0 }, mode: 'PULL' };
const pop: MessageQueueAssignment = { messageQueue: { topic: 't', brokerName: 'b', queueId: -1 }, mode: 'POP' };

type Answer = readonly MessageQueueAssignment[] | undefined | Error;

function harness(answers: Answer[], options: { setRequestMode?: boolean; modeError?: Error } = {}) {
  const log: unknown[] = [];
  const warnings: string[] = [];
  const rebalance = new BrokerRebalance({
    group: 'g',
    strategyName: 'AVG',
    setRequestMode: options.setRequestMode ?? true,
    shareQueueNum: 2,
    api: {
      query: async () => {
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        if (answer instanceof Error) throw answer;
        return answer;
      },
      setMode: async (mode) => {
        log.push(mode);
        if (options.modeError) throw options.modeError;
      },
    },
    pullsInsteadOfPops: (topic, pulls) => log.push(`${topic} ${pulls ? 'pulls' : 'pops'}`),
    logger: { ...silentLogger, warn: (text) => warnings.push(text) },
  });
  return { rebalance, log, warnings };
}

const mode = { topic: 't', consumerGroup: 'g', mode: 'POP', popShareQueueNum: 2 };
const answer = (code: number): MQBrokerError => new MQBrokerError('query', 'a', code, undefined);

describe('BrokerRebalance', () => {
  it('tells brokers that let the group pull to let it pop, once, and takes what they say then', async () => {
    const { rebalance, log } = harness([[pull], [pop], [pull]]);
    expect(await rebalance.assignmentOf('t')).toEqual({
      by: 'BROKER',
      popQueues: [pop.messageQueue],
      pullQueues: [],
    });
    // An administrator changed it since: he is obeyed.
    expect(await rebalance.assignmentOf('t')).toEqual({
      by: 'BROKER',
      popQueues: [],
      pullQueues: [pull.messageQueue],
    });
    expect(log).toEqual([mode, 't pops', 't pulls']);
  });

  it('only does what it is told with setMessageRequestMode off, and never changes retry topics', async () => {
    const off = harness([[pull]], { setRequestMode: false });
    expect(await off.rebalance.assignmentOf('t')).toMatchObject({ pullQueues: [pull.messageQueue] });
    expect(off.log).toEqual(['t pulls']);
    const retry = harness([[pull]]);
    await retry.rebalance.assignmentOf('%RETRY%g');
    expect(retry.log).toEqual([]);
  });

  it('goes on with pulls when the mode is refused, and asks again only where that may help', async () => {
    const refused = harness([[pull]], { modeError: answer(ResponseCode.NO_PERMISSION) });
    await refused.rebalance.assignmentOf('t');
    expect(await refused.rebalance.assignmentOf('t')).toMatchObject({ pullQueues: [pull.messageQueue] });
    expect(refused.log).toEqual([mode, 't pulls', 't pulls']);
    expect(refused.warnings).toHaveLength(1);
    const missing = harness([[pull]], { modeError: answer(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST) });
    await missing.rebalance.assignmentOf('t');
    await missing.rebalance.assignmentOf('t');
    expect(missing.log).toEqual([mode, 't pulls', mode, 't pulls']);
  });

  it('keeps everything when a broker can’t say, and gives everything up when it says nothing is ours', async () => {
    expect(await harness([undefined]).rebalance.assignmentOf('t')).toEqual({ by: 'NOBODY' });
    expect(await harness([new Error('no route')]).rebalance.assignmentOf('t')).toEqual({ by: 'NOBODY' });
    const empty = harness([[]]);
    expect(await empty.rebalance.assignmentOf('t')).toEqual({ by: 'BROKER', popQueues: [], pullQueues: [] });
    expect(empty.log).toEqual([]);
  });

  it('leaves it to the members with brokers before 5.0, with one warning', async () => {
    const { rebalance, warnings } = harness([answer(ResponseCode.REQUEST_CODE_NOT_SUPPORTED)]);
    expect(await rebalance.assignmentOf('t')).toEqual({ by: 'MEMBERS' });
    expect(await rebalance.assignmentOf('t')).toEqual({ by: 'MEMBERS' });
    expect(warnings).toEqual([expect.stringContaining('before 5.0')]);
  });
});
