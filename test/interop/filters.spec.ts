import { MessageSelector, MQAdmin, type MQClientError, Producer, PushConsumer } from '@rocknest/client-core';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RemotingClient } from '@rocknest/remoting';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { JavaClient } from './support/java-client.js';
import { type OfficialCluster, startOfficialCluster } from './support/official-cluster.js';
import { startTarget, type Target } from './support/target.js';
import { requireToolchain } from './support/toolchain.js';

const MESSAGES = 200;
const QUEUES = 4;
/** The filters that are tried by push and lite pull too. */
const CONSUMED = 3;
const REGIONS = ['eu', 'us', 'asia'];
const TAGS = ['Aa', 'BB', 'C', undefined];

interface Filter {
  type: 'sql' | 'tag';
  expression: string;
  /** What passes, computed without any filter. */
  wanted: (n: number) => boolean;
}

const isMultiple = (n: number, of: number): boolean => n % of === 0;

/** `n` counts the messages, `region` is missing at each fourth one; tags `Aa` and `BB` have the same hash. */
const FILTERS: Filter[] = [
  { type: 'tag', expression: 'Aa', wanted: (n) => n % 4 === 0 },
  {
    type: 'sql',
    expression: "n > 150 OR (region = 'us' AND n < 20)",
    wanted: (n) => n > 150 || (n % 4 === 1 && n < 20),
  },
  {
    type: 'sql',
    expression: 'region IS NULL and n not between 10 and 190',
    wanted: (n) => n % 4 === 3 && (n < 10 || n > 190),
  },
  {
    type: 'sql',
    expression: "region IN ('eu', 'asia') AND n NOT BETWEEN 50 AND 198",
    wanted: (n) => isMultiple(n, 2) && (n < 50 || n > 198),
  },
  {
    type: 'sql',
    expression: "NOT (region CONTAINS 's') AND n >= 100",
    wanted: (n) => (n % 4 === 0 || n % 4 === 3) && n >= 100,
  },
  {
    type: 'sql',
    expression: "TAGS = 'BB' AND region STARTSWITH 'u' AND n ENDSWITH '7'",
    wanted: (n) => n % 4 === 1 && n % 10 === 7,
  },
  { type: 'tag', expression: ' C||BB ', wanted: (n) => n % 4 === 1 || n % 4 === 2 },
];

function expected({ wanted }: Filter): number[] {
  return Array.from({ length: MESSAGES }, (_, n) => n).filter(wanted);
}

describe('filters (item 7): the official Java client on our broker', () => {
  let target: Target;

  beforeAll(async () => {
    requireToolchain();
    target = await startTarget({ enablePropertyFilter: true });
  });

  afterAll(async () => {
    await target?.stop();
  });

  it.each(['4.9.8', '5.4.0'])(
    '%s gets by push, lite pull and pull what passes, and learns what is wrong',
    async (version) => {
      const topic = `filtered-${version.replaceAll('.', '_')}`;
      const client = new JavaClient(version, target.namesrvAddr);
      try {
        await client.run('create-topic', { topic, queues: QUEUES });
        const lines = FILTERS.map((filter) => {
          const wanted = expected(filter);
          return [filter.type, filter.expression, wanted.length, wanted.at(-1)].join('\t');
        });
        const wrong = "n > 5 AND region == 'eu'";
        const result = await client.run('filters', {
          ...{ topic, count: MESSAGES, filters: lines.join('\n'), consumed: CONSUMED, wrong },
        });
        for (const by of ['push', 'litePull', 'pull']) {
          for (const [index, filter] of (by === 'pull' ? FILTERS : FILTERS.slice(0, CONSUMED)).entries())
            expect((result[by] as number[][])[index], `${by} ${filter.expression}`).toEqual(expected(filter));
        }
        expect(result.refusedCode).toBe(23);
        if (target.name === 'Rocknest') expect(result.reason).toContain('line 1, column 19');
      } finally {
        await client.stop();
      }
    },
  );
});

describe('filters (item 7): our client on the official broker', () => {
  const topic = 'filtered';
  let cluster: OfficialCluster;
  let admin: MQAdmin;
  let producer: Producer;

  beforeAll(async () => {
    cluster = await startOfficialCluster({ brokerConfig: { enablePropertyFilter: true } });
    admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr });
    await admin.start();
    await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
    producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: 'PID_filters', sendMsgTimeoutMs: 30_000 });
    await producer.start();
  });

  afterAll(async () => {
    await producer?.shutdown();
    await admin?.shutdown();
    await cluster?.stop();
  });

  async function send(n: number): Promise<void> {
    const region: Record<string, string> = n % 4 < 3 ? { region: REGIONS[n % 4] } : {};
    await producer.send({
      topic,
      body: Buffer.from(String(n)),
      tags: TAGS[n % 4],
      properties: { n: String(n), ...region },
    });
  }

  it('gets what passes, and nothing else, sent before and after it started', async () => {
    const half = MESSAGES / 2;
    for (let n = 0; n < half; n++) await send(n);
    const consumers = FILTERS.map(({ type, expression }, index) => {
      const bodies: number[] = [];
      const consumer = new PushConsumer({
        namesrvAddr: cluster.namesrvAddr,
        group: `GID_filter_${index}`,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      });
      consumer.subscribe(topic, type === 'sql' ? MessageSelector.bySql(expression) : MessageSelector.byTag(expression));
      consumer.registerMessageListener((messages) => {
        bodies.push(...messages.map(({ body }) => Number(body.toString())));
        return 'CONSUME_SUCCESS';
      });
      return { consumer, bodies };
    });
    try {
      for (const { consumer } of consumers) await consumer.start();
      for (let n = half; n < MESSAGES; n++) await send(n);
      for (const [index, { bodies }] of consumers.entries()) {
        const wanted = expected(FILTERS[index]);
        await waitFor(() => bodies.length >= wanted.length, FILTERS[index].expression, 60_000);
        expect(
          bodies.sort((a, b) => a - b),
          FILTERS[index].expression,
        ).toEqual(wanted);
      }
    } finally {
      await Promise.all(consumers.map(({ consumer }) => consumer.shutdown()));
    }
  });

  it('is told by the broker that it does not filter by properties', async () => {
    const remoting = new RemotingClient();
    const change = RemotingCommand.request(
      RequestCode.UPDATE_BROKER_CONFIG,
      {},
      Buffer.from('enablePropertyFilter=false'),
    );
    const consumer = new PushConsumer({ namesrvAddr: cluster.namesrvAddr, group: 'GID_refused' });
    try {
      expect((await remoting.invoke(cluster.brokerAddr, change, 30_000)).code).toBe(ResponseCode.SUCCESS);
      consumer.subscribe(topic, MessageSelector.bySql('n > 5'));
      consumer.registerMessageListener(() => 'CONSUME_SUCCESS');
      const error = await consumer.start().then(
        () => undefined,
        (thrown: MQClientError) => thrown,
      );
      expect(error?.code).toBe('SUBSCRIPTION_REFUSED');
      expect(error?.message).toContain('set enablePropertyFilter=true');
    } finally {
      await consumer.shutdown();
      await remoting.close();
    }
  });
});
