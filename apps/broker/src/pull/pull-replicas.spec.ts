import { defaultSubscriptionGroupConfig, ResponseCode } from '@rocknest/protocol';
import type { GetResult } from '@rocknest/store';
import { describe, expect, it } from 'vitest';
import { PullReplicas, type PullReplicasOptions } from './pull-replicas.js';

const GROUP = { ...defaultSubscriptionGroupConfig('GID_a'), whichBrokerWhenConsumeSlowly: 2 };

function replicas(overrides: Partial<PullReplicasOptions> = {}): PullReplicas {
  const on = (): boolean => true;
  const off = (): boolean => false;
  return new PullReplicas({
    isSlave: false,
    slaveReadEnable: on,
    offsetCheckInSlave: off,
    hasSlaves: on,
    ...overrides,
  });
}

function result(suggestPullingFromSlave: boolean): GetResult {
  return {
    status: 'FOUND',
    nextBeginOffset: 1,
    minOffset: 0,
    maxOffset: 1,
    records: [],
    messageCount: 1,
    sizeBytes: 1,
    suggestPullingFromSlave,
  };
}

describe('which broker a consumer asks next', () => {
  it('is a slave for what is far behind memory, as the group says', () => {
    expect(replicas().suggestedBroker(GROUP, result(true))).toBe(2);
    expect(replicas().suggestedBroker(GROUP, result(false))).toBe(0);
  });

  it('is the master when there is no slave, or nobody may read from one', () => {
    expect(replicas({ hasSlaves: () => false }).suggestedBroker(GROUP, result(true))).toBe(0);
    expect(replicas({ slaveReadEnable: () => false }).suggestedBroker(GROUP, result(true))).toBe(0);
  });

  it('is the master again when a slave has served what was far behind', () => {
    const slave = replicas({ isSlave: true, hasSlaves: () => false });
    expect(slave.suggestedBroker(GROUP, result(true))).toBe(2);
    expect(slave.suggestedBroker(GROUP, result(false))).toBe(0);
  });
});

describe('a slave', () => {
  const slave = replicas({ isSlave: true });

  it('lets consumers wait for what its master may still send', () => {
    for (const status of ['OFFSET_OVERFLOW_BADLY', 'NO_MATCHED_LOGIC_QUEUE', 'NO_MESSAGE_IN_QUEUE'] as const) {
      expect(slave.responseCode(ResponseCode.PULL_OFFSET_MOVED, status)).toBe(ResponseCode.PULL_NOT_FOUND);
      expect(slave.keepsOffset(status)).toBe(true);
    }
  });

  it('sends them to the master for what it never had', () => {
    const code = slave.responseCode(ResponseCode.PULL_OFFSET_MOVED, 'OFFSET_TOO_SMALL');
    expect(code).toBe(ResponseCode.PULL_RETRY_IMMEDIATELY);
    expect(slave.responseCode(ResponseCode.SUCCESS, 'FOUND')).toBe(ResponseCode.SUCCESS);
  });

  it('corrects offsets with offsetCheckInSlave, as a master does', () => {
    for (const other of [replicas(), replicas({ isSlave: true, offsetCheckInSlave: () => true })]) {
      expect(other.keepsOffset('OFFSET_TOO_SMALL')).toBe(false);
      const code = other.responseCode(ResponseCode.PULL_OFFSET_MOVED, 'OFFSET_TOO_SMALL');
      expect(code).toBe(ResponseCode.PULL_OFFSET_MOVED);
    }
  });

  it('serves nobody with slaveReadEnable=false; a master always serves', () => {
    expect(replicas({ isSlave: true, slaveReadEnable: () => false }).serves).toBe(false);
    expect(replicas({ slaveReadEnable: () => false }).serves).toBe(true);
  });
});
