import { encodeHeartbeatData, MASTER_ID, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { errorText } from '../errors.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import type { BrokerAddressTable } from './broker-address-table.js';
import type { InstanceConsumer, InstanceProducer } from './client-members.js';
import type { ClientTransport } from './transport.js';

export interface HeartbeatOptions {
  clientId: string;
  transport: Pick<ClientTransport, 'invoke'>;
  brokers: BrokerAddressTable;
  producers: ReadonlyMap<string, InstanceProducer>;
  consumers: ReadonlyMap<string, InstanceConsumer>;
  timeoutMs: number;
  logger: ClientLogger;
}

/**
 * Tells brokers who we are (RocketMQ: `MQClientInstance.sendHeartbeatToAllBroker`): a producer to masters, a consumer to every broker,
 * because it may have to read from a slave. One heartbeat to an address at a time; a call during one makes a further one follow,
 * so that what changed meanwhile is told too.
 */
export class HeartbeatService {
  private readonly underWay = new Map<string, Promise<boolean>>();
  private readonly followUps = new Map<string, Promise<boolean>>();
  private readonly troubles = new LogLimiter();
  /** MQVersion of the brokers, as their answers say. */
  readonly brokerVersions = new Map<string, number>();

  constructor(private readonly options: HeartbeatOptions) {}

  /** One heartbeat to each broker. Resolves when each has answered or failed; failures are logged. */
  async sendToAll(): Promise<void> {
    const addresses = new Set<string>();
    const everyone = this.options.consumers.size > 0;
    for (const [, brokerId, address] of this.options.brokers.all()) {
      if (everyone || brokerId === MASTER_ID) addresses.add(address);
    }
    await Promise.all([...addresses].map((address) => this.sendTo(address)));
  }

  /** @returns true when the broker took it. Never rejects. */
  sendTo(address: string): Promise<boolean> {
    const current = this.underWay.get(address);
    if (!current) return this.send(address);
    let followUp = this.followUps.get(address);
    if (!followUp) {
      followUp = current.then(() => {
        this.followUps.delete(address);
        return this.send(address);
      });
      this.followUps.set(address, followUp);
    }
    return followUp;
  }

  /** A connection was opened. The heartbeat that opened it is enough. */
  connected(address: string): void {
    if (!this.underWay.has(address)) void this.send(address);
  }

  /** Resolves when no heartbeat is under way. */
  async settled(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all([...this.underWay.values(), ...this.followUps.values()]);
  }

  private send(address: string): Promise<boolean> {
    const sending = this.sendNow(address).finally(() => {
      if (this.underWay.get(address) === sending) this.underWay.delete(address);
    });
    this.underWay.set(address, sending);
    return sending;
  }

  private async sendNow(address: string): Promise<boolean> {
    const { clientId, producers, consumers, transport, timeoutMs, logger } = this.options;
    if (producers.size === 0 && consumers.size === 0) return true;
    const body = encodeHeartbeatData({
      clientID: clientId,
      producerDataSet: [...producers.keys()].map((groupName) => ({ groupName })),
      consumerDataSet: [...consumers.values()].map((consumer) => consumer.heartbeatData()),
      heartbeatFingerprint: 0,
      withoutSub: false,
    });
    try {
      const response = await transport.invoke(
        address,
        RemotingCommand.request(RequestCode.HEART_BEAT, {}, body),
        timeoutMs,
      );
      if (response.code === ResponseCode.SUCCESS) {
        this.brokerVersions.set(address, response.version);
        this.troubles.clear(address);
        return true;
      }
      if (this.troubles.allows(address))
        logger.warn(`heartbeat refused by ${address}: ${response.code} ${response.remark ?? ''}`);
    } catch (error) {
      if (this.troubles.allows(address)) logger.warn(`no heartbeat to ${address}: ${errorText(error)}`);
    }
    return false;
  }
}
