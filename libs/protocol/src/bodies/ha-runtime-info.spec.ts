import { describe, expect, it } from 'vitest';
import { decodeHARuntimeInfo, encodeHARuntimeInfo, NO_HA_CLIENT, type HARuntimeInfo } from './ha-runtime-info.js';

const CONNECTION = {
  addr: '127.0.0.1:5',
  slaveAckOffset: 90,
  diff: 10,
  inSync: true,
  transferredByteInSecond: 7,
  transferFromWhere: 100,
};

describe('HARuntimeInfo', () => {
  it('goes there and back, for masters and slaves', () => {
    const master: HARuntimeInfo = {
      master: true,
      masterCommitLogMaxOffset: 100,
      inSyncSlaveNums: 1,
      haConnectionInfo: [CONNECTION],
      haClientRuntimeInfo: NO_HA_CLIENT,
    };
    expect(decodeHARuntimeInfo(encodeHARuntimeInfo(master))).toEqual(master);
    const haClientRuntimeInfo = {
      ...NO_HA_CLIENT,
      masterAddr: 'm:1',
      maxOffset: 5,
      lastReadTimestamp: 9,
      activated: true,
    };
    const slave = { ...master, master: false, haConnectionInfo: [], haClientRuntimeInfo };
    expect(decodeHARuntimeInfo(encodeHARuntimeInfo(slave))).toEqual(slave);
  });

  it('takes what is left out as nothing, and refuses what is no object', () => {
    expect(decodeHARuntimeInfo('{"master":true,"haConnectionInfo":[{}]}')).toMatchObject({
      master: true,
      haConnectionInfo: [{ addr: '', inSync: false }],
      haClientRuntimeInfo: NO_HA_CLIENT,
    });
    expect(() => decodeHARuntimeInfo('[]')).toThrow('HA status');
    expect(() => decodeHARuntimeInfo('{"haConnectionInfo":[1]}')).toThrow('haConnectionInfo');
  });
});
