import { type ConsumerData, type HeartbeatData, ResponseCode } from '@rocknest/protocol';
import type { Clock } from '../clock.js';
import { MAX_CLIENT_ID_LENGTH } from '../defaults.js';
import { RequestRefusedError } from '../errors.js';
import type { TopicConfigManager } from '../metadata/index.js';
import type { GroupDirectory } from '../topics/group-directory.js';
import type { TopicAutoCreator } from '../topics/topic-auto-creator.js';
import type { ClientChannelInfo } from './client-channel-info.js';
import type { ConsumerManager } from './consumer-manager.js';
import type { ProducerManager } from './producer-manager.js';

export interface HeartbeatLimits {
  readonly maxGroupsPerHeartbeat: number;
  readonly maxSubscriptionsPerGroup: number;
  readonly maxTagsPerSubscription: number;
}

export interface HeartbeatOutcome {
  /** V2: the client shall forget its fingerprint and send its subscriptions in full next time. */
  readonly subscriptionsWanted: boolean;
}

/**
 * Takes a heartbeat in: each consumer group is created where that is allowed and gets its retry topic, members and subscriptions are
 * noted, producers are noted. A group that does not exist and may not be created is skipped in silence, as in RocketMQ.
 *
 * With a fingerprint (V2) a client whose subscriptions did not change leaves them out. RocketMQ asks for them again only when
 * another member's fingerprint differs; here also when the broker does not know the subscriptions (it was restarted).
 */
export class HeartbeatIntake {
  private readonly fingerprints = new Map<string, number>();

  constructor(
    private readonly consumers: ConsumerManager,
    private readonly producers: ProducerManager,
    private readonly topics: TopicConfigManager,
    private readonly groups: GroupDirectory,
    private readonly creator: TopicAutoCreator,
    private readonly limits: HeartbeatLimits,
    private readonly clock: Clock,
  ) {}

  /** @throws RequestRefusedError when the heartbeat is beyond the limits. */
  async take(heartbeat: HeartbeatData, client: Omit<ClientChannelInfo, 'lastUpdateMs'>): Promise<HeartbeatOutcome> {
    this.checkLimits(heartbeat, client);
    const fingerprint = heartbeat.heartbeatFingerprint;
    let subscriptionsWanted = fingerprint === 0;
    for (const consumer of heartbeat.consumerDataSet) {
      const wanted = await this.takeConsumer(consumer, heartbeat, client);
      subscriptionsWanted ||= wanted;
    }
    // The client may have gone while a group or a retry topic was created.
    if (!client.connection.closed) {
      for (const producer of heartbeat.producerDataSet) {
        this.producers.register(producer.groupName, { ...client, lastUpdateMs: this.clock() });
      }
    }
    return { subscriptionsWanted };
  }

  private async takeConsumer(
    consumer: ConsumerData,
    heartbeat: HeartbeatData,
    client: Omit<ClientChannelInfo, 'lastUpdateMs'>,
  ): Promise<boolean> {
    const group = await this.groups.find(consumer.groupName);
    if (group === undefined) return false;
    const subscribesOrderTopic = consumer.subscriptionDataSet.some(
      ({ topic }) => this.topics.get(topic)?.order === true,
    );
    await this.creator.retryTopic(group.groupName, group.retryQueueNums, consumer.unitMode, subscribesOrderTopic);
    if (client.connection.closed) return false;
    const known = this.consumers.get(consumer.groupName) !== undefined;
    this.consumers.register(
      { ...client, lastUpdateMs: this.clock() },
      {
        groupName: consumer.groupName,
        traits: {
          consumeType: consumer.consumeType,
          messageModel: consumer.messageModel,
          consumeFromWhere: consumer.consumeFromWhere,
        },
        subscriptions: heartbeat.withoutSub ? undefined : consumer.subscriptionDataSet,
      },
    );
    return this.noteFingerprint(consumer.groupName, heartbeat, known);
  }

  private noteFingerprint(group: string, heartbeat: HeartbeatData, known: boolean): boolean {
    const fingerprint = heartbeat.heartbeatFingerprint;
    const last = known ? this.fingerprints.get(group) : undefined;
    // Only V2 clients have a fingerprint; a group forgets it with its last member, at the next heartbeat of the group.
    if (fingerprint === 0) this.fingerprints.delete(group);
    else this.fingerprints.set(group, fingerprint);
    return (last !== undefined && last !== fingerprint) || (heartbeat.withoutSub && !known);
  }

  private checkLimits(heartbeat: HeartbeatData, client: Omit<ClientChannelInfo, 'lastUpdateMs'>): void {
    if (client.clientId === '' || client.clientId.length > MAX_CLIENT_ID_LENGTH) {
      throw new RequestRefusedError(
        ResponseCode.INVALID_PARAMETER,
        `the heartbeat's clientID has ${client.clientId.length} characters, it must have 1 to ${MAX_CLIENT_ID_LENGTH}`,
      );
    }
    const { maxGroupsPerHeartbeat, maxSubscriptionsPerGroup, maxTagsPerSubscription } = this.limits;
    const groups = heartbeat.consumerDataSet.length + heartbeat.producerDataSet.length;
    if (groups > maxGroupsPerHeartbeat) throw beyond('groups', groups, 'maxGroupsPerHeartbeat', maxGroupsPerHeartbeat);
    for (const consumer of heartbeat.consumerDataSet) {
      const subscriptions = consumer.subscriptionDataSet.length;
      if (subscriptions > maxSubscriptionsPerGroup) {
        throw beyond('subscriptions of a group', subscriptions, 'maxSubscriptionsPerGroup', maxSubscriptionsPerGroup);
      }
      for (const { codeSet } of consumer.subscriptionDataSet) {
        if (codeSet.length > maxTagsPerSubscription) {
          throw beyond('tags of a subscription', codeSet.length, 'maxTagsPerSubscription', maxTagsPerSubscription);
        }
      }
    }
  }
}

function beyond(what: string, count: number, setting: string, limit: number): RequestRefusedError {
  return new RequestRefusedError(
    ResponseCode.INVALID_PARAMETER,
    `the heartbeat has ${count} ${what}, at most ${limit} are taken (${setting})`,
  );
}
