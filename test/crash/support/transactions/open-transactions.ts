import {
  decodeQueryConsumerOffsetResponse,
  encodeQueryConsumerOffsetRequest,
  RequestCode,
  TRANS_HALF_TOPIC,
} from '@rocknest/protocol';
import { BrokerClient } from '../../../support/broker-client.js';
import { RawConnection } from '../../../support/raw-remoting.js';
import { maxOffset } from '../../../support/raw-requests.js';

/** The broker's own group, whose offset says up to where half messages are done. */
const TRANSACTION_GROUP = 'CID_RMQ_SYS_TRANS';

/** Half messages that the broker has not done with, at most. */
export async function openTransactions(brokerAddr: string): Promise<number> {
  const connection = await RawConnection.open(brokerAddr);
  const client = new BrokerClient(brokerAddr);
  try {
    const end = await maxOffset(connection, TRANS_HALF_TOPIC, 0);
    const fields = encodeQueryConsumerOffsetRequest({
      consumerGroup: TRANSACTION_GROUP,
      topic: TRANS_HALF_TOPIC,
      queueId: 0,
      setZeroIfNotFound: undefined,
    });
    const response = await client.request(RequestCode.QUERY_CONSUMER_OFFSET, fields);
    return end - (decodeQueryConsumerOffsetResponse(response).offset ?? 0);
  } finally {
    connection.close();
    await client.close();
  }
}
