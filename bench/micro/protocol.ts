/**
 * CPU cost of the protocol room's hot functions:
 * `npx tsc -p bench/micro/tsconfig.json && node dist/bench-micro/bench/micro/protocol.js`
 */
import {
  decodeFrame,
  decodeSendMessageRequest,
  encodeFrame,
  encodeSendMessageRequestV2,
  RemotingCommand,
  SerializeType,
} from '../../libs/protocol/src/index.js';
import { measure } from './measure.js';

const send = {
  producerGroup: 'order-service-producer',
  topic: 'OrderCreatedTopic',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  queueId: 3,
  sysFlag: 0,
  bornTimestamp: 1_790_000_000_000,
  flag: 0,
  properties:
    'KEYS\u0001order-123456\u0002UNIQ_KEY\u0001AC1100010B2C18B4AAC20000000000001\u0002TAGS\u0001created\u0002WAIT\u0001true\u0002',
  reconsumeTimes: 0,
  unitMode: false,
  maxReconsumeTimes: undefined,
  batch: false,
  brokerName: 'broker-a',
};
const body = Buffer.alloc(1024, 'x');

function frame(serializeType: SerializeType): Buffer {
  const command = RemotingCommand.request(310, encodeSendMessageRequestV2(send), body);
  command.opaque = 123_456;
  command.serializeType = serializeType;
  return Buffer.concat(encodeFrame(command)).subarray(4);
}

const json = frame(SerializeType.JSON);
const compact = frame(SerializeType.ROCKETMQ);

console.log(`send header: JSON ${json.readInt32BE(0)} bytes, compact ${compact.readInt32BE(0) & 0xffffff} bytes`);
measure('decode a JSON send frame, header scanned', () => decodeFrame(json));
measure('decode a JSON send frame + decodeSendMessageRequest', () => decodeSendMessageRequest(decodeFrame(json)));
measure('decode a compact send frame, header scanned', () => decodeFrame(compact));
measure('decode a compact send frame + decodeSendMessageRequest', () => decodeSendMessageRequest(decodeFrame(compact)));
measure('JSON.parse of the same header, for comparison', () =>
  JSON.parse(json.toString('utf8', 4, 4 + json.readInt32BE(0))),
);
measure('subarray of the body, for comparison', () => json.subarray(400));
measure('encodeFrame of a send, JSON header', () => {
  const command = RemotingCommand.request(310, encodeSendMessageRequestV2(send), body);
  return encodeFrame(command);
});
