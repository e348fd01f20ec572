import { describe, expect, it } from 'vitest';
import { databaseOptions, DatabaseError, DataSource, openDatabase } from '@rocknest/config';
import { metadataEntities } from '../../apps/broker/src/metadata/entities/index.js';
import { metadataMigrations } from '../../apps/broker/src/metadata/migrations/index.js';
import { waitFor } from '../support/wait-for.js';
import { backends } from './support/metadata-backends.js';
import { metadataHarness, topic } from './support/metadata-harness.js';

describe.each(backends)('the database of the metadata on $name', (backend) => {
  const harness = metadataHarness(backend);
  const { open, reopen } = harness;

  it('goes on from memory while the database is down, and loses nothing', async () => {
    let metadata = await open({ flushConsumerOffsetIntervalMs: 20, flushDelayOffsetIntervalMs: 20 });
    await metadata.topics.put(topic('a'));
    metadata.offsets.commit('g', 'a', 0, 1);
    await metadata.flush();

    await harness.database.breakIt();
    for (let queueId = 0; queueId < 600; queueId++) metadata.offsets.commit('g', 'a', queueId, 100 + queueId);
    metadata.delayOffsets.set(1, 9);
    await waitFor(() => metadata.isDatabaseDown, 'the outage to be noticed');
    await expect(metadata.topics.put(topic('b'))).rejects.toMatchObject({
      code: 'METADATA_UNAVAILABLE',
      retriable: true,
    });
    expect(metadata.topics.get('a')).toBeDefined();
    expect(metadata.topics.get('b')).toBeUndefined();
    expect(metadata.offsets.query('g', 'a', 599)).toBe(699);
    metadata.offsets.commit('g', 'a', 599, 1_000);
    metadata.offsets.deleteTopic('other');
    await expect(metadata.flush()).rejects.toThrow();
    expect(metadata.offsets.pendingCount()).toBeGreaterThan(600);
    expect(harness.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);

    await harness.database.mendIt();
    await waitFor(
      () => metadata.offsets.pendingCount() + metadata.delayOffsets.pendingCount() === 0,
      'the offsets to be written',
    );
    await waitFor(() => !metadata.isDatabaseDown, 'the end of the outage');
    expect(harness.lines.filter((line) => line.startsWith('log'))).toHaveLength(1);
    await expect(metadata.topics.put(topic('b'))).resolves.toBe(true);
    metadata = await reopen(metadata);
    expect(metadata.offsets.query('g', 'a', 0)).toBe(100);
    expect(metadata.offsets.query('g', 'a', 599)).toBe(1_000);
    expect(metadata.delayOffsets.get(1)).toBe(9);
    expect(metadata.topics.get('b')).toBeDefined();
  });

  it('stops while the database is down and says what was lost', async () => {
    const metadata = await open();
    metadata.offsets.commit('g', 't', 0, 1);
    await harness.database.breakIt();
    await metadata.close();
    expect(harness.lines.filter((line) => line.startsWith('error'))).toEqual([
      expect.stringMatching(/^error 1 consumer offsets could not be written/),
    ]);
  });

  it('has entities and migrations that say the same', async () => {
    await (await open()).close();
    const dataSource = new DataSource(
      databaseOptions({
        url: harness.database.url,
        sqliteFile: `${harness.database.storePath}/metadata.db`,
        entities: metadataEntities,
        migrations: metadataMigrations,
        migrationsTable: 'rocknest_broker_migrations',
      }),
    );
    await dataSource.initialize();
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
    for (const _ of metadataMigrations) await dataSource.undoLastMigration();
    await expect(dataSource.query('SELECT * FROM rocknest_topic_config')).rejects.toThrow();
    await dataSource.destroy();
  });

  it('refuses a database that a newer version has changed', async () => {
    await (await open()).close();
    const spec = {
      url: harness.database.url,
      sqliteFile: `${harness.database.storePath}/metadata.db`,
      entities: [],
      migrations: [],
      migrationsTable: 'rocknest_broker_migrations',
    };
    await expect(openDatabase(spec, 'The database')).rejects.toMatchObject({
      code: 'DATABASE_NEWER',
      message: expect.stringMatching(/newer version of Rocknest \(CreateMetadata\d+, AddPop\d+\)/),
    });
  });

  it('says what to do when the database is down at the start', async () => {
    const url = harness.database.url ?? 'sqlite:/dev/null/x.db';
    await harness.database.breakIt();
    const failure = await open({ databaseUrl: url }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DatabaseError);
    const { message, code } = failure as DatabaseError;
    expect(code).toBe(backend.name === 'SQLite' ? 'DATABASE_FILE' : 'DATABASE_UNREACHABLE');
    expect(message).toMatch(/^The database of the broker's metadata \(.*\) cannot be used: .+\. (Start it|Check that)/);
    expect(message).not.toContain('rocknest:rocknest');
  });
});
