import { randomBytes } from 'node:crypto';
import { UniqKeyGenerator } from '@rocknest/protocol';
import { localIp } from '../instance/client-id.js';

let generator: UniqKeyGenerator | undefined;

/** A new UNIQ_KEY. One counter serves the whole process: the layout has no room for a second one (protocol 03 §5). */
export function nextUniqKey(): string {
  generator ??= new UniqKeyGenerator({
    ip: Buffer.from(localIp().split('.').map(Number)),
    pid: process.pid,
    processHash: randomBytes(4).readUInt32BE(0),
    now: Date.now,
  });
  return generator.next();
}
