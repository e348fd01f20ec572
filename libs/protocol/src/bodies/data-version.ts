import { integerOf, type JsonObject } from '../json/json-value.js';
import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { asObject } from '../json/json-value.js';

/**
 * The version of a table: any difference in any of the three means "changed", lower included.
 * Source: `remoting/protocol/DataVersion.java`.
 */
export interface DataVersion {
  /** Epoch of the controller; 0 without one. */
  stateVersion: number;
  /** When the last change was made, milliseconds. */
  timestamp: number;
  counter: number;
}

export function readDataVersion(object: JsonObject | undefined): DataVersion {
  return {
    stateVersion: integerOf(object ?? {}, 'stateVersion', 0),
    timestamp: integerOf(object ?? {}, 'timestamp', 0),
    counter: integerOf(object ?? {}, 'counter', 0),
  };
}

export function decodeDataVersion(body: Buffer | string): DataVersion {
  return readDataVersion(asObject(parseFastjson(body), 'a data version'));
}

export function encodeDataVersion(version: DataVersion): Buffer {
  return encodeFastjson(version);
}

export function sameDataVersion(a: DataVersion, b: DataVersion): boolean {
  return a.stateVersion === b.stateVersion && a.timestamp === b.timestamp && a.counter === b.counter;
}
