import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, ProgressLine } from './progress-line.js';
import { CollectingIo } from './testing/collecting-io.js';

const MIB = 1024 * 1024;

describe('progress', () => {
  it('rewrites one line of a terminal, and removes it at the end', () => {
    const io = new CollectingIo();
    io.errIsTerminal = true;
    let nowMs = 0;
    const progress = new ProgressLine(io, () => nowMs);
    progress.update({ what: 'checking the log', doneBytes: 0, totalBytes: 400 * MIB });
    expect(io.stderr).toBe('');
    nowMs = 2_000;
    progress.update({ what: 'checking the log', doneBytes: 100 * MIB, totalBytes: 400 * MIB });
    expect(io.stderr).toBe('\r\x1b[Kchecking the log: 100.0 MiB of 400.0 MiB (25 %), 50.0 MiB/s, 6 s left');
    nowMs = 2_050;
    progress.update({ what: 'checking the log', doneBytes: 101 * MIB, totalBytes: 400 * MIB });
    progress.clear();
    expect(io.stderr).toMatch(/6 s left\r\x1b\[K$/);
  });

  it('writes a line every few seconds elsewhere, and none for short work', () => {
    const io = new CollectingIo();
    let nowMs = 0;
    const progress = new ProgressLine(io, () => nowMs);
    for (; nowMs <= 11_000; nowMs += 100) progress.update({ what: 'checking', doneBytes: nowMs, totalBytes: 20_000 });
    progress.clear();
    expect(io.stderr.split('\n').length - 1).toBe(2);
    expect(io.stderr).toContain('(25 %)');
  });

  it('writes sizes and times for people', () => {
    expect([0, 1023, 1024, 10 * MIB, 1.5 * 1024 * MIB].map(formatBytes)).toEqual([
      '0 bytes',
      '1023 bytes',
      '1.00 KiB',
      '10.0 MiB',
      '1.50 GiB',
    ]);
    expect([0.2, 59, 61, 3_720].map(formatDuration)).toEqual(['0 s', '59 s', '1 min 1 s', '1 h 02 min']);
  });
});
