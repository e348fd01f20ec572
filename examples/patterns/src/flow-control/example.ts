import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RocketMQServer } from '@rocknest/client';
import { startExampleApp } from '../app.js';
import type { Pattern } from '../pattern.js';

interface Frame {
  readonly run: string;
  readonly n: number;
}

const FRAMES = 200;
const seen = { slow: [] as string[], quick: [] as string[] };
const gate: { open?: () => void; opened?: Promise<void> } = {};

@Controller()
class FrameController {
  // A queue is pulled no further while 8 of its messages are held here.
  @ConcurrentConsumer({
    topic: 'pattern-flow',
    group: 'pattern-flow-slow',
    concurrency: 2,
    pullThresholdForQueue: 8,
    pullBatchSize: 4,
  })
  async slow(@Payload() frame: Frame): Promise<void> {
    await gate.opened;
    seen.slow.push(`${frame.run} ${frame.n}`);
  }
  @ConcurrentConsumer({ topic: 'pattern-flow', group: 'pattern-flow-quick' })
  quick(@Payload() frame: Frame): void {
    seen.quick.push(`${frame.run} ${frame.n}`);
  }
}

const pattern: Pattern = {
  about: 'a slow group whose pulls pause, beside a quick one that is not held up',
  async run({ namesrvAddr, runId, say, until }) {
    gate.opened = new Promise((resolve) => (gate.open = resolve));
    const { app, producer, server } = await startExampleApp(namesrvAddr, [FrameController]);
    for (let n = 0; n < FRAMES; n++) await producer.send({ topic: 'pattern-flow', body: { run: runId, n } });
    const count = (lines: readonly string[]): number => lines.filter((line) => line.startsWith(runId)).length;
    await until('all frames at the quick group', () => count(seen.quick) === FRAMES);
    const held = heldOf(server);
    say(
      `quick group: ${count(seen.quick)}; slow group: ${count(seen.slow)} handled, at most ${Math.max(...held)} held of a queue`,
    );
    gate.open?.();
    await until('all frames at the slow group', () => count(seen.slow) === FRAMES);
    say(`slow group: ${count(seen.slow)}, none lost`);
    await app.close();
    // The pull that goes over the limit is the last one: 8 and up to 4 more.
    if (Math.max(...held) > 12) throw new Error(`${Math.max(...held)} messages of a queue were held`);
  },
};

/** Messages that the slow group's consumer holds, by queue. */
function heldOf(server: RocketMQServer): number[] {
  const consumer = server.unwrap().get('pattern-flow-slow') as
    { runningInfo?: () => { mqTable: { value: { cachedMsgCount: number } }[] } | undefined } | undefined;
  return consumer?.runningInfo?.()?.mqTable.map(({ value }) => value.cachedMsgCount) ?? [];
}

export default pattern;
