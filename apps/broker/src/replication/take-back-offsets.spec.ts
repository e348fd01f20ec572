import {
  encodeBrokerMemberGroup,
  encodeConsumerOffsetWrapper,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import type { Metadata } from '../metadata/index.js';
import { takeBackOffsets } from './take-back-offsets.js';

const NAMESRVS = ['dead:9876', 'alive:9876'];

interface World {
  readonly members: ReadonlyMap<number, string>;
  /** Of the slave that stands in. */
  readonly answer: () => RemotingCommand;
}

/** @returns what was committed, which broker was asked, and what was logged. */
async function takeBack(world: World, own: Record<string, number>) {
  const commits: Record<string, number> = {};
  const asked: string[] = [];
  const logged: string[] = [];
  const client = {
    invoke: (address: string, { code }: RemotingCommand): Promise<RemotingCommand> => {
      if (address === 'dead:9876') return Promise.reject(new Error('no connection'));
      if (code === RequestCode.GET_BROKER_MEMBER_GROUP) {
        const group = { cluster: 'c', brokerName: 'b', brokerAddrs: world.members };
        return Promise.resolve(
          RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeBrokerMemberGroup(group) }),
        );
      }
      asked.push(address);
      return Promise.resolve(world.answer());
    },
  };
  const offsets = {
    query: (group: string, topic: string, queueId: number) => own[`${topic}@${group}:${queueId}`] ?? -1,
    commit: (group: string, topic: string, queueId: number, queueOffset: number) =>
      void (commits[`${topic}@${group}:${queueId}`] = queueOffset),
  } as unknown as Metadata['offsets'];
  const keep = (line: string): void => void logged.push(line);
  const logger = { log: keep, warn: keep, error: keep };
  await takeBackOffsets({
    client,
    namesrvAddresses: NAMESRVS,
    clusterName: 'c',
    brokerName: 'b',
    offsets,
    logger,
  });
  return { commits, asked, logged };
}

function offsetsAnswer(table: Record<string, Record<number, number>>): RemotingCommand {
  const offsetTable = new Map(
    Object.entries(table).map(([key, queues]) => [
      key,
      new Map(Object.entries(queues).map(([queueId, offset]) => [Number(queueId), offset])),
    ]),
  );
  const dataVersion = { stateVersion: 0, timestamp: 0, counter: 0 };
  return RemotingCommand.response(ResponseCode.SUCCESS, {
    body: encodeConsumerOffsetWrapper({ offsetTable, dataVersion }),
  });
}

describe('takeBackOffsets', () => {
  const members = new Map([
    [2, 'second:1'],
    [1, 'first:1'],
  ]);

  it('takes what is further at the slave with the smallest id, and nothing else', async () => {
    const answer = () => offsetsAnswer({ 'topic@group': { 0: 7, 1: 3, 2: 5 } });
    const { commits, asked } = await takeBack(
      { members, answer },
      { 'topic@group:0': 4, 'topic@group:1': 3, 'topic@group:2': 9 },
    );
    expect(asked).toEqual(['first:1']);
    expect(commits).toEqual({ 'topic@group:0': 7 });
  });

  it('asks nobody when there is no slave', async () => {
    const answer = () => offsetsAnswer({});
    const { asked, logged } = await takeBack({ members: new Map([[0, 'self:1']]), answer }, {});
    expect([asked, logged]).toEqual([[], []]);
  });

  it('says so when the slave does not answer as it should, and lets the master start', async () => {
    const answer = () => RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark: 'not now' });
    const { commits, logged } = await takeBack({ members, answer }, {});
    expect(commits).toEqual({});
    expect(logged.join()).toContain('not now');
  });
});
