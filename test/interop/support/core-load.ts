import type { MessageInput, Producer } from '@rocknest/client-core';
import { expectedMessage } from './expected-message.js';

const IN_FLIGHT = 64;
const ASYNC_IN_FLIGHT = 1024;
const BATCH_MESSAGES = 32;
/** Oneway sends have no answer: a send that is answered goes between them, so that a slow broker isn't run over. */
const ONEWAY_IN_A_ROW = 100;

function messageOf(topic: string, seed: string, index: number): MessageInput {
  const { tags, keys, flag, body, properties } = expectedMessage(seed, index);
  return { topic, tags, keys, flag, body, properties };
}

/** Calls `work` for each number of the range, at most `lanes` at a time. */
async function inLanes(
  lanes: number,
  start: number,
  end: number,
  step: number,
  work: (at: number) => Promise<unknown>,
): Promise<void> {
  let next = start;
  const lane = async (): Promise<void> => {
    while (next < end) {
      const at = next;
      next += step;
      await work(at);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Sends messages 0 to `count` - 1 of a seed with our own client: a quarter each sync, async, oneway and in batches. */
export async function sendMixed(producer: Producer, topic: string, seed: string, count: number): Promise<void> {
  const cut = (part: number): number => Math.floor((count * part) / 4);
  const message = (index: number): MessageInput => messageOf(topic, seed, index);

  await inLanes(IN_FLIGHT, 0, cut(1), 1, (index) => producer.send(message(index)));

  await inLanes(ASYNC_IN_FLIGHT, cut(1), cut(2), 1, (index) => {
    return new Promise<void>((resolve, reject) => {
      producer.sendAsync(message(index), { onSuccess: () => resolve(), onException: reject });
    });
  });

  for (let index = cut(2); index < cut(3); index++) {
    if (index % ONEWAY_IN_A_ROW === 0) await producer.send(message(index));
    else await producer.sendOneway(message(index));
  }

  await inLanes(4, cut(3), count, BATCH_MESSAGES, (start) => {
    const length = Math.min(BATCH_MESSAGES, count - start);
    return producer.send(Array.from({ length }, (_, at) => message(start + at)));
  });
}
