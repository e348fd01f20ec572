import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.js';
import { makeFolder, type PeerServer, startServer } from './peer-server.js';

/** Where Debian's package puts the script that needs no user of its own; `RABBITMQ_SERVER` names another. */
const SCRIPT = process.env['RABBITMQ_SERVER'] ?? '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Why RabbitMQ cannot take part; undefined when it can. */
export function rabbitmqMissing(): string | undefined {
  return existsSync(SCRIPT)
    ? undefined
    : `${SCRIPT} is not there: install rabbitmq-server, or set RABBITMQ_SERVER to its script`;
}

/** The process of the virtual machine, a child of the script. */
function childOf(pid: number): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(parent) === pid && stat.includes('(beam')) return Number(name);
    } catch {
      // It ended while the list was read.
    }
  }
  throw new Error(`the Erlang process below ${pid} was not found`);
}

export async function startRabbitmq(): Promise<PeerServer> {
  const folder = makeFolder('rabbitmq');
  const [port, distributionPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  const plugins = join(folder.path, 'plugins');
  writeFileSync(plugins, '[].');
  const env = {
    ...process.env,
    HOME: folder.path,
    RABBITMQ_NODENAME: 'rocknest-bench@localhost',
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(folder.path, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder.path, 'log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_CONF_ENV_FILE: join(folder.path, 'none'),
    RABBITMQ_CONFIG_FILE: join(folder.path, 'none'),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
  };
  const child = await startServer({ name: 'RabbitMQ', command: SCRIPT, args: [], env }, `127.0.0.1:${port}`);
  return {
    address: `amqp://127.0.0.1:${port}`,
    brokerPid: childOf(child.pid),
    stop: async () => {
      await child.stop(30_000);
      // Erlang's port mapper stays by itself; this one was started for us.
      spawnSync('epmd', ['-port', String(epmdPort), '-kill'], { env });
      folder.remove();
    },
  };
}
