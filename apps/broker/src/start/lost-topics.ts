import { isSystemTopic } from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import type { BrokerLogger } from '../logger.js';
import type { Metadata } from '../metadata/index.js';

const NAMED = 10;

/**
 * Warns of a database that knows nothing of this broker beside a store with messages: it was lost, or another one is meant. Called before the broker adds
 * the topics that it has for itself.
 */
export function warnOfLostTopics(store: MessageStore, metadata: Metadata, logger: BrokerLogger): void {
  if (metadata.topics.all().size > 0) return;
  const topics = store.topics().filter((topic) => !isSystemTopic(topic));
  if (topics.length === 0) return;
  const more = topics.length > NAMED ? `, and ${topics.length - NAMED} more` : '';
  logger.warn(
    `the database (${metadata.databaseName}) has no topics of this broker, but the store has messages of ${topics.slice(0, NAMED).join(', ')}${more}. If the ` +
      'database was lost, stop the broker and put it back from a backup: without it topics must be created again, and consumers begin where they are ' +
      'configured to begin, for their offsets were in it. The messages are all there.',
  );
}
