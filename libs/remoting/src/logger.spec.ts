import { describe, expect, it } from 'vitest';
import { LimitedLog, type RemotingLogger } from './logger.js';

describe('LimitedLog', () => {
  it('lets one kind through once in a while and counts the rest', () => {
    const lines: string[] = [];
    let nowMs = 0;
    const logger: RemotingLogger = { log() {}, warn: (line) => lines.push(line), error: (line) => lines.push(line) };
    const log = new LimitedLog(logger, 1_000, () => nowMs);
    for (let i = 0; i < 5; i++) log.warn('a', `a${i}`);
    log.error('b', 'b');
    nowMs = 1_000;
    log.warn('a', 'a5');
    log.warn('a', 'a6');
    expect(lines).toEqual(['a0', 'b', 'a5 (and 4 more like this)']);
  });
});
