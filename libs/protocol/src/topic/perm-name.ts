/** Permission bits of topics and brokers. Follows `common/constant/PermName.java`. */
export const PermName = { PRIORITY: 8, READ: 4, WRITE: 2, INHERIT: 1 } as const;

/** Read and write: what new topics get. */
export const PERM_READ_WRITE = PermName.READ | PermName.WRITE;

export function isReadable(perm: number): boolean {
  return (perm & PermName.READ) !== 0;
}

export function isWriteable(perm: number): boolean {
  return (perm & PermName.WRITE) !== 0;
}

export function isInherited(perm: number): boolean {
  return (perm & PermName.INHERIT) !== 0;
}

/** True for values an administrator may set: read, write and inherit bits only (`PermName.isValid`). */
export function isValidPerm(perm: number): boolean {
  return Number.isInteger(perm) && perm >= 0 && perm < PermName.PRIORITY;
}

/** `RWX` form of tools, with `-` for bits that are not set. */
export function permText(perm: number): string {
  return `${isReadable(perm) ? 'R' : '-'}${isWriteable(perm) ? 'W' : '-'}${isInherited(perm) ? 'X' : '-'}`;
}
