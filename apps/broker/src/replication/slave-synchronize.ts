import { createHash } from 'node:crypto';
import {
  type DataVersion,
  decodeConsumerOffsetWrapper,
  decodeDelayOffsetWrapper,
  decodeMessageRequestModeTable,
  decodeSubscriptionGroupWrapper,
  decodeTopicConfigSerializeWrapper,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  responseCodeName,
} from '@rocknest/protocol';
import type { RemotingClient } from '@rocknest/remoting';
import type { MessageStore, TimerMessageStore } from '@rocknest/store';
import type { BrokerLogger } from '../logger.js';
import { checkCommittedOffset, checkGroupConfig, checkTopicConfig, type Metadata } from '../metadata/index.js';
import type { SystemTopicSet } from '../topics/system-topics.js';
import type { TopicAnnouncer } from '../topics/topic-announcer.js';
import { SLAVE_SYNCHRONIZE_TIMEOUT_MS } from './defaults.js';
import { FOLLOWS_UNTIL_STOP } from './metadata-followers.js';

export interface SlaveSynchronizeParts {
  readonly client: Pick<RemotingClient, 'invoke'>;
  readonly metadata: Metadata;
  readonly store: Pick<MessageStore, 'deleteTopics'>;
  readonly systemTopics: Pick<SystemTopicSet, 'has'>;
  readonly announcer: Pick<TopicAnnouncer, 'changed'>;
  /** Undefined where timer messages are off. */
  readonly timer: Pick<TimerMessageStore, 'takeMasterCheckpoint' | 'metrics'> | undefined;
  /** Called after a group of the master's was deleted there, and here. */
  readonly groupDeleted: (group: string) => void;
  readonly logger: BrokerLogger;
}

/** Past it what cannot be taken over may be named again. */
const MAX_KEPT_PROBLEMS = 1_000;

/** One table that is taken over from the master. */
interface Part {
  readonly name: string;
  readonly code: number;
  readonly fields: Readonly<Record<string, string>>;
  /** The version of what is here; undefined: offsets, which change all the time. */
  readonly version: (() => DataVersion) | undefined;
  /** Masters before RocketMQ 5.0, and those without timer messages, answer with an error. */
  readonly isOptional: boolean;
  take(body: Buffer): Promise<void>;
  /** What the master said last, and what version it led to here. */
  takenHash: string;
  takenVersion: DataVersion | undefined;
}

/**
 * Takes topics, groups, offsets, request modes and the state of the timer over from the master, into the slave's own database. What the master does not have any more goes here,
 * too; consumer offsets that only this slave has stay, because consumers commit here while there is no master.
 *
 * Follows `broker/slave/SlaveSynchronize.java`.
 */
export class SlaveSynchronize {
  private readonly parts: Part[];
  private readonly problems = new Map<string, string>();
  private running: Promise<void> | undefined = undefined;
  private stopped = false;
  private interrupt: (() => void) | undefined = undefined;

  constructor(private readonly options: SlaveSynchronizeParts) {
    const { topics, groups } = options.metadata;
    const part = (
      name: string,
      code: number,
      take: (body: Buffer) => Promise<void>,
      version?: () => DataVersion,
    ): Part => ({
      name,
      code,
      fields: code === RequestCode.GET_ALL_CONSUMER_OFFSET ? { [FOLLOWS_UNTIL_STOP]: 'true' } : {},
      version,
      isOptional: false,
      take,
      takenHash: '',
      takenVersion: undefined,
    });
    this.parts = [
      part(
        'topics',
        RequestCode.GET_ALL_TOPIC_CONFIG,
        (body) => this.takeTopics(body),
        () => topics.dataVersion,
      ),
      part(
        'subscription groups',
        RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
        (body) => this.takeGroups(body),
        () => groups.dataVersion,
      ),
      part('consumer offsets', RequestCode.GET_ALL_CONSUMER_OFFSET, (body) => this.takeConsumerOffsets(body)),
      part('delay offsets', RequestCode.GET_ALL_DELAY_OFFSET, (body) => this.takeDelayOffsets(body)),
      part('request modes', RequestCode.GET_ALL_MESSAGE_REQUEST_MODE, (body) => this.takeRequestModes(body)),
    ];
    const { timer } = options;
    if (timer === undefined) return;
    const timerParts = [
      part('the timer checkpoint', RequestCode.GET_TIMER_CHECK_POINT, (body) => {
        timer.takeMasterCheckpoint(body);
        return Promise.resolve();
      }),
      part('timer metrics', RequestCode.GET_TIMER_METRICS, (body) => {
        timer.metrics.replace(body);
        return Promise.resolve();
      }),
    ];
    this.parts.push(...timerParts.map((timerPart) => ({ ...timerPart, isOptional: true })));
  }

  /** Takes everything over once. Never rejects: what fails is logged, and done by the next run. Calls while one runs share it. */
  run(masterAddress: string): Promise<void> {
    this.running ??= this.runAll(masterAddress).finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** Begins nothing more, and waits for no answer: the master may be one that never gives any. @returns when what was being taken over is. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.interrupt?.();
    await this.running;
  }

