import { RawConnection } from '../../support/raw-remoting.js';
import { sendFields } from '../../support/raw-requests.js';
import { exchangeBody, exchangeProperties, type ExchangeLedger } from './exchange-ledger.js';

const SEND_MESSAGE_V2 = 310;
const SEND_BATCH_MESSAGE = 320;
const BATCH_MESSAGES = 250;
const BATCHES_IN_FLIGHT = 8;
const SINGLES_IN_FLIGHT = 256;

function propertyText(properties: Record<string, string>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}\u0001${value}\u0002`)
    .join('');
}

/** One message inside of a batch. */
function batchItem(index: number): Buffer {
  const body = exchangeBody(index);
  const properties = Buffer.from(propertyText(exchangeProperties(index)));
  const item = Buffer.alloc(22 + body.length + properties.length);
  item.writeInt32BE(item.length, 0);
  item.writeInt32BE(body.length, 16);
  body.copy(item, 20);
  item.writeInt16BE(properties.length, 20 + body.length);
  properties.copy(item, 22 + body.length);
  return item;
}

/** Calls `work` for 0 to `count` - 1, at most `lanes` at a time. */
async function inLanes(lanes: number, count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Sends numbered messages over raw connections, and notes where the broker says that they are. */
export class ExchangeSender {
  /** Number of the next message: each is sent once, whichever broker serves. */
  private nextNumber = 0;

  constructor(private readonly ledger: ExchangeLedger) {}

  /** In batches, round robin over the queues. */
  batches(address: string, topic: string, queues: number, count: number): Promise<void> {
    const first = this.nextNumber;
    this.nextNumber += count;
    return this.connected(address, (connection) =>
      inLanes(BATCHES_IN_FLIGHT, Math.ceil(count / BATCH_MESSAGES), async (batch) => {
        const from = first + batch * BATCH_MESSAGES;
        const length = Math.min(BATCH_MESSAGES, first + count - from);
        const items = Array.from({ length }, (_, at) => batchItem(from + at));
        const fields = sendFields(topic, batch % queues, '', true);
        const { queueId, queueOffset } = (await connection.call(SEND_BATCH_MESSAGE, fields, Buffer.concat(items)))
          .fields;
        this.ledger.sent(topic, Number(queueId), Number(queueOffset), from, length);
      }),
    );
  }

  /** One by one, round robin over the queues. @returns the number of the first. */
  async singles(address: string, topic: string, queues: number, count: number): Promise<number> {
    const first = this.nextNumber;
    this.nextNumber += count;
    await this.connected(address, (connection) =>
      inLanes(SINGLES_IN_FLIGHT, count, async (at) => {
        const text = propertyText(exchangeProperties(first + at));
        const fields = sendFields(topic, at % queues, text);
        const { queueId, queueOffset } = (await connection.call(SEND_MESSAGE_V2, fields, exchangeBody(first + at)))
          .fields;
        this.ledger.sent(topic, Number(queueId), Number(queueOffset), first + at, 1);
      }),
    );
    return first;
  }

  /** With a delay level: they stand in the schedule topic until they are due. */
  delayed(address: string, topic: string, level: number, count: number): Promise<void> {
    const first = this.nextNumber;
    this.nextNumber += count;
    return this.connected(address, (connection) =>
      inLanes(SINGLES_IN_FLIGHT, count, async (at) => {
        const text = propertyText({ ...exchangeProperties(first + at), DELAY: String(level) });
        await connection.call(SEND_MESSAGE_V2, sendFields(topic, 0, text), exchangeBody(first + at));
      }),
    );
  }

  private async connected(address: string, work: (connection: RawConnection) => Promise<void>): Promise<void> {
    const connection = await RawConnection.open(address);
    try {
      await work(connection);
    } finally {
      connection.close();
    }
  }
}
