import { encodeTopicConfigList, type TopicConfig } from '@rocknest/protocol';
import type { RawConnection } from '../../test/support/raw-remoting.js';
import { maxOffset } from '../../test/support/raw-requests.js';
import { sendTemplate, type FrameTemplate } from '../lean/frames.js';

const UPDATE_AND_CREATE_TOPIC_LIST = 18;
const TOPICS_PER_REQUEST = 500;
/** Offsets asked for at the same time. */
const OFFSETS_AT_ONCE = 2_000;

export interface Queue {
  readonly topic: string;
  readonly queueId: number;
}

export function topicNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `many-${String(index).padStart(5, '0')}`);
}

export function queuesOf(topics: readonly string[], queues: number): Queue[] {
  return topics.flatMap((topic) => Array.from({ length: queues }, (_, queueId) => ({ topic, queueId })));
}

/** Creates topics, hundreds in each request. */
export async function createTopics(
  connection: RawConnection,
  topics: readonly string[],
  queues: number,
): Promise<void> {
  for (let at = 0; at < topics.length; at += TOPICS_PER_REQUEST) {
    const configs = topics.slice(at, at + TOPICS_PER_REQUEST).map((topic) => configOf(topic, queues));
    await connection.call(UPDATE_AND_CREATE_TOPIC_LIST, {}, encodeTopicConfigList(configs));
  }
}

function configOf(topicName: string, queues: number): TopicConfig {
  return {
    topicName,
    readQueueNums: queues,
    writeQueueNums: queues,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
  };
}

/** One send to each queue. */
export function sendTemplates(queues: readonly Queue[], bodyBytes: number): FrameTemplate[] {
  return queues.map(({ topic, queueId }) => sendTemplate('json', topic, queueId, bodyBytes));
}

export function roundRobin(templates: readonly FrameTemplate[]): (index: number) => FrameTemplate {
  return (index) => templates[index % templates.length];
}

/** Four of five messages go to the first hundredth of the queues, the others go round all of them. */
export function skewed(templates: readonly FrameTemplate[]): (index: number) => FrameTemplate {
  const busy = Math.max(1, Math.floor(templates.length / 100));
  return (index) => (index % 5 === 0 ? templates[(index / 5) % templates.length] : templates[index % busy]);
}

export async function maxOffsets(connection: RawConnection, queues: readonly Queue[]): Promise<number[]> {
  const offsets: number[] = [];
  for (let at = 0; at < queues.length; at += OFFSETS_AT_ONCE) {
    const part = queues.slice(at, at + OFFSETS_AT_ONCE);
    offsets.push(...(await Promise.all(part.map(({ topic, queueId }) => maxOffset(connection, topic, queueId)))));
  }
  return offsets;
}
