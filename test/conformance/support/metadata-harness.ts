import { afterEach, beforeEach } from 'vitest';
import type { TopicConfig } from '@rocknest/protocol';
import { openMetadata, type Metadata, type MetadataOptions } from '../../../apps/broker/src/metadata/index.js';
import type { Backend, TestDatabase } from './metadata-backends.js';

/** Longer than any test: only a test that wants the timer sets a shorter one. */
const NEVER_MS = 3_600_000;

export function topic(topicName: string, fields: Partial<TopicConfig> = {}): TopicConfig {
  return {
    topicName,
    readQueueNums: 4,
    writeQueueNums: 4,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
    ...fields,
  };
}

export interface MetadataHarness {
  database: TestDatabase;
  /** What was logged, each with its level in front. */
  lines: string[];
  open(options?: Partial<MetadataOptions>): Promise<Metadata>;
  reopen(metadata: Metadata): Promise<Metadata>;
}

/** A fresh database for each test of a suite, and metadata on it that is closed afterwards. Tests are skipped where the backend is missing. */
export function metadataHarness(backend: Backend): MetadataHarness {
  const opened: Metadata[] = [];
  const harness: MetadataHarness = {
    database: undefined as unknown as TestDatabase,
    lines: [],
    open: async (options = {}) => {
      const note = (level: string) => (message: string) => harness.lines.push(`${level} ${message}`);
      const metadata = await openMetadata({
        ...(harness.database.url !== undefined && { databaseUrl: harness.database.url }),
        storePath: harness.database.storePath,
        brokerKey: 'DefaultCluster/broker-a/0',
        logger: { log: note('log'), warn: note('warn'), error: note('error') },
        flushConsumerOffsetIntervalMs: NEVER_MS,
        flushDelayOffsetIntervalMs: NEVER_MS,
        retryMinMs: 20,
        retryMaxMs: 50,
        closeTimeoutMs: 200,
        ...options,
      });
      opened.push(metadata);
      return metadata;
    },
    reopen: async (metadata) => {
      await metadata.close();
      return harness.open();
    },
  };
  beforeEach(async (context) => {
    if (backend.missing !== undefined) context.skip(backend.missing);
    harness.lines = [];
    harness.database = await backend.create();
  });
  afterEach(async () => {
    if (backend.missing !== undefined) return;
    await harness.database.mendIt();
    await Promise.all(opened.splice(0).map((metadata) => metadata.close()));
    await harness.database.drop();
  });
  return harness;
}
