import { encodeFastjson } from '../json/fastjson-stringify.js';
import { parseFastjson } from '../json/fastjson-parse.js';
import { asInteger, asObject, objectOf } from '../json/json-value.js';
import { readDataVersion, type DataVersion } from './data-version.js';

/** Queue offsets by `topic@group` and queue id: the answer to GET_ALL_CONSUMER_OFFSET (`broker/offset/ConsumerOffsetManager.java`). */
export interface ConsumerOffsetWrapper {
  readonly offsetTable: ReadonlyMap<string, ReadonlyMap<number, number>>;
  readonly dataVersion: DataVersion;
}

/** Queue offsets by delay level: the answer to GET_ALL_DELAY_OFFSET (`broker/schedule/DelayOffsetSerializeWrapper.java`). */
export interface DelayOffsetWrapper {
  readonly offsetTable: ReadonlyMap<number, number>;
  readonly dataVersion: DataVersion;
}

export function encodeConsumerOffsetWrapper(wrapper: ConsumerOffsetWrapper): Buffer {
  return encodeFastjson(wrapper);
}

/** @throws ProtocolError */
export function decodeConsumerOffsetWrapper(body: Buffer | string): ConsumerOffsetWrapper {
  const root = asObject(parseFastjson(body), 'consumer offsets');
  const offsetTable = new Map<string, ReadonlyMap<number, number>>();
  for (const [key, queues] of Object.entries(objectOf(root, 'offsetTable') ?? {}))
    offsetTable.set(key, numbersOf(asObject(queues, key), key));
  return { offsetTable, dataVersion: readDataVersion(objectOf(root, 'dataVersion')) };
}

export function encodeDelayOffsetWrapper(wrapper: DelayOffsetWrapper): Buffer {
  return encodeFastjson(wrapper);
}

/** @throws ProtocolError */
export function decodeDelayOffsetWrapper(body: Buffer | string): DelayOffsetWrapper {
  const root = asObject(parseFastjson(body), 'delay offsets');
  const offsetTable = numbersOf(objectOf(root, 'offsetTable') ?? {}, 'offsetTable');
  return { offsetTable, dataVersion: readDataVersion(objectOf(root, 'dataVersion')) };
}

function numbersOf(object: Readonly<Record<string, unknown>>, what: string): ReadonlyMap<number, number> {
  return new Map(Object.entries(object).map(([key, value]) => [asInteger(Number(key), what), asInteger(value, what)]));
}
