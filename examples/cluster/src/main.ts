import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readOptions, USAGE, type ClusterOptions } from './cluster-options.js';
import { clusterMembers, namesrvAddrOf, type Member } from './members.js';
import { portsInUse } from './ports-in-use.js';
import { RunningCluster } from './running-cluster.js';

/** The root of the repository: this file is built to dist/examples/cluster. */
const ROOT = join(import.meta.dirname, '..', '..', '..');
/** The two signals of one Ctrl-C (npm passes its own on) come within this time. */
const SAME_SIGNAL_MS = 1_000;
const EXIT_CODE_INTERRUPTED = 130;

const say = (line: string): void => console.log(line);
const mainFile = (app: Member['app']): string => join(ROOT, 'dist', app, 'main.js');

/** The applications, where nobody has built them yet. */
function build(): void {
  if (existsSync(mainFile('namesrv')) && existsSync(mainFile('broker'))) return;
  say('Building namesrv and broker, once ...');
  const { status } = spawnSync('npm', ['run', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('npm run build failed: see above');
}

function next(members: readonly Member[], folder: string): string {
  const namesrvAddr = namesrvAddrOf(members);
  return `
The cluster is up. Clients are given both namesrvs: ${namesrvAddr}

Next, in another terminal:
  NAMESRV_ADDR="${namesrvAddr}" npm run demo
and here, meanwhile:
  kill group-a-master      (then: start group-a-master; list; stop NAME)

Ctrl-C stops all, in order. Stores and logs: ${folder}
`;
}

/** Stops the cluster at the first signal, and ends it at once at a second one. @returns when it has begun to stop, and how that ends. */
function stopOnSignals(cluster: RunningCluster): void {
  let firstMs: number | undefined;
  const stop = (): void => {
    if (firstMs !== undefined) {
      if (performance.now() - firstMs >= SAME_SIGNAL_MS) process.exit(EXIT_CODE_INTERRUPTED);
      return;
    }
    firstMs = performance.now();
    say('\nStopping; a second Ctrl-C kills what is left.');
    cluster.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error instanceof Error ? error.message : error);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // Whatever ends this process, no member stays behind.
  process.on('exit', () => cluster.killNow());
}

async function run({ ports, folder }: ClusterOptions): Promise<void> {
  const members = clusterMembers({ ports, folder });
  const taken = await portsInUse(members);
  if (taken.length > 0)
    throw new Error(
      `${taken.join('\n')}\nEnd what listens there (another cluster, or "npm start"?), or choose other ports:\n\n${USAGE}`,
    );
  build();
  say(`Two namesrvs, and two groups of a master and its slave, on 127.0.0.1:`);
  const cluster = new RunningCluster(members, { folder, mainFile, say });
  stopOnSignals(cluster);
  await cluster.start();
  say(next(members, folder));
  createInterface({ input: process.stdin }).on('line', (line) => {
    if (line.trim() === '') return;
    cluster.command(line).then(say, (error: unknown) => say(error instanceof Error ? error.message : String(error)));
  });
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) say(USAGE);
  else await run(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
