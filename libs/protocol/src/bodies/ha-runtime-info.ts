import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { arrayOf, asObject, booleanOf, integerOf, objectOf, stringOf } from '../json/json-value.js';

/** A slave, as its master sees it. */
export interface HAConnectionRuntimeInfo {
  /** `ip:port` of the slave's end of the line. */
  addr: string;
  /** The slave has everything before it. */
  slaveAckOffset: number;
  /** Bytes that it lacks. */
  diff: number;
  inSync: boolean;
  transferredByteInSecond: number;
  /** What it gets next. */
  transferFromWhere: number;
}

/** A master, as its slave sees it. */
export interface HAClientRuntimeInfo {
  /** Where the log comes from; empty before a namesrv has told. */
  masterAddr: string;
  transferredByteInSecond: number;
  /** End of the slave's log. */
  maxOffset: number;
  /** ms since 1970; 0: never. */
  lastReadTimestamp: number;
  lastWriteTimestamp: number;
  masterFlushOffset: number;
  /** The line to the master is up. */
  activated: boolean;
}

/** The answer to GET_BROKER_HA_STATUS. Source: `remoting/protocol/body/HARuntimeInfo.java`. */
export interface HARuntimeInfo {
  master: boolean;
  /** Of a master: the end of its log, how many slaves are in sync, and all that are connected. */
  masterCommitLogMaxOffset: number;
  inSyncSlaveNums: number;
  haConnectionInfo: HAConnectionRuntimeInfo[];
  /** Of a slave. */
  haClientRuntimeInfo: HAClientRuntimeInfo;
}

/** What a master says of its own master. */
export const NO_HA_CLIENT: HAClientRuntimeInfo = {
  masterAddr: '',
  transferredByteInSecond: 0,
  maxOffset: 0,
  lastReadTimestamp: 0,
  lastWriteTimestamp: 0,
  masterFlushOffset: 0,
  activated: false,
};

export function encodeHARuntimeInfo(info: HARuntimeInfo): Buffer {
  return encodeFastjson(info);
}

/** @throws ProtocolError for anything else. */
export function decodeHARuntimeInfo(body: Buffer | string): HARuntimeInfo {
  const object = asObject(parseFastjson(body), 'an HA status');
  const client = objectOf(object, 'haClientRuntimeInfo') ?? {};
  return {
    master: booleanOf(object, 'master', false),
    masterCommitLogMaxOffset: integerOf(object, 'masterCommitLogMaxOffset', 0),
    inSyncSlaveNums: integerOf(object, 'inSyncSlaveNums', 0),
    haConnectionInfo: arrayOf(object, 'haConnectionInfo').map((item) => {
      const connection = asObject(item, 'haConnectionInfo');
      return {
        addr: stringOf(connection, 'addr', ''),
        slaveAckOffset: integerOf(connection, 'slaveAckOffset', 0),
        diff: integerOf(connection, 'diff', 0),
        inSync: booleanOf(connection, 'inSync', false),
        transferredByteInSecond: integerOf(connection, 'transferredByteInSecond', 0),
        transferFromWhere: integerOf(connection, 'transferFromWhere', 0),
      };
    }),
    haClientRuntimeInfo: {
      masterAddr: stringOf(client, 'masterAddr', ''),
      transferredByteInSecond: integerOf(client, 'transferredByteInSecond', 0),
      maxOffset: integerOf(client, 'maxOffset', 0),
      lastReadTimestamp: integerOf(client, 'lastReadTimestamp', 0),
      lastWriteTimestamp: integerOf(client, 'lastWriteTimestamp', 0),
      masterFlushOffset: integerOf(client, 'masterFlushOffset', 0),
      activated: booleanOf(client, 'activated', false),
    },
  };
}
