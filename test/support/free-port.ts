import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Blocks of ports are claimed by files here, so that test processes side by side never choose the same. */
const claims = join(tmpdir(), 'rocknest-test-ports');
const LOWEST_PORT = 10_240;
/** Where connections of every process on this machine get their local ports from, unless the kernel says otherwise. */
const EPHEMERAL_PORTS = 32_768;
const PORT_RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range';
/** Ports of a block: a broker takes port - 2 and port + 1 as well. */
const BLOCK_SIZE = 4;
const PORT_IN_BLOCK = 2;
const ATTEMPTS = 1_000;

function lowestEphemeralPort(): number {
  if (!existsSync(PORT_RANGE_FILE)) return EPHEMERAL_PORTS;
  const lowest = Number.parseInt(readFileSync(PORT_RANGE_FILE, 'utf8'), 10);
  return lowest >= LOWEST_PORT + 1_000 * BLOCK_SIZE ? lowest : EPHEMERAL_PORTS;
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

const claimed = new Set<string>();
process.once('exit', () => {
  for (const file of claimed) rmSync(file, { force: true });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function claim(block: number): boolean {
  const file = join(claims, String(block));
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch {
    const owner = existsSync(file) ? Number(readFileSync(file, 'utf8')) : process.pid;
    // Left by a test process that has ended: free for the next who comes by.
    if (owner !== process.pid && !isAlive(owner)) rmSync(file, { force: true });
    return false;
  }
  claimed.add(file);
  return true;
}

/**
 * A port of 127.0.0.1 that nobody listens on, for processes that cannot be given port 0. It lies below the ports that the kernel gives to
 * connections, and stays this test process's own. With `neighbours`, the ports at these distances (-2 to 1) are free too.
 */
export async function freePort(neighbours: readonly number[] = []): Promise<number> {
  mkdirSync(claims, { recursive: true });
  const blocks = Math.floor((lowestEphemeralPort() - LOWEST_PORT) / BLOCK_SIZE);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const block = Math.floor(Math.random() * blocks);
    if (!claim(block)) continue;
    const port = LOWEST_PORT + block * BLOCK_SIZE + PORT_IN_BLOCK;
    const free = await Promise.all([0, ...neighbours].map((distance) => canListen(port + distance)));
    if (free.every(Boolean)) return port;
  }
  throw new Error(`found no free port with free neighbours ${neighbours.join(', ')} in ${ATTEMPTS} attempts`);
}
