import { LocalTransactionState, type MessageExt } from '@rocknest/client-core';
import { describe, expect, it } from 'vitest';
import { OUTCOME_CLEAN_UP_BATCH } from '../defaults.js';
import { OUTCOME_ENTITY, type OutcomeRow } from './outcome-table.js';
import type { TransactionDataSource, TransactionManager } from './transaction-database.js';
import { TransactionOutcomes } from './transaction-outcomes.js';

const { COMMIT_MESSAGE, ROLLBACK_MESSAGE, UNKNOWN } = LocalTransactionState;
const MAX_MS = 1_000;
const RETENTION_MS = 100_000;

/** The table of outcomes in memory, with a primary key. Rows of a transaction are there when it has committed. */
class MemoryDatabase implements TransactionDataSource {
  readonly options: { type: string };
  readonly rows = new Map<string, OutcomeRow>();
  /** What a commit throws, before or after the rows are in. */
  commitError: { error: Error; afterwards: boolean } | undefined;
  open = 0;
  mostOpen = 0;

  constructor(type = 'postgres') {
    this.options = { type };
  }

  get manager(): TransactionManager {
    return this.managerOf(this.rows);
  }

  async transaction<T>(run: (manager: object) => Promise<T>): Promise<T> {
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    try {
      const own = new Map<string, OutcomeRow>();
      const result = await run(this.managerOf(own));
      const failure = this.commitError;
      if (failure?.afterwards === false) throw failure.error;
      for (const [id, row] of own) this.rows.set(id, row);
      if (failure !== undefined) throw failure.error;
      return result;
    } finally {
      this.open--;
    }
  }

  private managerOf(target: Map<string, OutcomeRow>): TransactionManager {
    return {
      insert: async (entity, row) => {
        const outcome = row as unknown as OutcomeRow;
        if (entity !== OUTCOME_ENTITY) return;
        if (this.rows.has(outcome.id)) throw new Error('UNIQUE constraint failed');
        target.set(outcome.id, outcome);
      },
      findOneBy: async (_, { id }) => this.rows.get(String(id)) ?? null,
      find: async (_, { take }) =>
        [...this.rows.values()].sort((a, b) => Number(a.createdAt) - Number(b.createdAt)).slice(0, take),
      delete: async (_, ids) => ids.forEach((id) => this.rows.delete(id)),
    };
  }
}

function setUp(type?: string) {
  const database = new MemoryDatabase(type);
  const lines: string[] = [];
  const clock = { nowMs: 1_000_000 };
  const log = (text: string): void => void lines.push(text);
  const outcomes = new TransactionOutcomes(
    { dataSource: database, maxTransactionMs: MAX_MS, outcomeRetentionMs: RETENTION_MS },
    { warn: log, error: log },
    () => clock.nowMs,
  );
  const message = (id: string, ageMs: number): MessageExt =>
    ({ msgId: id, topic: 't', bornTimestamp: clock.nowMs - ageMs }) as MessageExt;
  return { database, lines, clock, outcomes, message };
}

