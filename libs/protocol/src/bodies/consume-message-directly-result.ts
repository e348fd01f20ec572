import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { asObject, booleanOf, integerOf, stringOf } from '../json/json-value.js';

export type DirectConsumeResult =
  'CR_SUCCESS' | 'CR_LATER' | 'CR_ROLLBACK' | 'CR_COMMIT' | 'CR_THROW_EXCEPTION' | 'CR_RETURN_NULL';

/** What a listener did with one message, asked for by CONSUME_MESSAGE_DIRECTLY. Source: `ConsumeMessageDirectlyResult.java`. */
export interface ConsumeMessageDirectlyResult {
  order: boolean;
  autoCommit: boolean;
  /** A {@link DirectConsumeResult}. */
  consumeResult: string;
  remark?: string;
  spentTimeMills: number;
}

export function decodeConsumeMessageDirectlyResult(body: Buffer | string): ConsumeMessageDirectlyResult {
  const object = asObject(parseFastjson(body), 'the result of a direct consumption');
  const remark = stringOf(object, 'remark');
  return {
    order: booleanOf(object, 'order', false),
    autoCommit: booleanOf(object, 'autoCommit', true),
    consumeResult: stringOf(object, 'consumeResult', ''),
    ...(remark === undefined ? {} : { remark }),
    spentTimeMills: integerOf(object, 'spentTimeMills', 0),
  };
}

export function encodeConsumeMessageDirectlyResult(result: ConsumeMessageDirectlyResult): Buffer {
  return encodeFastjson(result);
}
