import {
  decodeBrokerMemberGroup,
  decodeConsumerOffsetWrapper,
  encodeGetBrokerMemberGroupRequest,
  MASTER_ID,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  responseCodeName,
} from '@rocknest/protocol';
import type { RemotingClient } from '@rocknest/remoting';
import type { BrokerLogger } from '../logger.js';
import { checkCommittedOffset, type Metadata } from '../metadata/index.js';
import { TAKE_BACK_TIMEOUT_MS } from './defaults.js';

export interface TakeBackParts {
  readonly client: Pick<RemotingClient, 'invoke'>;
  readonly namesrvAddresses: readonly string[];
  readonly clusterName: string;
  readonly brokerName: string;
  readonly offsets: Metadata['offsets'];
  readonly logger: BrokerLogger;
}

/**
 * Before a master says that it is back: takes over what consumers committed at the slave that stood in for it, where that is further than what it knows
 * itself. Never rejects; a slave that cannot be asked is reported.
 *
 * Follows `syncMetadataReverse` of `broker/BrokerPreOnlineService.java`, which takes all or nothing.
 */
export async function takeBackOffsets(parts: TakeBackParts): Promise<void> {
  const { client, offsets, logger } = parts;
  const actingAddress = await findActingMaster(parts);
  if (actingAddress === undefined) return;
  try {
    const request = RemotingCommand.request(RequestCode.GET_ALL_CONSUMER_OFFSET, {});
    const response = await client.invoke(actingAddress, request, TAKE_BACK_TIMEOUT_MS);
    if (response.code !== ResponseCode.SUCCESS)
      throw new Error(`it answered ${responseCodeName(response.code)} (${response.remark ?? 'no reason given'})`);
    let count = 0;
    for (const [key, queues] of decodeConsumerOffsetWrapper(response.bodyBuffer).offsetTable) {
      const at = key.indexOf('@');
      const [topic, group] = [key.slice(0, at), key.slice(at + 1)];
      for (const [queueId, queueOffset] of queues) {
        if (queueOffset <= offsets.query(group, topic, queueId)) continue;
        checkCommittedOffset({ group, topic, queueId, queueOffset });
        offsets.commit(group, topic, queueId, queueOffset);
        count++;
      }
    }
    logger.log(
      `${count} consumer offsets were committed at ${actingAddress} while this master was gone, and are taken over`,
    );
  } catch (error) {
    logger.warn(
      `what consumers committed at ${actingAddress} while this master was gone is not known: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The slave with the smallest id, as the first namesrv that answers knows it. */
async function findActingMaster(parts: TakeBackParts): Promise<string | undefined> {
  const { client, namesrvAddresses, clusterName, brokerName } = parts;
  const fields = encodeGetBrokerMemberGroupRequest({ clusterName, brokerName });
  const answers = namesrvAddresses.map(async (address) => {
    const request = RemotingCommand.request(RequestCode.GET_BROKER_MEMBER_GROUP, fields);
    const response = await client.invoke(address, request, TAKE_BACK_TIMEOUT_MS);
    if (response.code !== ResponseCode.SUCCESS) throw new Error(responseCodeName(response.code));
    return decodeBrokerMemberGroup(response.bodyBuffer).brokerAddrs;
  });
  const members = await Promise.any(answers).catch(() => undefined);
  const slaves = [...(members ?? [])].filter(([id]) => id !== MASTER_ID).sort(([a], [b]) => a - b);
  return slaves[0]?.[1];
}