describe('TransactionOutcomes', () => {
  it('commits the work with its outcome, or neither', async () => {
    const { database, outcomes, message } = setUp();
    expect(await outcomes.run('A', async () => 7)).toEqual({ state: COMMIT_MESSAGE, value: 7 });
    const error = new Error('no stock');
    expect(await outcomes.run('B', () => Promise.reject(error))).toEqual({ state: ROLLBACK_MESSAGE, error });
    expect([...database.rows.keys()]).toEqual(['A']);
    expect(await outcomes.check(message('A', 0))).toBe(COMMIT_MESSAGE);
  });

  it('does not know how a commit that failed has ended; the check finds out', async () => {
    const { database, outcomes, message } = setUp();
    const error = new Error('connection lost');
    database.commitError = { error, afterwards: true };
    expect(await outcomes.run('A', async () => 1)).toEqual({ state: UNKNOWN, error });
    database.commitError = { error, afterwards: false };
    expect(await outcomes.run('B', async () => 1)).toEqual({ state: UNKNOWN, error });
    expect(await outcomes.check(message('A', MAX_MS))).toBe(COMMIT_MESSAGE);
    expect(await outcomes.check(message('B', MAX_MS))).toBe(UNKNOWN);
    expect(await outcomes.check(message('B', MAX_MS + 1))).toBe(ROLLBACK_MESSAGE);
  });

  it('says rolled back only when it has made sure that the transaction cannot commit any more', async () => {
    const { database, outcomes, message } = setUp();
    expect(await outcomes.check(message('A', MAX_MS + 1))).toBe(ROLLBACK_MESSAGE);
    expect(database.rows.get('A')?.outcome).toBe('ROLLED_BACK');
    const late = await outcomes.run('A', async () => 1);
    expect(late).toMatchObject({ state: ROLLBACK_MESSAGE, error: { code: 'CLIENT_TRANSACTION' } });
    expect(await outcomes.check(message('A', MAX_MS + 2))).toBe(ROLLBACK_MESSAGE);
  });

  it('says committed when a commit comes between its look and its mark', async () => {
    const { database, outcomes, message } = setUp();
    const find = database.manager.findOneBy.bind(database.manager);
    let looks = 0;
    Object.defineProperty(database, 'manager', {
      value: {
        ...database.manager,
        findOneBy: async (entity: string, where: Record<string, unknown>) => {
          const row = await find(entity, where);
          if (++looks === 1) database.rows.set('A', { id: 'A', outcome: 'COMMITTED', createdAt: 1 });
          return row;
        },
      },
    });
    expect(await outcomes.check(message('A', MAX_MS + 1))).toBe(COMMIT_MESSAGE);
    expect(looks).toBe(2);
  });

  it('passes on that the database does not answer, and decides nothing then', async () => {
    const { database, outcomes, message } = setUp();
    Object.defineProperty(database, 'manager', {
      value: { ...database.manager, insert: () => Promise.reject(new Error('read only')) },
    });
    await expect(outcomes.check(message('A', MAX_MS + 1))).rejects.toThrow('read only');
  });

  it('waits for what still runs in this process, however long, and for what may run in another', async () => {
    const { outcomes, message } = setUp();
    let finish = (): void => undefined;
    const running = outcomes.run('A', () => new Promise<void>((resolve) => (finish = resolve)));
    expect(await outcomes.check(message('A', 10 * MAX_MS))).toBe(UNKNOWN);
    expect(await outcomes.check(message('B', MAX_MS))).toBe(UNKNOWN);
    finish();
    expect((await running).state).toBe(COMMIT_MESSAGE);
  });

  it('does not say what its table may have forgotten', async () => {
    const { database, outcomes, lines, message } = setUp();
    expect(await outcomes.check(message('A', RETENTION_MS + 1))).toBe(UNKNOWN);
    expect(lines[0]).toContain('outcomeRetentionMs');
    expect(database.rows.size).toBe(0);
  });

  it('runs one at a time on a database with one connection, many at once on others', async () => {
    for (const [type, most] of [
      ['better-sqlite3', 1],
      ['postgres', 3],
    ] as const) {
      const { database, outcomes } = setUp(type);
      await Promise.all(['A', 'B', 'C'].map((id) => outcomes.run(id, async () => 1)));
      expect(database.mostOpen).toBe(most);
    }
  });

  it('deletes only outcomes past their time', async () => {
    const { database, outcomes, clock } = setUp();
    for (let i = 0; i < OUTCOME_CLEAN_UP_BATCH + 10; i++) {
      database.rows.set(`O${i}`, { id: `O${i}`, outcome: 'COMMITTED', createdAt: String(i) });
    }
    database.rows.set('young', { id: 'young', outcome: 'COMMITTED', createdAt: clock.nowMs - RETENTION_MS });
    await outcomes.run('A', async () => 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect([...database.rows.keys()]).toEqual(['young', 'A']);
  });

  it('refuses settings that cannot work', () => {
    const make = (options: object): (() => unknown) => {
      const dataSource = new MemoryDatabase();
      return () => new TransactionOutcomes({ dataSource, ...options }, { warn: () => {}, error: () => {} });
    };
    expect(make({ maxTransactionMs: 0 })).toThrow('transactions.maxTransactionMs is 0');
    expect(make({ outcomeRetentionMs: Number.NaN })).toThrow('transactions.outcomeRetentionMs is NaN');
    expect(make({ maxTransactionMs: 5, outcomeRetentionMs: 5 })).toThrow('must be longer');
  });
});
