import type { RemotingClient } from '@rocknest/remoting';
import { type MessageStore, TimerMessageStore } from '@rocknest/store';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import type { BrokerServices } from '../broker-services.js';
import type { BrokerConfig } from '../config/broker-settings.js';
import type { BrokerLogger } from '../logger.js';
import type { Metadata } from '../metadata/index.js';
import { SystemTopicSet } from '../topics/system-topics.js';
import type { HaClient } from './ha-client.js';
import { SlaveService } from './slave-service.js';
import { SlaveSynchronize } from './slave-synchronize.js';

export interface SlaveServiceParts {
  readonly client: RemotingClient;
  readonly metadata: Metadata;
  readonly store: MessageStore;
  readonly services: BrokerServices;
  readonly haClient: Pick<HaClient, 'setMaster' | 'start' | 'stop' | 'status'>;
  /** [haMasterAddress] Fixed address of the master's log; empty: what the namesrvs say. */
  readonly haMasterAddress: string;
  readonly config: Pick<BrokerConfig, 'timerWheelEnable' | 'slaveSynchronizeInterval'>;
  readonly logger: BrokerLogger;
}

/** Puts together what a slave does by itself, however its role came about. */
export function buildSlaveService(parts: SlaveServiceParts): SlaveService {
  const { client, metadata, store, services, haClient, haMasterAddress, config, logger } = parts;
  const synchronize = new SlaveSynchronize({
    client,
    metadata,
    store,
    systemTopics: services.all().get(SystemTopicSet) as SystemTopicSet,
    announcer: services.announcer,
    timer: config.timerWheelEnable ? (services.all().get(TimerMessageStore) as TimerMessageStore) : undefined,
    groupDeleted: (group) => services.groupDeleted(group),
    logger,
  });
  const slave = new SlaveService(haClient, synchronize, {
    haMasterAddress,
    synchronizeIntervalMs: config.slaveSynchronizeInterval,
    logger,
  });
  store.onArrival((topic) => {
    if (metadata.topics.get(topic) === undefined) slave.topicMissed(topic);
  });
  client.registerHandler(RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE, async () => {
    await slave.synchronizeNow();
    return RemotingCommand.response(ResponseCode.SUCCESS);
  });
  return slave;
}
