import { MQAdmin, Producer, PushConsumer, silentLogger } from '@rocknest/client-core';
import { encodeTopicRouteData, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RemotingServer } from '@rocknest/remoting';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { Lab } from './support/lab.js';
import { requireToolchain } from './support/toolchain.js';

const NAMESPACE = 'shop';
const TOPIC = 'orders';
const CODES = [RequestCode.GET_ROUTEINFO_BY_TOPIC, RequestCode.HEART_BEAT, RequestCode.SEND_MESSAGE_V2];

/** A namesrv and broker in one that keeps the headers of what it is asked. */
class HeaderRecorder {
  private readonly server = new RemotingServer({ host: '127.0.0.1', port: 0 });
  private readonly seen: { code: number; ns: string | undefined; nsd: string | undefined }[] = [];
  address = '';

  constructor() {
    for (const code of Object.values(RequestCode)) {
      this.server.register(code, (request) => {
        this.seen.push({ code: request.code, ns: request.field('ns'), nsd: request.field('nsd') });
        if (request.isOneway) return undefined;
        if (request.code === RequestCode.GET_ROUTEINFO_BY_TOPIC) return this.route();
        if (request.code !== RequestCode.SEND_MESSAGE_V2) return RemotingCommand.response(ResponseCode.SUCCESS);
        const fields = { msgId: '7F00000100002A9F0000000000000000', queueId: 0, queueOffset: 0 };
        return RemotingCommand.response(ResponseCode.SUCCESS, { fields });
      });
    }
  }

  async start(): Promise<void> {
    const { port } = await this.server.listen();
    this.address = `127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    await this.server.close();
  }

  /** Each code with its fields; what is in all requests is there once. */
  take(): Map<number, unknown[]> {
    const byCode = new Map<number, unknown[]>();
    for (const { code, ...fields } of this.seen.splice(0)) {
      const known = byCode.get(code) ?? [];
      if (!known.some((one) => JSON.stringify(one) === JSON.stringify(fields))) known.push(fields);
      byCode.set(code, known);
    }
    return byCode;
  }

  has(codes: readonly number[]): boolean {
    return codes.every((code) => this.seen.some((request) => request.code === code));
  }

  private route(): RemotingCommand {
    const body = encodeTopicRouteData(
      {
        queueDatas: [{ brokerName: 'b', readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 }],
        brokerDatas: [
          { cluster: 'c', brokerName: 'b', brokerAddrs: new Map([[0, this.address]]), enableActingMaster: false },
        ],
        filterServerTable: {},
      },
      { standardJson: true },
    );
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}

const recorder = new HeaderRecorder();
let lab: Lab;

beforeAll(async () => {
  requireToolchain();
  await recorder.start();
  lab = await Lab.start('5.4.0', recorder.address);
});

afterAll(async () => {
  await lab?.stop();
  await recorder.stop();
});

it('our client puts namespaceV2 into its headers as the official client 5.4.0 does (item 1: sending)', async () => {
  const expected = [{ ns: NAMESPACE, nsd: 'true' }];
  await lab.ask('send.start', { name: 'java', group: 'PID_java', 'namespace-v2': NAMESPACE });
  await lab.ask('send.many', { name: 'java', topic: TOPIC, body: 'java', count: 2 });
  await waitFor(() => recorder.has(CODES), 'the requests of the official client', 60_000);
  await lab.stop();
  const official = recorder.take();
  for (const [code, fields] of official) expect([code, fields]).toEqual([code, expected]);

  const common = { namesrvAddr: recorder.address, namespaceV2: NAMESPACE, logger: silentLogger };
  const producer = new Producer({ ...common, group: 'PID_ours' });
  await producer.start();
  await producer.send({ topic: TOPIC, body: 'ours' });
  await producer.sendOneway({ topic: TOPIC, body: 'ours' });
  const consumer = new PushConsumer({ ...common, group: 'GID_ours' });
  consumer.subscribe(TOPIC);
  consumer.registerMessageListener(() => 'CONSUME_SUCCESS');
  await consumer.start();
  const admin = new MQAdmin(common);
  await admin.start();
  await waitFor(() => recorder.has(CODES), 'the requests of our client');
  await Promise.all([producer.shutdown(), consumer.shutdown(), admin.shutdown()]);
  const ours = recorder.take();
  expect(ours.size).toBeGreaterThan(CODES.length);
  for (const [code, fields] of ours) expect([code, fields]).toEqual([code, expected]);
});
