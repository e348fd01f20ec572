import type { PutTarget } from './put-gate.js';

interface Entry {
  readonly name: Buffer;
  readonly target: PutTarget;
}

/** The hash of a name is cut to this many values: a slot holds the names that share one. */
const SLOTS = 16_384;

/**
 * Topics that sends are let through to, found by the bytes of their names: to make text of a name for each message, and to hash that,
 * costs more than all the rest of the look-up.
 */
export class TargetTable {
  private readonly slots = new Map<number, Entry[]>();

  /** The target of the topic whose name stands there, or undefined when it is not known. */
  find(bytes: Buffer, start: number, end: number): PutTarget | undefined {
    const slot = this.slots.get(slotOf(bytes, start, end));
    if (slot === undefined) return undefined;
    const length = end - start;
    for (let i = 0; i < slot.length; i++) {
      const { name, target } = slot[i];
      if (name.length === length && equals(name, bytes, start)) return target;
    }
    return undefined;
  }

  /** Takes a target, in the place of the one that was known by its name. */
  remember(target: PutTarget): void {
    this.forget(target.topic);
    const name = Buffer.from(target.topic);
    const at = slotOf(name, 0, name.length);
    const slot = this.slots.get(at);
    if (slot === undefined) this.slots.set(at, [{ name, target }]);
    else slot.push({ name, target });
  }

  forget(topic: string): void {
    const name = Buffer.from(topic);
    const at = slotOf(name, 0, name.length);
    const slot = this.slots.get(at);
    if (slot === undefined) return;
    const kept = slot.filter((entry) => entry.target.topic !== topic);
    if (kept.length === 0) this.slots.delete(at);
    else this.slots.set(at, kept);
  }
}

function slotOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0;
  for (let p = start; p < end; p++) hash = (Math.imul(hash, 31) + bytes[p]) | 0;
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

function equals(name: Buffer, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}
