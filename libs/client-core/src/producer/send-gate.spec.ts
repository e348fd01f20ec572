import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { SendGate, type GatedSend } from './send-gate.js';

class Probe implements GatedSend {
  state = 'new';
  constructor(
    readonly sizeBytes: number,
    readonly deadlineMs = Infinity,
  ) {}
  begin(): void {
    this.state = 'begun';
  }
  expire(): void {
    this.state = 'expired';
  }
}

const probes = (count: number, size = 1, deadlineMs?: number): Probe[] =>
  Array.from({ length: count }, () => new Probe(size, deadlineMs));

describe('SendGate', () => {
  it('lets so many begin and the others in the order of their calls', () => {
    const gate = new SendGate({ maxInFlight: 2, maxPending: 10, maxPendingBytes: 100 });
    const sends = probes(4);
    sends.forEach((send) => gate.enter(send, 0));
    expect(sends.map((send) => send.state)).toEqual(['begun', 'begun', 'new', 'new']);
    gate.leave(sends[1]);
    expect(sends.map((send) => send.state)).toEqual(['begun', 'begun', 'begun', 'new']);
    gate.leave(sends[0]);
    gate.leave(sends[2]);
    gate.leave(sends[3]);
    expect(gate).toMatchObject({ inFlight: 0, waitingCount: 0 });
  });

  it('refuses what goes beyond the count or the bytes, and says which limits', () => {
    const gate = new SendGate({ maxInFlight: 1, maxPending: 3, maxPendingBytes: 100 });
    const sends = probes(3, 30);
    sends.forEach((send) => gate.enter(send, 0));
    expect(() => gate.enter(new Probe(1), 0)).toThrow(/maxPendingSends 3/);
    gate.leave(sends[0]);
    expect(() => gate.enter(new Probe(41), 0)).toThrow(/maxPendingSendBytes 100/);
    gate.enter(new Probe(40), 0);
  });

  it('counts what is made ready, and is idle only after it', async () => {
    const gate = new SendGate({ maxInFlight: 1, maxPending: 2, maxPendingBytes: 100 });
    gate.prepare(30);
    gate.prepare(60);
    expect(gate.waitingCount).toBe(2);
    expect(() => gate.prepare(1)).toThrow(/maxPendingSends 2/);
    gate.prepared(30);
    expect(() => gate.enter(new Probe(41), 0)).toThrow(/maxPendingSendBytes 100/);
    let idle = false;
    const waiting = gate.idle().then(() => (idle = true));
    expect(idle).toBe(false);
    gate.prepared(60);
    await waiting;
    const send = new Probe(100);
    gate.enter(send, 0);
    expect(send.state).toBe('begun');
  });

  it('takes one message that is larger than the byte limit when nothing else is under way', () => {
    const gate = new SendGate({ maxInFlight: 1, maxPending: 3, maxPendingBytes: 100 });
    const big = new Probe(1_000);
    gate.enter(big, 0);
    expect(big.state).toBe('begun');
  });

  it('expires what waited too long, though nothing that is on the wire ends', async () => {
    const gate = new SendGate({ maxInFlight: 1, maxPending: 10, maxPendingBytes: 100 });
    const first = new Probe(1);
    const late = new Probe(1, Date.now());
    const patient = new Probe(1);
    [first, late, patient].forEach((send) => gate.enter(send, 0));
    await waitFor(() => late.state === 'expired', 'the expiry');
    expect(patient.state).toBe('new');
    gate.leave(first);
    expect(patient.state).toBe('begun');
    gate.leave(patient);
  });

  it('tells when nothing is under way any more', async () => {
    const gate = new SendGate({ maxInFlight: 1, maxPending: 10, maxPendingBytes: 100 });
    await gate.idle();
    const sends = probes(2);
    sends.forEach((send) => gate.enter(send, 0));
    let idle = false;
    const waiting = gate.idle().then(() => (idle = true));
    gate.leave(sends[0]);
    await Promise.resolve();
    expect(idle).toBe(false);
    gate.leave(sends[1]);
    await waiting;
    expect(idle).toBe(true);
  });
});

describe('SendGate under failure', () => {
  it('survives when every send that waited fails as soon as it begins', () => {
    const gate = new SendGate({ maxInFlight: 1, maxPending: 100_000, maxPendingBytes: 1e9 });
    const first = new Probe(1);
    gate.enter(first, 0);
    let failed = 0;
    for (let i = 0; i < 50_000; i++) {
      const send: GatedSend = {
        sizeBytes: 1,
        deadlineMs: Infinity,
        begin: () => {
          failed++;
          gate.leave(send);
        },
        expire: () => {},
      };
      gate.enter(send, 0);
    }
    gate.leave(first);
    expect(failed).toBe(50_000);
    expect(gate).toMatchObject({ inFlight: 0, waitingCount: 0 });
  });
});
