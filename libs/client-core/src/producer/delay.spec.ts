import { decodeProperties } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logger.js';
import { outgoingBatch } from './outgoing-batch.js';
import { outgoingMessage } from './outgoing-message.js';
import type { MessageInput } from './message-input.js';
import { TransactionRunner } from './transaction-runner.js';

const message = (fields: Partial<MessageInput>): MessageInput => ({ topic: 'Orders', body: 'x', ...fields });
const propertiesOf = (fields: Partial<MessageInput>): Record<string, string> =>
  decodeProperties(outgoingMessage(message(fields), 1_000, Date.now()).properties);

describe('the delay of a message', () => {
  it('becomes the property that RocketMQ has for it', () => {
    expect(propertiesOf({ delayTimeLevel: 3 })).toMatchObject({ DELAY: '3' });
    expect(propertiesOf({ delayTimeSec: 90 })).toMatchObject({ TIMER_DELAY_SEC: '90' });
    expect(propertiesOf({ delayTimeMs: 0 })).toMatchObject({ TIMER_DELAY_MS: '0' });
    expect(propertiesOf({ delayTimeLevel: 0, deliverTimeMs: 1_763_862_000_001 })).toMatchObject({
      TIMER_DELIVER_MS: '1763862000001',
    });
    expect(Object.keys(propertiesOf({ delayTimeLevel: 0 }))).toEqual(['UNIQ_KEY']);
  });

  it.each([
    [{ delayTimeLevel: 1, delayTimeMs: 5 }, /delayTimeLevel and delayTimeMs/],
    [{ delayTimeSec: 1, deliverTimeMs: 5 }, /delayTimeSec and deliverTimeMs/],
    [{ delayTimeMs: -1 }, /delayTimeMs .* -1, must be a whole number of ms/],
    [{ delayTimeSec: 0.5 }, /delayTimeSec .* whole number of seconds/],
    [{ deliverTimeMs: NaN }, /ms since 1970/],
    [{ delayTimeLevel: -1 }, /delayTimeLevel .* -1/],
    [{ properties: { TIMER_DELIVER_MS: '1' } }, /use the field "deliverTimeMs"/],
    [{ properties: { TIMER_DEL_UNIQKEY: 'x' } }, /reserved/],
  ])('%j is refused with a clear error', (fields, text) => {
    expect(() => outgoingMessage(message(fields), 1_000, Date.now())).toThrow(text);
  });

  it.each(['delayTimeLevel', 'delayTimeSec', 'delayTimeMs', 'deliverTimeMs'])(
    '%s goes with neither batch nor transaction',
    (field) => {
      const delayed = message({ [field]: 1 });
      expect(() => outgoingBatch([delayed], 1_000)).toThrow(`message 0 of a batch has ${field} 1`);
      const runner = new TransactionRunner({
        group: 'g',
        listener: { executeLocalTransaction: () => 'UNKNOWN', checkLocalTransaction: () => 'UNKNOWN' },
        checkConcurrency: 1,
        checkRequestHoldMax: 1,
        logger: silentLogger,
      });
      const outgoing = outgoingMessage(delayed, 1_000, Date.now());
      expect(() => runner.asHalf(delayed, outgoing, undefined)).toThrow(`leave ${field} out`);
    },
  );
});
