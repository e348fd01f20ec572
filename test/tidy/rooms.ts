import type { ImportLine } from './source-files.js';

/**
 * Which room may import which: the table of the architecture. A room may also import what lies below the rooms that it stands on, except
 * `libs/client`, which meets everything else through `libs/client-core`.
 */
export interface Room {
  folder: string;
  /** How others import it. */
  alias: string;
  mayImport: readonly string[];
  /** Modules from outside that this room must not touch. */
  forbidden: readonly RegExp[];
}

const NEST = /^(@nestjs\/|rxjs|reflect-metadata)/;
const DATABASE = /^(typeorm|libsql|pg|mysql2)/;
const SOCKETS = /^node:(net|tls|http|https|http2|dgram)$/;
const FILES = /^node:fs(\/|$)/;

export const rooms: readonly Room[] = [
  { folder: 'libs/protocol', alias: '@rocknest/protocol', mayImport: [], forbidden: [NEST, DATABASE, SOCKETS, FILES] },
  { folder: 'libs/config', alias: '@rocknest/config', mayImport: ['libs/protocol'], forbidden: [SOCKETS] },
  {
    folder: 'libs/remoting',
    alias: '@rocknest/remoting',
    mayImport: ['libs/protocol'],
    forbidden: [NEST, DATABASE, FILES],
  },
  {
    folder: 'libs/store',
    alias: '@rocknest/store',
    mayImport: ['libs/protocol'],
    forbidden: [NEST, DATABASE, SOCKETS],
  },
  {
    folder: 'libs/remoting-nest',
    alias: '@rocknest/remoting-nest',
    mayImport: ['libs/remoting', 'libs/protocol'],
    forbidden: [DATABASE, FILES],
  },
  {
    folder: 'libs/client-core',
    alias: '@rocknest/client-core',
    mayImport: ['libs/remoting', 'libs/protocol'],
    forbidden: [NEST, DATABASE, SOCKETS],
  },
  {
    folder: 'libs/client',
    alias: '@rocknest/client',
    mayImport: ['libs/client-core'],
    forbidden: [DATABASE, SOCKETS, FILES],
  },
  {
    folder: 'apps/namesrv',
    alias: '@rocknest/namesrv',
    mayImport: ['libs/remoting-nest', 'libs/remoting', 'libs/protocol', 'libs/config'],
    forbidden: [],
  },
  {
    folder: 'apps/broker',
    alias: '@rocknest/broker',
    mayImport: [
      'libs/remoting-nest',
      'libs/remoting',
      'libs/protocol',
      'libs/store',
      'libs/client-core',
      'libs/config',
      // With no namesrv configured the broker starts createNamesrv() in its own process.
      'apps/namesrv',
    ],
    forbidden: [],
  },
  {
    folder: 'libs/testing',
    alias: '@rocknest/testing',
    mayImport: ['apps/namesrv', 'apps/broker', 'libs/client', 'libs/client-core'],
    forbidden: [],
  },
];

const ADDRESS_CHECKS = /^isIP(v4|v6)?$/;

/** `isIP` of `node:net` looks at text and opens nothing, so every room may use it. */
export function isForbidden(room: Room, line: ImportLine): boolean {
  if (line.specifier === 'node:net' && line.names.length > 0 && line.names.every((name) => ADDRESS_CHECKS.test(name)))
    return false;
  return room.forbidden.some((pattern) => pattern.test(line.specifier));
}

export function roomOfFile(path: string): Room | undefined {
  return rooms.find((room) => path.startsWith(`${room.folder}/`));
}

export function roomOfAlias(specifier: string): Room | undefined {
  return rooms.find((room) => specifier === room.alias);
}
