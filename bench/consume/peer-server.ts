import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../../test/support/child.js';
import { answers, waitForChildren } from '../../test/support/cluster-ready.js';

/** ms that a server may take to start. */
const START_TIMEOUT_MS = 120_000;

/** A broker of another kind, in a folder of its own, on 127.0.0.1. */
export interface PeerServer {
  /** What a client is told: `amqp://...` or `host:port`. */
  address: string;
  /** The process whose CPU time counts. */
  brokerPid: number;
  stop(): Promise<void>;
}

export function makeFolder(name: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `rocknest-bench-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts a server and waits until it takes connections at `address`. */
export async function startServer(options: ConstructorParameters<typeof Child>[0], address: string): Promise<Child> {
  const child = new Child(options);
  try {
    await waitForChildren([child], () => answers(address), `${child.name} at ${address}`, START_TIMEOUT_MS);
    return child;
  } catch (error) {
    await child.kill('SIGKILL');
    throw error;
  }
}
