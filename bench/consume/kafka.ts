import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.js';
import { projectRoot } from '../../test/support/project-root.js';
import { makeFolder, type PeerServer, startServer } from './peer-server.js';

/** Jars of the broker stay here between runs; delete it at will. */
const JARS = join(process.env['INTEROP_CACHE'] ?? join(tmpdir(), 'rocknest-interop-cache'), 'bench-kafka');
const HEAP = ['-Xms512m', '-Xmx1g'];

function runs(command: string): boolean {
  return spawnSync(command, ['-version'], { stdio: 'ignore' }).error === undefined;
}

/** Why Kafka cannot take part; undefined when it can. */
export function kafkaMissing(): string | undefined {
  return runs('java') && runs('mvn') ? undefined : 'a JDK and Maven are needed to get and run a Kafka broker';
}

function classPath(): string {
  if (!existsSync(join(JARS, 'lib'))) {
    const pom = join(projectRoot, 'bench/consume/kafka/pom.xml');
    const result = spawnSync('mvn', ['-q', '-B', '-f', pom, `-Dserver.directory=${JARS}`, 'package'], {
      encoding: 'utf8',
    });
    if (result.status !== 0) throw new Error(`the jars of Kafka could not be had\n${result.stdout}\n${result.stderr}`);
  }
  return `${join(JARS, 'lib')}/*`;
}

/** One broker that is its own controller. */
export async function startKafka(partitions: number): Promise<PeerServer> {
  const jars = classPath();
  const folder = makeFolder('kafka');
  const [port, controllerPort] = [await freePort(), await freePort()];
  const config = join(folder.path, 'server.properties');
  writeFileSync(
    config,
    [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'controller.listener.names=CONTROLLER',
      `log.dirs=${join(folder.path, 'log')}`,
      `num.partitions=${partitions}`,
      'offsets.topic.replication.factor=1',
      'transaction.state.log.replication.factor=1',
      'group.initial.rebalance.delay.ms=0',
    ].join('\n'),
  );
  const java = ['-cp', jars];
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'cm9ja25lc3RiZW5jaDAxMg', '-c', config];
  const formatted = spawnSync('java', [...java, ...format], { encoding: 'utf8' });
  if (formatted.status !== 0) throw new Error(`Kafka's storage: ${formatted.stdout}\n${formatted.stderr}`);
  const args = [...HEAP, ...java, 'kafka.Kafka', config];
  const child = await startServer({ name: 'Kafka', command: 'java', args }, `127.0.0.1:${port}`);
  return {
    address: `127.0.0.1:${port}`,
    brokerPid: child.pid,
    stop: async () => {
      await child.stop(30_000);
      folder.remove();
    },
  };
}
