import { randomBytes } from 'node:crypto';
import { UniqKeyGenerator } from '@rocknest/protocol';
import { localIp } from '../instance/client-id.js';

const clock = { nowMs: 0 };
let generator: UniqKeyGenerator | undefined;

/** A new UNIQ_KEY of the time `nowMs` (`Date.now()`). One counter serves the whole process: the layout has no room for a second one (protocol 03 §5). */
export function nextUniqKey(nowMs: number): string {
  clock.nowMs = nowMs;
  generator ??= new UniqKeyGenerator({
    ip: Buffer.from(localIp().split('.').map(Number)),
    pid: process.pid,
    processHash: randomBytes(4).readUInt32BE(0),
    now: () => clock.nowMs,
  });
  return generator.next();
}
