import type { DataSource } from '@rocknest/config';
import { metadataEntities } from './entities/index.js';
import type { MetadataLogger } from './metadata-logger.js';
import { brokerKeysOf, hasNoRows } from './metadata-snapshot.js';

/**
 * A broker that got another brokerId, because a slave became the master or a master the member of a group, goes on with the rows of its old one. Only
 * for the database of its own store folder: nobody else's rows are in there.
 *
 * @param brokerKey `cluster/brokerName/brokerId`
 */
export async function takeOldNumber(dataSource: DataSource, brokerKey: string, logger: MetadataLogger): Promise<void> {
  if (!(await hasNoRows(dataSource, brokerKey))) return;
  const group = brokerKey.slice(0, brokerKey.lastIndexOf('/') + 1);
  const older = (await brokerKeysOf(dataSource)).filter(
    (key) => key.startsWith(group) && !key.slice(group.length).includes('/'),
  );
  if (older.length !== 1) return;
  const [oldKey] = older;
  await dataSource.transaction(async (manager) => {
    for (const entity of metadataEntities) await manager.update(entity, { brokerKey: oldKey }, { brokerKey });
  });
  logger.log(`this broker was ${oldKey} before: its topics, groups and offsets are those of ${brokerKey} now`);
}
