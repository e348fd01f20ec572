import { errorText, MQClientError, MQClientErrorCode } from '../errors.js';
import type { ResolvedClientOptions } from '../options.js';
import { invalidArgument } from '../support/check.js';
import { buildClientId, localIp, nextInstanceName } from './client-id.js';
import { ClientInstance } from './client-instance.js';
import type { InstanceConsumer, InstanceProducer } from './client-members.js';
import { GroupWatch, type GroupMember } from './group-watch.js';
import { remotingTransport, type TransportFactory } from './transport.js';

/** Who wants an instance; nobody in particular for `MQAdmin`. */
export interface InstanceMember {
  producer?: InstanceProducer;
  consumer?: InstanceConsumer;
}

function isTaken(instance: ClientInstance, member: InstanceMember): boolean {
  return (
    (member.producer !== undefined && instance.producers.has(member.producer.group)) ||
    (member.consumer !== undefined && instance.consumers.has(member.consumer.group))
  );
}

/** What clients that share an instance must agree on: it is the instance's, not the client's own. */
function sharedSettings(options: ResolvedClientOptions): string {
  return JSON.stringify([
    options.namesrvAddresses,
    options.clientIp,
    options.unitName,
    options.pollNameServerIntervalMs,
    options.pollMissingRouteIntervalMs,
    options.heartbeatIntervalMs,
    options.brokerPingIntervalMs,
    options.mqClientApiTimeoutMs,
    options.serializeType,
    options.namespaceV2,
  ]);
}

/**
 * The client instances of this process (RocketMQ: `impl/MQClientManager.java`). Clients with equal name, address and namesrvs share one.
 * Who gives no name shares the first instance of the process that has no member of the same group: two members of a group need
 * two client ids, or the broker would take them for one.
 */
export class ClientInstanceRegistry {
  private readonly instances = new Map<string, ClientInstance>();
  private readonly groups = new GroupWatch();

  constructor(private readonly transportFactory: TransportFactory = remotingTransport) {}

  /** How often consumers of one group were found to subscribe to different things in this process. */
  get subscriptionMismatches(): number {
    return this.groups.mismatches;
  }

  /** How many instances are open. */
  get size(): number {
    return this.instances.size;
  }

  /**
   * An instance for a member, which is registered with it at once.
   *
   * @throws MQClientError ALREADY_STARTED when the named instance has a member of this group, INVALID_ARGUMENT when it has another namespaceV2.
   */
  acquire(options: ResolvedClientOptions, member: InstanceMember): ClientInstance {
    const instance =
      options.instanceName === undefined ? this.shared(options, member) : this.named(options, options.instanceName);
    if (isTaken(instance, member)) {
      const group = member.producer?.group ?? member.consumer?.group ?? '';
      throw new MQClientError(
        MQClientErrorCode.ALREADY_STARTED,
        `client ${instance.clientId} has a ${member.producer ? 'producer' : 'consumer'} of group ${group} already; ` +
          'give one of them another instanceName, or none',
        { details: { group, clientId: instance.clientId } },
      );
    }
    if (member.producer) instance.producers.set(member.producer.group, member.producer);
    if (member.consumer) instance.consumers.set(member.consumer.group, member.consumer);
    instance.users++;
    const { consumer } = member;
    // Once who asks for the instance is complete, it can say what it subscribes to.
    if (consumer) queueMicrotask(() => this.watchGroup(instance, consumer));
    return instance;
  }

  /** The member leaves; the last one closes the instance. */
  async release(instance: ClientInstance, member: InstanceMember): Promise<void> {
    this.deregister(instance, member);
    if (--instance.users > 0) return;
    for (const [key, known] of this.instances) if (known === instance) this.instances.delete(key);
    await instance.close();
  }

  /** Takes the member out of the heartbeats; it still holds the instance. */
  deregister(instance: ClientInstance, { producer, consumer }: InstanceMember): void {
    if (producer && instance.producers.get(producer.group) === producer) instance.producers.delete(producer.group);
    if (consumer && instance.consumers.get(consumer.group) === consumer) instance.consumers.delete(consumer.group);
  }

  private watchGroup(instance: ClientInstance, consumer: InstanceConsumer): void {
    const others: GroupMember[] = [];
    const cluster = instance.options.namesrvAddresses.join(';');
    for (const { options, consumers, clientId } of this.instances.values()) {
      const other = consumers.get(consumer.group);
      if (other && other !== consumer && options.namesrvAddresses.join(';') === cluster) {
        others.push({ consumer: other, clientId });
      }
    }
    if (others.length === 0 || instance.consumers.get(consumer.group) !== consumer) return;
    const { logger } = instance.options;
    try {
      this.groups.joined({ consumer, clientId: instance.clientId }, others, logger);
    } catch (error) {
      // A look at others must not end the process.
      logger.debug?.(`group ${consumer.group} not compared: ${errorText(error)}`);
    }
  }

  private named(options: ResolvedClientOptions, instanceName: string): ClientInstance {
    const clientId = buildClientId(options.clientIp ?? localIp(), instanceName, options.unitName);
    const key = `${clientId} ${options.namesrvAddresses.join(';')}`;
    const known = this.instances.get(key);
    if (!known) return this.open(key, clientId, options);
    const { namespaceV2 } = known.options;
    if (namespaceV2 === options.namespaceV2) return known;
    throw invalidArgument(
      `client ${clientId} of this process has namespaceV2 ${JSON.stringify(namespaceV2 ?? '')}, not ${JSON.stringify(options.namespaceV2 ?? '')}: ` +
        'clients that share an instance have one namespaceV2; give one of them another instanceName',
    );
  }

  private shared(options: ResolvedClientOptions, member: InstanceMember): ClientInstance {
    const prefix = `shared ${sharedSettings(options)} `;
    for (const [key, instance] of this.instances) {
      if (key.startsWith(prefix) && !isTaken(instance, member)) return instance;
    }
    const name = nextInstanceName();
    return this.open(prefix + name, buildClientId(options.clientIp ?? localIp(), name, options.unitName), options);
  }

  private open(key: string, clientId: string, options: ResolvedClientOptions): ClientInstance {
    const instance = new ClientInstance(clientId, options, this.transportFactory);
    this.instances.set(key, instance);
    return instance;
  }
}

/** The one registry of the process. */
export const clientInstances = new ClientInstanceRegistry();
