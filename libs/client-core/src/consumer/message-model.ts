import type { MessageExt, MessageModel } from '@rocknest/protocol';
import { MAX_RECONSUME_TIMES } from '../defaults.js';
import type { ClientLogger } from '../logger.js';
import type { ClientOptions } from '../options.js';
import { invalidArgument } from '../support/check.js';
import type { AllocateMessageQueueStrategy } from './allocate/allocate-strategy.js';
import { defaultLocalOffsetDirectory, LocalFileOffsetStore } from './local-file-offset-store.js';
import type { OffsetStore } from './offset-store.js';
import { RemoteBrokerOffsetStore, type OffsetApi } from './remote-offset-store.js';

/** Options of every consumer that may broadcast. */
export interface MessageModelOptions {
  /**
   * CLUSTERING (default): members of the group share the messages. BROADCASTING: every member gets every message, keeps its own offsets in a
   * local file, and nothing comes again.
   */
  messageModel?: MessageModel;
  /**
   * BROADCASTING: folder of the offset files, `<folder>/<clientId>/<group>/offsets.json`. Default: `.rocketmq_offsets` in the home folder, as with
   * Java. The client id must stay the same from start to start: its `instanceName` is `DEFAULT` unless it is given.
   */
  localOffsetStoreDir?: string;
}

export interface ResolvedMessageModel {
  messageModel: MessageModel;
  localOffsetStoreDir: string;
}

/** Java's name for an instance that nobody named: what a broadcasting client keeps, so that it finds its file again (`ClientConfig.instanceName`). */
const STABLE_INSTANCE_NAME = 'DEFAULT';

/** @throws MQClientError INVALID_ARGUMENT. */
export function resolveMessageModel(options: MessageModelOptions): ResolvedMessageModel {
  const { messageModel = 'CLUSTERING', localOffsetStoreDir = defaultLocalOffsetDirectory() } = options;
  if (messageModel !== 'CLUSTERING' && messageModel !== 'BROADCASTING') {
    throw invalidArgument(`option messageModel is "${String(messageModel)}", must be CLUSTERING or BROADCASTING`);
  }
  if (typeof localOffsetStoreDir !== 'string' || localOffsetStoreDir === '') {
    throw invalidArgument('option localOffsetStoreDir must be the path of a folder');
  }
  return { messageModel, localOffsetStoreDir };
}

/** A broadcasting client is the same client after a restart. */
export function withStableInstance<T extends ClientOptions & MessageModelOptions>(options: T): T {
  if (options.messageModel !== 'BROADCASTING' || options.instanceName !== undefined) return options;
  return { ...options, instanceName: STABLE_INSTANCE_NAME };
}

export function createOffsetStore(
  {
    group,
    model,
    client: { logger },
  }: { group: string; model: ResolvedMessageModel; client: { logger: ClientLogger } },
  clientId: string,
  api: OffsetApi,
): OffsetStore {
  const { messageModel, localOffsetStoreDir } = model;
  return messageModel === 'BROADCASTING'
    ? new LocalFileOffsetStore({ group, clientId, directory: localOffsetStoreDir, logger })
    : new RemoteBrokerOffsetStore(group, api, logger);
}

/** Every queue is this member's (broadcasting, and queues that were assigned by hand). */
export const allocateAll: AllocateMessageQueueStrategy = {
  name: 'ALL',
  allocate: (_group, _clientId, queues) => [...queues],
};

/** What becomes of a message that a broadcasting member failed to handle. */
export interface BroadcastFailures {
  group: string;
  /** DROP: it is logged and gone, as with Java. RETRY: the member tries it again before. */
  broadcastFailure: 'DROP' | 'RETRY';
  /** Attempts after the first one, with RETRY; -1: 16. */
  maxReconsumeTimes: number;
  client: { readonly logger: ClientLogger };
}

/**
 * Takes the place of the send-back: there is no retry topic for one member alone. Rejects when the message is to be handled again by this member.
 */
export async function broadcastFailed(
  { group, broadcastFailure, maxReconsumeTimes, client }: BroadcastFailures,
  message: MessageExt,
  delayLevel: number,
): Promise<void> {
  const limit = maxReconsumeTimes < 0 ? MAX_RECONSUME_TIMES : maxReconsumeTimes;
  if (broadcastFailure === 'RETRY' && delayLevel >= 0 && message.reconsumeTimes < limit) {
    throw new Error(`a broadcast message has no retry topic, attempt ${message.reconsumeTimes + 1} of ${limit + 1}`);
  }
  client.logger.warn(
    `group ${group} (BROADCASTING): message ${message.msgId} of ${message.topic}, queue ${message.queueId}, offset ${message.queueOffset} ` +
      'was not handled and is dropped by this member',
  );
}
