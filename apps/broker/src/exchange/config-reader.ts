import {
  decodeMessageRequestModeTable,
  decodeSubscriptionGroupWrapper,
  decodeTopicConfigSerializeWrapper,
  LMQ_PREFIX,
  parseFastjson,
  readDataVersion,
  type DataVersion,
  type MessageRequestModeTable,
  type SetMessageRequestModeRequestBody,
  type SubscriptionGroupConfig,
  type SubscriptionGroupWrapper,
  type TopicConfig,
  type TopicConfigSerializeWrapper,
} from '@rocknest/protocol';
import {
  checkCommittedOffset,
  checkGroupConfig,
  checkOrderInfo,
  checkRequestMode,
  checkTopicConfig,
  type CommittedOffset,
  type MetadataSnapshot,
  orderInfoStateOf,
  type OrderInfoEntry,
} from '../metadata/index.js';
import { CONFIG_FILES, readConfigFile } from './config-folder.js';
import { EntryNotes, namesForLine } from './notes.js';

/** What Apache RocketMQ's configuration files say, and what of it cannot be taken over. */
export interface ConfigContent {
  readonly snapshot: MetadataSnapshot;
  /** For a human: one thing a line. */
  readonly notes: readonly string[];
}

/** Between topic and group in the keys of consumerOffset.json. */
const TOPIC_GROUP_SEPARATOR = '@';

/**
 * Reads the files of `config/` that Rocknest has in its database (`CONFIG_FILES`). A file that is not there counts as empty; an entry that cannot be kept is left out and named.
 *
 * @throws ExchangeError EXCHANGE_CONFIG_UNREADABLE
 */
export function readConfig(storePath: string): ConfigContent {
  const notes: string[] = [];
  const entryNotes = new EntryNotes();
  const take = <T>(name: (typeof CONFIG_FILES)[keyof typeof CONFIG_FILES], parse: (text: string) => T, empty: T): T => {
    const read = readConfigFile(storePath, name, parse);
    if (read?.note !== undefined) notes.push(read.note);
    return read?.value ?? empty;
  };
  const never: DataVersion = { stateVersion: 0, timestamp: 0, counter: 0 };
  const topics = take<TopicConfigSerializeWrapper>(CONFIG_FILES.topics, decodeTopicConfigSerializeWrapper, {
    topicConfigTable: {},
    dataVersion: never,
  });
  const groups = take<SubscriptionGroupWrapper>(CONFIG_FILES.groups, decodeSubscriptionGroupWrapper, {
    subscriptionGroupTable: {},
    forbiddenTable: {},
    dataVersion: never,
  });
  const offsets = take(CONFIG_FILES.consumerOffsets, (text) => decodeOffsetTable(text), emptyTable(never));
  const delays = take(CONFIG_FILES.delayOffsets, (text) => decodeOffsetTable(text), emptyTable(never));

  const modes = take<MessageRequestModeTable>(CONFIG_FILES.requestModes, decodeMessageRequestModeTable, { modes: [] });
  const orders = take(CONFIG_FILES.orderInfos, (text) => decodeOrderInfoTable(text), {});

  notes.push(...forbiddenNotes(groups), ...compactionNotes(topics));
  const snapshot: MetadataSnapshot = {
    topics: takeTopics(topics, entryNotes),
    groups: takeGroups(groups, entryNotes),
    offsets: takeOffsets(offsets.table, entryNotes),
    delayOffsets: takeDelayOffsets(delays.table, entryNotes),
    requestModes: takeRequestModes(modes, entryNotes),
    orderInfos: takeOrderInfos(orders, entryNotes),
    versions: {
      topics: topics.dataVersion,
      groups: groups.dataVersion,
      consumerOffsets: offsets.dataVersion,
      delayOffsets: delays.dataVersion,
    },
  };
  return { snapshot, notes: [...notes, ...entryNotes.all()] };
}

interface OffsetTable {
  readonly table: Readonly<Record<string, unknown>>;
  readonly dataVersion: DataVersion;
}

function emptyTable(dataVersion: DataVersion): OffsetTable {
  return { table: {}, dataVersion };
}

/** `{dataVersion, offsetTable}`; what else stands beside them (`groupTopicMap`) is derived from the table. */
function decodeOffsetTable(text: string): OffsetTable {
  const root = objectIn(parseFastjson(text), 'the file');
  const dataVersion = root['dataVersion'] == null ? undefined : objectIn(root['dataVersion'], 'dataVersion');
  const table = root['offsetTable'] == null ? {} : objectIn(root['offsetTable'], 'offsetTable');
  return { table, dataVersion: readDataVersion(dataVersion) };
}

/** `{table}`: `topic@group` -> queue id -> state. */
function decodeOrderInfoTable(text: string): Readonly<Record<string, unknown>> {
  const root = objectIn(parseFastjson(text), 'the file');
  return root['table'] == null ? {} : objectIn(root['table'], 'table');
}

