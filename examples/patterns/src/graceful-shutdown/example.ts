import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Controller } from '@nestjs/common';
import { startExampleApp } from '../app.js';
import type { Pattern } from '../pattern.js';

@Controller()
class NoHandlers {}

const MESSAGES = 1_500;
const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

const pattern: Pattern = {
  about: 'processes that are replaced one after the other by SIGTERM: none lost, none twice',
  async run({ namesrvAddr, runId, say, until }) {
    const topic = `pattern-shutdown-${runId}`;
    const { app, producer } = await startExampleApp(namesrvAddr, [NoHandlers]);
    await Promise.all(Array.from({ length: MESSAGES }, (_, n) => producer.send({ topic, body: n })));
    await app.close();
    const handled = new Map<string, number>();
    const total = (): number => [...handled.values()].reduce((sum, times) => sum + times, 0);

    for (const kind of ['standalone', 'hybrid', 'standalone', 'hybrid']) {
      const before = total();
      const worker = spawn(process.execPath, [WORKER, kind, topic], {
        env: { ...process.env, NAMESRV_ADDR: namesrvAddr },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines = createInterface(worker.stdout);
      lines.on('line', (line) => handled.set(line, (handled.get(line) ?? 0) + 1));
      const ended = Promise.all([once(worker, 'exit'), once(lines, 'close')]);
      const isLast = kind === 'hybrid' && before > MESSAGES / 2;
      const enough = isLast ? MESSAGES : Math.min(before + MESSAGES / 5, MESSAGES);
      await until(`messages at the ${kind} worker`, () => handled.size >= enough || worker.exitCode !== null);
      // In the middle of its work: handlers run, and messages that were pulled wait.
      worker.kill('SIGTERM');
      await ended;
      say(`${kind} worker: ${total() - before} handled`);
    }
    const twice = [...handled.values()].filter((times) => times > 1).length;
    say(`${handled.size} of ${MESSAGES} messages handled, ${twice} more than once`);
    if (handled.size !== MESSAGES || twice > 0) throw new Error('a message was lost, or came twice');
  },
};

export default pattern;
