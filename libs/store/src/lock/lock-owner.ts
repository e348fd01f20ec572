import type { Machine } from '../io/machine.js';

/** Who holds a store: the content of its lock file. */
export interface LockOwner {
  /** Different for each time a store is opened. */
  readonly token: string;
  readonly pid: number;
  /** Undefined where the platform does not tell it. */
  readonly processStart: string | undefined;
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly hostname: string;
  /** Inode of the lock file itself: a copied store folder has another one, and is not locked by the original's owner. */
  readonly inode: number;
}

/** Whether an owner still lives; `unknown` when that cannot be seen from here. */
export type OwnerLife = 'alive' | 'dead' | 'unknown';

export function describeSelf(machine: Machine, inode: number): LockOwner {
  return {
    token: machine.uniqueToken(),
    pid: machine.pid,
    processStart: machine.processStart(machine.pid),
    bootId: machine.bootId(),
    pidNamespace: machine.pidNamespace(),
    hostname: machine.hostname,
    inode,
  };
}

export function encodeOwner(owner: LockOwner): Buffer {
  return Buffer.from(`${JSON.stringify(owner)}\n`);
}

/** Undefined for anything that is not our content: RocketMQ's `lock`, an empty or a foreign file. */
export function decodeOwner(content: Buffer): LockOwner | undefined {
  try {
    const value = JSON.parse(content.toString()) as Partial<LockOwner> | null;
    if (value === null || typeof value.token !== 'string' || !Number.isInteger(value.pid)) return undefined;
    return {
      token: value.token,
      pid: Number(value.pid),
      processStart: typeof value.processStart === 'string' ? value.processStart : undefined,
      bootId: String(value.bootId ?? ''),
      pidNamespace: String(value.pidNamespace ?? ''),
      hostname: String(value.hostname ?? ''),
      inode: Number(value.inode ?? 0),
    };
  } catch {
    return undefined;
  }
}

/**
 * Tells from the process table whether the owner lives. Its pid means something only to those who share its kernel and its pid
 * namespace; everybody else must watch the heartbeat.
 */
export function lifeOf(owner: LockOwner, machine: Machine): OwnerLife {
  const bootId = machine.bootId();
  const isSameHost = owner.hostname === machine.hostname;
  const isSameBoot = bootId !== '' && owner.bootId === bootId;
  if (!isSameBoot && bootId !== '' && owner.bootId !== '') return isSameHost ? 'dead' : 'unknown';
  const isSameProcessTable = isSameBoot ? owner.pidNamespace === machine.pidNamespace() : isSameHost;
  if (!isSameProcessTable) return 'unknown';
  if (!machine.processExists(owner.pid)) return 'dead';
  const start = machine.processStart(owner.pid);
  if (start === undefined || owner.processStart === undefined) return 'unknown';
  return start === owner.processStart ? 'alive' : 'dead';
}
