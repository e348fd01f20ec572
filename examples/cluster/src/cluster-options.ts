import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_PORTS, MEMBER_NAMES } from './members.js';

export interface ClusterOptions {
  readonly help: boolean;
  readonly ports: readonly number[];
  readonly folder: string;
}

export const USAGE = `npm run cluster [-- --folder PATH] [--ports ${DEFAULT_PORTS.join(',')}]

  --folder PATH   stores and logs of the members; kept when they stop (default: ~/rocknest/cluster)
  --ports LIST    of ${MEMBER_NAMES.join(', ')};
                  each broker takes the port behind its own, too`;

/** @throws Error that says what is wrong with the command line. */
export function readOptions(argv: readonly string[]): ClusterOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: { help: { type: 'boolean', short: 'h' }, folder: { type: 'string' }, ports: { type: 'string' } },
  });
  return {
    help: values.help ?? false,
    folder: resolve(values.folder ?? join(homedir(), 'rocknest', 'cluster')),
    ports: values.ports === undefined ? DEFAULT_PORTS : readPorts(values.ports),
  };
}

function readPorts(text: string): number[] {
  const ports = text.split(',').map(Number);
  const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 65_535;
  if (ports.length !== MEMBER_NAMES.length || !ports.every(isPort))
    throw new Error(
      `--ports is "${text}": give ${MEMBER_NAMES.length} ports joined by commas, of ${MEMBER_NAMES.join(', ')}`,
    );
  const taken = new Set<number>();
  for (const [index, port] of ports.entries()) {
    for (const own of index < 2 ? [port] : [port, port + 1]) {
      if (taken.has(own))
        throw new Error(
          `--ports is "${text}": two members would take port ${own}; a broker takes the one behind its own, too`,
        );
      taken.add(own);
    }
  }
  return ports;
}
