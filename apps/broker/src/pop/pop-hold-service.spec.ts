import type { Connection } from '@rocknest/remoting';
import { afterEach, describe, expect, it } from 'vitest';
import { type ParkedPop, type PopHoldServiceOptions, PopHoldService } from './pop-hold-service.js';

let nowMs = 1_000;
let service: PopHoldService;

afterEach(() => service.close());

function create(options: Partial<PopHoldServiceOptions> = {}): PopHoldService {
  nowMs = 1_000;
  service = new PopHoldService({
    maxParked: 100,
    maxParkedPerQueue: 10,
    maxQueues: 10,
    clock: () => nowMs,
    ...options,
  });
  return service;
}

/** As much of a connection as a parked pop needs. */
class FakeConnection {
  closed = false;
  writable = true;
  private readonly listeners: (() => void)[] = [];

  onClose(listener: () => void): void {
    this.listeners.push(listener);
  }

  close(): void {
    this.closed = true;
    for (const listener of this.listeners) listener();
  }

  get asConnection(): Connection {
    return this as unknown as Connection;
  }
}

function pop(name: string, told: string[], overrides: Partial<ParkedPop> = {}): ParkedPop {
  return {
    connection: new FakeConnection().asConnection,
    topic: 't',
    group: 'g',
    queueId: -1,
    matches: undefined,
    deadlineMs: 100_000,
    resume: () => told.push(name),
    dismiss: () => told.push(`${name} dismissed`),
    ...overrides,
  };
}

async function turn(): Promise<void> {
  await Promise.resolve();
}

describe('pops that wait', () => {
  it('are woken one of each group and queue id, however many messages come in a turn', async () => {
    const told: string[] = [];
    create();
    service.park(pop('first', told));
    service.park(pop('second', told));
    service.park(pop('of queue 3', told, { queueId: 3 }));
    service.park(pop('of queue 4', told, { queueId: 4 }));
    service.park(pop('of another group', told, { group: 'h' }));
    service.park(pop('of another topic', told, { topic: 'u' }));
    for (let i = 0; i < 5; i++) service.notifyArrival('t', 3, 0);
    await turn();
    expect(told.sort()).toEqual(['first', 'of another group', 'of queue 3']);
    service.wakeNext('t', 'g', -1);
    await turn();
    expect(told).toContain('second');
    expect(service.parkedCount).toBe(2);
  });

  it('are passed by when their filter does not want the message', async () => {
    const told: string[] = [];
    create();
    service.park(pop('a', told, { matches: (code) => code === 1 }));
    service.park(pop('b', told, { matches: (code) => code === 2 }));
    service.notifyArrival('t', 0, 3);
    await turn();
    expect(told).toEqual([]);
    service.notifyArrival('t', 0, 2);
    await turn();
    expect(told).toEqual(['b']);
  });

  it('are left alone while their client does not read', async () => {
    const told: string[] = [];
    create();
    const connection = new FakeConnection();
    connection.writable = false;
    service.park(pop('slow', told, { connection: connection.asConnection }));
    service.park(pop('ready', told));
    service.wakeGroup('t', 'g');
    await turn();
    expect(told).toEqual(['ready']);
  });

  it('go with their connection, also when it closes after they were woken', async () => {
    const told: string[] = [];
    create();
    const connection = new FakeConnection();
    service.park(pop('gone', told, { connection: connection.asConnection }));
    service.park(pop('gone too', told, { connection: connection.asConnection }));
    service.notifyArrival('t', 0, 0);
    connection.close();
    await turn();
    expect(told).toEqual([]);
    expect(service.parkedCount).toBe(0);
    expect(service.waitingFor('t', 'g', -1)).toBe(0);
  });

  it('are limited in all, for a queue, and in queues', () => {
    const told: string[] = [];
    create({ maxParked: 3, maxParkedPerQueue: 2, maxQueues: 2 });
    expect(service.park(pop('1', told))).toBe('PARKED');
    expect(service.park(pop('2', told))).toBe('PARKED');
    expect(service.park(pop('3', told))).toBe('FULL');
    expect(service.park(pop('4', told, { queueId: 0 }))).toBe('PARKED');
    expect(service.park(pop('5', told, { group: 'h' }))).toBe('FULL');
    create({ maxQueues: 1 });
    service.park(pop('6', told));
    expect(service.park(pop('7', told, { queueId: 0 }))).toBe('FULL');
    expect(service.park(pop('8', told, { deadlineMs: 1_000 }))).toBe('TIMEOUT');
  });

  it('are dismissed when the broker goes down', () => {
    const told: string[] = [];
    create();
    service.park(pop('a', told));
    service.close();
    expect(told).toEqual(['a dismissed']);
    expect(service.park(pop('b', told))).toBe('TIMEOUT');
  });
});
