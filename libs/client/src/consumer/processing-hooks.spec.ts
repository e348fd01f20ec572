import { describe, expect, it } from 'vitest';
import { testMessage } from '../../test/fake-clients.js';
import { RocketMQContext } from '../context/rocketmq.context.js';
import { ProcessingHooks, type ProcessingStartHook } from './processing-hooks.js';

const context = new RocketMQContext([[testMessage('t', {})], 'g']);

function hooks(start?: ProcessingStartHook): { hooks: ProcessingHooks; ends: () => number } {
  let ends = 0;
  const made = new ProcessingHooks(() => Symbol.for('t'));
  made.start = start;
  made.end = () => ends++;
  return { hooks: made, ends: () => ends };
}

describe('ProcessingHooks', () => {
  it('takes the outcome from done(), whatever the hook returns', async () => {
    const voidHook = hooks((_id, _context, done) => void done());
    expect(await voidHook.hooks.run(context, async () => 'result')).toBe('result');
    const swallowing = hooks((_id, _context, done) => done().catch(() => 'swallowed'));
    await expect(swallowing.hooks.run(context, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect([voidHook.ends(), swallowing.ends()]).toEqual([1, 1]);
  });

  it('a hook may call done() later', async () => {
    const later = hooks((_id, _context, done) => void setImmediate(() => void done()));
    expect(await later.hooks.run(context, async () => 'late')).toBe('late');
  });

  it('a handler runs once, even when done() is called twice', async () => {
    let runs = 0;
    const twice = hooks((_id, _context, done) => Promise.all([done(), done()]));
    await twice.hooks.run(context, async () => runs++);
    expect([runs, twice.ends()]).toEqual([1, 1]);
  });

  it.each<[string, ProcessingStartHook]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['resolves', async () => 'forgot done'],
  ])('a hook that %s without calling done() fails the message', async (_what, start) => {
    let runs = 0;
    await expect(hooks(start).hooks.run(context, async () => runs++)).rejects.toThrow('without calling done()');
    expect(runs).toBe(0);
  });

  it('only an end hook', async () => {
    const end = hooks();
    await expect(end.hooks.run(context, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(end.ends()).toBe(1);
  });
});
