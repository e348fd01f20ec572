import { createServer } from 'node:net';

const HIGHEST_BASE = 60_000;
const ATTEMPTS = 100;

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(bound));
    });
  });
}

/**
 * A port of 127.0.0.1 that nobody listens on, for processes that cannot be given port 0. With `neighbours`, the ports at these
 * distances are free too (a broker takes port - 2 and port + 1 as well).
 */
export async function freePort(neighbours: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = await listenOnce(0);
    if (port === undefined || port > HIGHEST_BASE) continue;
    const others = await Promise.all(neighbours.map((distance) => listenOnce(port + distance)));
    if (others.every((other) => other !== undefined)) return port;
  }
  throw new Error(`found no free port with free neighbours ${neighbours.join(', ')} in ${ATTEMPTS} attempts`);
}