  private async runAll(masterAddress: string): Promise<void> {
    for (const part of this.parts) {
      if (this.stopped) return;
      try {
        await this.runPart(part, masterAddress);
        this.problems.delete(part.name);
      } catch (error) {
        if (this.stopped) return;
        const problem = error instanceof Error ? error.message : String(error);
        if (this.problems.get(part.name) !== problem)
          this.options.logger.warn(
            `${part.name} of the master at ${masterAddress} could not be taken over, trying on: ${problem}`,
          );
        this.problems.set(part.name, problem);
      }
    }
  }

  private async runPart(part: Part, masterAddress: string): Promise<void> {
    const request = RemotingCommand.request(part.code, part.fields);
    const response = await this.ask(masterAddress, request);
    if (part.isOptional && response.code !== ResponseCode.SUCCESS) return;
    if (response.code !== ResponseCode.SUCCESS)
      throw new Error(`it answered ${responseCodeName(response.code)} (${response.remark ?? 'no reason given'})`);
    const body = Buffer.from(response.bodyBuffer);
    // An official master that has no delayed messages yet sends nothing.
    if (body.length === 0) return;
    const hash = createHash('sha1').update(body).digest('base64');
    const isKnown = hash === part.takenHash && (part.version === undefined || part.version() === part.takenVersion);
    if (isKnown && part.version !== undefined) return;
    await part.take(body);
    part.takenHash = hash;
    part.takenVersion = part.version?.();
  }

  private async ask(masterAddress: string, request: RemotingCommand): Promise<RemotingCommand> {
    const answer = this.options.client.invoke(masterAddress, request, SLAVE_SYNCHRONIZE_TIMEOUT_MS);
    const stop = new Promise<never>((_, reject) => {
      this.interrupt = () => reject(new Error('this broker stops'));
    });
    try {
      return await Promise.race([answer, stop]);
    } finally {
      this.interrupt = undefined;
      answer.catch(() => undefined);
    }
  }

  private async takeTopics(body: Buffer): Promise<void> {
    const { metadata, systemTopics, announcer, store } = this.options;
    const { topics, offsets } = metadata;
    const wanted = this.usable(
      Object.values(decodeTopicConfigSerializeWrapper(body).topicConfigTable),
      checkTopicConfig,
    );
    const names = new Set(wanted.map(({ topicName }) => topicName));
    const gone = [...topics.all().keys()].filter((topic) => !names.has(topic) && !systemTopics.has(topic));
    const before = topics.dataVersion;
    await topics.putAll(wanted);
    for (const topic of gone) {
      await topics.delete(topic);
      offsets.deleteTopic(topic);
    }
    if (topics.dataVersion !== before) void announcer.changed([...names, ...gone]);
    if (gone.length > 0) await store.deleteTopics(gone);
  }

  private async takeGroups(body: Buffer): Promise<void> {
    const { groups } = this.options.metadata;
    const table = decodeSubscriptionGroupWrapper(body).subscriptionGroupTable;
    const wanted = this.usable(Object.values(table), checkGroupConfig);
    for (const config of wanted) await groups.put(config);
    const names = new Set(wanted.map(({ groupName }) => groupName));
    for (const group of [...groups.all().keys()]) {
      if (names.has(group)) continue;
      await groups.delete(group);
      this.options.groupDeleted(group);
    }
  }

  private takeConsumerOffsets(body: Buffer): Promise<void> {
    const { offsets } = this.options.metadata;
    for (const [key, queues] of decodeConsumerOffsetWrapper(body).offsetTable) {
      const at = key.indexOf('@');
      const [topic, group] = [key.slice(0, at), key.slice(at + 1)];
      for (const [queueId, queueOffset] of queues) {
        if (offsets.query(group, topic, queueId) === queueOffset) continue;
        const [usable] = this.usable([{ group, topic, queueId, queueOffset }], checkCommittedOffset);
        if (usable !== undefined) offsets.commit(group, topic, queueId, queueOffset);
      }
    }
    return Promise.resolve();
  }

  private takeDelayOffsets(body: Buffer): Promise<void> {
    const { delayOffsets } = this.options.metadata;
    for (const [level, queueOffset] of decodeDelayOffsetWrapper(body).offsetTable)
      if (level > 0 && queueOffset >= 0) delayOffsets.set(level, queueOffset);
    return Promise.resolve();
  }

  private async takeRequestModes(body: Buffer): Promise<void> {
    const { requestModes } = this.options.metadata;
    for (const mode of decodeMessageRequestModeTable(body).modes) await requestModes.put(mode);
  }

  /** Those that this broker can keep; the others are named once. */
  private usable<T>(items: readonly T[], check: (item: T) => void): T[] {
    return items.filter((item) => {
      try {
        check(item);
        return true;
      } catch (error) {
        const problem = (error as Error).message;
        if (!this.problems.has(problem)) this.options.logger.warn(`not taken over from the master: ${problem}`);
        if (this.problems.size < MAX_KEPT_PROBLEMS) this.problems.set(problem, problem);
        return false;
      }
    });
  }
}
