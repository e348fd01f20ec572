/**
 * A namesrv and broker in one that stores nothing: what a client costs must not depend on what a broker costs. Every send
 * is answered at once, pulls get the same records again and again.
 */
import {
  decodePullMessageRequest,
  encodeMessage,
  encodePullMessageResponse,
  encodeTopicRouteData,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type MessageExt,
} from '@rocknest/protocol';
import { RemotingServer } from '@rocknest/remoting';
import { serveCalls } from '../support/bench-process.js';

const QUEUES = 8;
const PULL_BATCH = 32;

/** One record of the log, to be sent with another queue offset each time. */
function record(topic: string, queueId: number, queueOffset: number, bodyBytes: number): Buffer {
  const message: MessageExt = {
    topic,
    body: Buffer.alloc(bodyBytes, 'x'),
    flag: 0,
    properties: { UNIQ_KEY: 'C00002027D20C0CAA5A86FC111420001', TAGS: 'created', CLUSTER: 'DefaultCluster' },
    queueId,
    queueOffset,
    physicalOffset: queueOffset * 1_200,
    storeSize: 0,
    sysFlag: 0,
    bornTimestamp: 1_790_000_000_000,
    bornHost: '127.0.0.1:50000',
    storeTimestamp: 1_790_000_000_001,
    storeHost: '127.0.0.1:10911',
    bodyCrc: 0,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    msgId: '',
    offsetMsgId: '',
  };
  return encodeMessage(message);
}

interface StandInOptions {
  bodyBytes: number;
  /** Where pulls find the end. */
  messagesPerQueue: number;
}

/** Starts it on a free port. @returns its address */
async function start({ bodyBytes, messagesPerQueue }: StandInOptions): Promise<string> {
  let address = '';
  let sent = 0;
  const server = new RemotingServer({ host: '127.0.0.1', port: 0 });
  const ok = (): RemotingCommand => RemotingCommand.response(ResponseCode.SUCCESS);
  const clientIds = new Set<string>();

  server.register(RequestCode.GET_ROUTEINFO_BY_TOPIC, () => {
    const body = encodeTopicRouteData(
      {
        queueDatas: [
          { brokerName: 'stand-in', readQueueNums: QUEUES, writeQueueNums: QUEUES, perm: 6, topicSysFlag: 0 },
        ],
        brokerDatas: [
          { cluster: 'c', brokerName: 'stand-in', brokerAddrs: new Map([[0, address]]), enableActingMaster: false },
        ],
        filterServerTable: {},
      },
      { standardJson: true },
    );
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  });
  server.register(RequestCode.HEART_BEAT, (request) => {
    const { clientID } = JSON.parse(request.bodyBuffer.toString()) as { clientID: string };
    clientIds.add(clientID);
    return ok();
  });
  for (const code of [RequestCode.UNREGISTER_CLIENT, RequestCode.UPDATE_CONSUMER_OFFSET]) server.register(code, ok);
  server.register(RequestCode.GET_CONSUMER_LIST_BY_GROUP, () =>
    RemotingCommand.response(ResponseCode.SUCCESS, {
      body: Buffer.from(JSON.stringify({ consumerIdList: [...clientIds] })),
    }),
  );
  server.register(RequestCode.QUERY_CONSUMER_OFFSET, () => RemotingCommand.response(ResponseCode.QUERY_NOT_FOUND));

  // The answer as RocketMQ's broker writes it, by a template.
  const before =
    '{"code":0,"extFields":{"MSG_REGION":"DefaultRegion","TRACE_ON":"true","msgId":"7F00000100002A9F0000000000000000",' +
    '"queueId":"1","queueOffset":"';
  const middle = '","transactionId":"C00002027D20C0CAA5A86FC111420001"},"flag":1,"language":"JAVA","opaque":';
  const after = ',"serializeTypeCurrentRPC":"JSON","version":479}';
  server.register(RequestCode.SEND_MESSAGE_V2, (request, connection) => {
    const json = before + String(sent++) + middle + String(request.opaque) + after;
    const frame = Buffer.allocUnsafe(8 + json.length);
    frame.writeInt32BE(4 + json.length, 0);
    frame.writeInt32BE(json.length, 4);
    frame.write(json, 8, 'latin1');
    connection.respondEncoded(request, frame);
  });

  const records = new Map<string, Buffer>();
  server.register(RequestCode.PULL_MESSAGE, (request) => {
    const { topic, queueId, queueOffset } = decodePullMessageRequest(request);
    const empty = topic.startsWith('%RETRY%') || queueOffset >= messagesPerQueue;
    const nextBeginOffset = empty ? queueOffset : Math.min(queueOffset + PULL_BATCH, messagesPerQueue);
    const fields = encodePullMessageResponse({
      suggestWhichBrokerId: 0,
      nextBeginOffset,
      minOffset: 0,
      maxOffset: messagesPerQueue,
    });
    if (empty) {
      return new Promise((resolve) => {
        setTimeout(() => resolve(RemotingCommand.response(ResponseCode.PULL_NOT_FOUND, { fields })), 500);
      });
    }
    const key = `${topic} ${queueId}`;
    let one = records.get(key);
    if (!one) records.set(key, (one = record(topic, queueId, 0, bodyBytes)));
    const count = nextBeginOffset - queueOffset;
    const body = Buffer.allocUnsafe(one.length * count);
    for (let i = 0; i < count; i++) {
      one.copy(body, i * one.length);
      body.writeBigInt64BE(BigInt(queueOffset + i), i * one.length + 20);
    }
    return RemotingCommand.response(ResponseCode.SUCCESS, { fields, body });
  });

  const { port } = await server.listen();
  address = `127.0.0.1:${port}`;
  return address;
}

serveCalls({ start });
