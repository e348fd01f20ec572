import { encodeFastjson } from '../json/fastjson-stringify.js';
import { consumeStatsJson, type ConsumeStats } from './stats.js';

/** The answer to GET_BROKER_CONSUME_STATS. Source: `remoting/protocol/body/ConsumeStatsList.java`. */
export interface ConsumeStatsList {
  brokerAddr: string;
  /** Messages that groups have not consumed, over all. */
  totalDiff: number;
  totalInflightDiff: number;
  /** Group -> one element for each topic. */
  consumeStatsList: ReadonlyMap<string, readonly ConsumeStats[]>;
}

export function encodeConsumeStatsList({ consumeStatsList, ...totals }: ConsumeStatsList): Buffer {
  return encodeFastjson({
    ...totals,
    consumeStatsList: [...consumeStatsList].map(([group, stats]) => ({ [group]: stats.map(consumeStatsJson) })),
  });
}
