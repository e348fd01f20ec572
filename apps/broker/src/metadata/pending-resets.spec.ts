import { describe, expect, it } from 'vitest';
import { PendingResets } from './pending-resets.js';

describe('resets that no member was told of', () => {
  it('are told once, queue by queue', () => {
    const resets = new PendingResets(10);
    resets.assign('g', 't', 0, 5);
    resets.assign('g', 't', 1, 6);
    resets.assign('g', 't', 1, 7);
    expect(resets.size).toBe(2);
    expect([resets.find('g', 't', 1), resets.find('g', 't', 2), resets.find('h', 't', 1)]).toEqual([
      7,
      undefined,
      undefined,
    ]);
    expect(resets.take('g', 't', 1)).toBe(7);
    expect(resets.take('g', 't', 1)).toBeUndefined();
    expect(resets.take('g', 'u', 0)).toBeUndefined();
    expect(resets.take('g', 't', 0)).toBe(5);
    expect(resets.size).toBe(0);
  });

  it('are told to each connection, and over when one that was told pulls again', () => {
    const resets = new PendingResets(10);
    const [formerOwner, owner] = [{}, {}];
    resets.assign('g', 't', 0, 5);
    expect(resets.tell('g', 't', 0, formerOwner)).toBe(5);
    expect(resets.tell('g', 't', 1, owner)).toBeUndefined();
    expect(resets.tell('g', 't', 0, owner)).toBe(5);
    expect(resets.find('g', 't', 0)).toBe(5);
    expect(resets.tell('g', 't', 0, owner)).toBeUndefined();
    expect(resets.size).toBe(0);
    expect(resets.tell('g', 't', 0, formerOwner)).toBeUndefined();
  });

  it('are told anew when they are set anew', () => {
    const resets = new PendingResets(10);
    const owner = {};
    resets.assign('g', 't', 0, 5);
    expect(resets.tell('g', 't', 0, owner)).toBe(5);
    resets.assign('g', 't', 0, 6);
    expect(resets.tell('g', 't', 0, owner)).toBe(6);
    expect(resets.size).toBe(1);
  });

  it('go with their group or their topic', () => {
    const resets = new PendingResets(10);
    resets.assign('g', 't', 0, 5);
    resets.assign('g', 'u', 0, 5);
    resets.assign('h', 't', 0, 5);
    resets.forget((group) => group === 'g');
    expect(resets.size).toBe(1);
    resets.forget((_, topic) => topic === 't');
    expect(resets.size).toBe(0);
  });

  it('have a limit', () => {
    const resets = new PendingResets(1);
    resets.assign('g', 't', 0, 5);
    resets.assign('g', 't', 0, 6);
    expect(() => resets.assign('g', 't', 1, 5)).toThrow(/1 offset resets wait/);
    expect(resets.take('g', 't', 0)).toBe(6);
  });
});
