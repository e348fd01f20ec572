import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KvConfigManager } from '../../apps/namesrv/src/kvconfig/kv-config-manager.js';
import { silentLogger } from '../../apps/namesrv/src/logger.js';
import { backends, type TestDatabase } from './support/metadata-backends.js';

describe.each(backends)('KV configuration on $name', (backend) => {
  let database: TestDatabase;
  const opened: KvConfigManager[] = [];

  const open = async (maxEntries = 100): Promise<KvConfigManager> => {
    const manager = await KvConfigManager.open({
      databaseUrl: database.url ?? '',
      sqliteFile: join(database.storePath, 'metadata.db'),
      maxEntries,
      logger: silentLogger,
    });
    opened.push(manager);
    return manager;
  };

  beforeEach(async (context) => {
    if (backend.missing !== undefined) context.skip(backend.missing);
    database = await backend.create();
  });
  afterEach(async () => {
    if (backend.missing !== undefined) return;
    await database.mendIt();
    await Promise.all(opened.splice(0).map((manager) => manager.close()));
    await database.drop();
  });

  it('keeps entries exactly, and tells names apart that differ in letter case', async () => {
    const first = await open();
    const value = `größe 日本 \u{1F680} ' " \\ \n${'x'.repeat(60_000)}`;
    await first.put('NS', 'Key', value);
    await first.put('NS', 'key', '');
    await first.put('ns', 'key', 'other');
    await first.put('ns', 'key', 'newer');
    await first.put('gone', 'key', 'x');
    await first.delete('gone', 'key');
    await first.delete('never', 'there');
    await first.close();
    const again = await open();
    expect(Object.fromEntries(again.list('NS') ?? [])).toEqual({ Key: value, key: '' });
    expect(again.get('ns', 'key')).toBe('newer');
    expect(again.list('gone')).toBeUndefined();
  });

  it('refuses what it cannot keep, and what comes while the database is down', async () => {
    const manager = await open(2);
    await manager.put('ns', 'a', '1');
    await expect(manager.put('ns', 'x'.repeat(256), '1')).rejects.toThrow('256 characters');
    await expect(manager.put('ns', 'b', 'x'.repeat(65_536))).rejects.toThrow('65535');
    await database.breakIt();
    await expect(manager.put('ns', 'b', '1')).rejects.toMatchObject({ responseCode: 1 });
    await expect(manager.delete('ns', 'a')).rejects.toThrow('does not take it');
    expect([manager.get('ns', 'a'), manager.get('ns', 'b')]).toEqual(['1', undefined]);
    await database.mendIt();
    await manager.put('ns', 'b', '2');
    await expect(manager.put('ns', 'c', '1')).rejects.toThrow('maxKvEntries');
    expect(manager.get('ns', 'b')).toBe('2');
  });
});
