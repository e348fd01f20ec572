import {
  decodeProperties,
  decodeReplyMessageRequest,
  inflateBody,
  isCompressed,
  MessageConst,
  MessageSysFlag,
  type MessageExt,
  type RemotingCommand,
} from '@rocknest/protocol';

const COMPRESSION_BITS = MessageSysFlag.COMPRESSED_FLAG | MessageSysFlag.COMPRESSION_TYPE_MASK;

/**
 * The message of a PUSH_REPLY_MESSAGE_TO_CLIENT (RocketMQ: `ClientRemotingProcessor.receiveReplyMessage`). It was not read from a log: offsets are -1.
 *
 * @throws ProtocolError when header or body cannot be read.
 */
export function arrivedReply(request: RemotingCommand): MessageExt {
  const header = decodeReplyMessageRequest(request);
  const properties = decodeProperties(header.properties ?? '');
  properties[MessageConst.REPLY_MESSAGE_ARRIVE_TIME] = String(Date.now());
  const received = request.bodyBuffer;
  return {
    topic: header.topic,
    // Received bytes are used again.
    body: isCompressed(header.sysFlag) ? inflateBody(received, header.sysFlag) : Buffer.from(received),
    flag: header.flag,
    properties,
    queueId: header.queueId,
    queueOffset: -1,
    physicalOffset: -1,
    storeSize: received.length,
    sysFlag: header.sysFlag & ~COMPRESSION_BITS,
    bornTimestamp: header.bornTimestamp,
    bornHost: header.bornHost,
    storeTimestamp: header.storeTimestamp,
    storeHost: header.storeHost,
    bodyCrc: 0,
    reconsumeTimes: header.reconsumeTimes,
    preparedTransactionOffset: 0,
    msgId: properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX] ?? '',
    offsetMsgId: '',
  };
}
