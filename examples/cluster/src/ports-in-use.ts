import { createServer } from 'node:net';
import type { Member } from './members.js';

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port }, () => probe.close(() => resolve(true)));
  });
}

/** One line for each port of a member that somebody else listens on. */
export async function portsInUse(members: readonly Member[]): Promise<string[]> {
  const lines: string[] = [];
  for (const { name, ports } of members)
    for (const port of ports) if (!(await isFree(port))) lines.push(`port ${port} of ${name} is in use`);
  return lines;
}