/** What a key `topic@group` names; undefined for another key, and for one with no queues. */
function ownerOf(key: string, queues: unknown): { topic: string; group: string } | undefined {
  const [topic, group, ...rest] = key.split(TOPIC_GROUP_SEPARATOR);
  const isWhole = group !== undefined && rest.length === 0 && typeof queues === 'object' && queues !== null;
  return isWhole ? { topic, group } : undefined;
}

function objectIn(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error(`${what} is no JSON object`);
}

function takeTopics({ topicConfigTable }: TopicConfigSerializeWrapper, notes: EntryNotes): TopicConfig[] {
  const taken: TopicConfig[] = [];
  for (const [name, config] of Object.entries(topicConfigTable)) {
    if (config.attributes['queue.type'] === 'BatchCQ') {
      notes.add(
        `topic ${name} has queues of batches (queue.type=BatchCQ), which Rocknest does not read: it was left out, its messages stay in the log`,
      );
    } else {
      keep(taken, config, () => checkTopicConfig(config), notes);
    }
  }
  return taken;
}

function takeGroups(
  { subscriptionGroupTable }: SubscriptionGroupWrapper,
  notes: EntryNotes,
): SubscriptionGroupConfig[] {
  const taken: SubscriptionGroupConfig[] = [];
  for (const config of Object.values(subscriptionGroupTable))
    keep(taken, config, () => checkGroupConfig(config), notes);
  return taken;
}

function takeOffsets(table: Readonly<Record<string, unknown>>, notes: EntryNotes): CommittedOffset[] {
  const taken: CommittedOffset[] = [];
  for (const [key, queues] of Object.entries(table)) {
    const owner = ownerOf(key, queues);
    if (owner === undefined) {
      notes.add(`consumer offsets of "${key}" were left out: that is not of the form topic@group`);
      continue;
    }
    const { topic, group } = owner;
    if (topic.startsWith(LMQ_PREFIX)) {
      notes.add(
        `consumer offsets of group ${group} on the light queue ${topic} were left out: there are no light queues`,
      );
      continue;
    }
    for (const [queueId, queueOffset] of Object.entries(queues as Record<string, unknown>)) {
      const offset = { group, topic, queueId: Number(queueId), queueOffset: Number(queueOffset) };
      keep(taken, offset, () => checkCommittedOffset(offset), notes);
    }
  }
  return taken;
}

function takeDelayOffsets(table: Readonly<Record<string, unknown>>, notes: EntryNotes): Map<number, number> {
  const taken = new Map<number, number>();
  for (const [key, value] of Object.entries(table)) {
    const [level, queueOffset] = [Number(key), Number(value)];
    const isKept = Number.isInteger(level) && level > 0 && Number.isSafeInteger(queueOffset) && queueOffset >= 0;
    if (isKept) taken.set(level, queueOffset);
    else notes.add(`the offset ${String(value)} of delay level "${key}" was left out`);
  }
  return taken;
}

function takeRequestModes({ modes }: MessageRequestModeTable, notes: EntryNotes): SetMessageRequestModeRequestBody[] {
  const taken: SetMessageRequestModeRequestBody[] = [];
  for (const mode of modes) keep(taken, mode, () => checkRequestMode(mode), notes);
  return taken;
}

function takeOrderInfos(table: Readonly<Record<string, unknown>>, notes: EntryNotes): OrderInfoEntry[] {
  const taken: OrderInfoEntry[] = [];
  for (const [key, queues] of Object.entries(table)) {
    const owner = ownerOf(key, queues);
    if (owner === undefined) {
      notes.add(`the state of orderly pops of "${key}" was left out: that is not of the form topic@group`);
      continue;
    }
    for (const [queueId, value] of Object.entries(queues as Record<string, unknown>)) {
      const state = orderInfoStateOf(value);
      const entry = state && { ...owner, queueId: Number(queueId), state };
      if (entry) keep(taken, entry, () => checkOrderInfo(entry), notes);
      else notes.add(`the state of orderly pops of "${key}", queue ${queueId}, was left out: it is not whole`);
    }
  }
  return taken;
}

function keep<T>(taken: T[], item: T, check: () => void, notes: EntryNotes): void {
  try {
    check();
    taken.push(item);
  } catch (error) {
    notes.add(`left out: ${(error as Error).message}`);
  }
}

function forbiddenNotes({ forbiddenTable }: SubscriptionGroupWrapper): string[] {
  const groups = Object.keys(forbiddenTable).filter((group) => Object.keys(forbiddenTable[group]).length > 0);
  if (groups.length === 0) return [];
  return [
    `${CONFIG_FILES.groups} forbids groups to read single topics (forbiddenTable), which Rocknest does not do: ${namesForLine(groups)} may read all topics now`,
  ];
}

function compactionNotes({ topicConfigTable }: TopicConfigSerializeWrapper): string[] {
  const topics = Object.keys(topicConfigTable).filter(
    (name) => topicConfigTable[name].attributes['cleanup.policy'] === 'COMPACTION',
  );
  if (topics.length === 0) return [];
  return [
    `Rocknest does not compact topics (cleanup.policy=COMPACTION): all messages of ${namesForLine(topics)} are kept`,
  ];
}
