import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConcurrentConsumer } from '@rocknest/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controllerOf, NestHandlers, type HandlerBus } from '../../support/nest-handlers.js';
import { waitFor } from '../../support/wait-for.js';
import { Lab } from './lab.js';

const COUNT = 20;
const TIMEOUT_MS = 60_000;
const IP = '127.0.0.1';

/** Broadcasting Nest handlers take over from the official client and hand over to it, by the file of offsets that both write. */
export function describeBroadcastFiles(name: string, start: () => Promise<HandlerBus>): void {
  describe.concurrent(name, () => {
    let handlers: NestHandlers;
    let namesrvAddr: string;
    let localOffsetStoreDir: string;

    beforeAll(async () => {
      const bus = await start();
      ({ namesrvAddr } = bus);
      localOffsetStoreDir = mkdtempSync(join(tmpdir(), 'rocknest-broadcast-'));
      handlers = new NestHandlers(bus);
      await handlers.start();
    });

    afterAll(async () => {
      await handlers?.stop();
      if (localOffsetStoreDir) rmSync(localOffsetStoreDir, { recursive: true, force: true });
    });

    it.each(['4.9.8', '5.4.0'])(
      'ours, then the Java client %s, then ours: each goes on where the one before was',
      { timeout: 2 * TIMEOUT_MS },
      async (version) => {
        const lab = await Lab.start(version, namesrvAddr, { localOffsetStoreDir });
        try {
          const topic = lab.name('broadcast-files');
          const group = `g-${topic}`;
          const instanceName = lab.name('one');
          /** What our member gets until it has `count` messages. */
          const ours = async (count: number): Promise<number[]> => {
            const received: number[] = [];
            const controller = controllerOf(
              ConcurrentConsumer({
                topic,
                group,
                messageModel: 'BROADCASTING',
                localOffsetStoreDir,
                deserializer: 'json',
                consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
              }),
              (n: number) => void received.push(n),
            );
            const { app } = await handlers.run(controller, 'standalone', { instanceName, clientIp: IP });
            await waitFor(() => received.length >= count, `${count} messages`, TIMEOUT_MS);
            await app.close();
            return received.sort((a, b) => a - b);
          };
          const numbers = (from: number): number[] => Array.from({ length: COUNT }, (_, n) => from + n);

          await handlers.send(topic, COUNT);
          expect(await ours(COUNT)).toEqual(numbers(0));
          const file = join(localOffsetStoreDir, `${IP}@${instanceName}`, group, 'offsets.json');
          expect(readFileSync(file, 'utf8')).toContain(topic);

          await handlers.send(topic, COUNT, 4, COUNT);
          await lab.ask('push.start', {
            name: 'java',
            ip: IP,
            instance: instanceName,
            group,
            topic,
            broadcasting: true,
          });
          await lab.waitForBodies('java', COUNT);
          await lab.ask('push.shutdown', { name: 'java' });
          expect(
            lab
              .begun('java')
              .map(({ body }) => Number(body))
              .sort((a, b) => a - b),
          ).toEqual(numbers(COUNT));

          await handlers.send(topic, COUNT, 4, 2 * COUNT);
          expect(await ours(COUNT)).toEqual(numbers(2 * COUNT));
        } finally {
          await lab.stop();
        }
      },
    );
  });
}
