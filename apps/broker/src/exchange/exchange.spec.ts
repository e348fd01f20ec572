import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSubscriptionGroupConfig, parseFastjson } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CollectingIo } from '../cli/testing/collecting-io.js';
import { commands } from '../cli/commands.js';
import { runCli } from '../cli/run-cli.js';
import { openMetadata, type Metadata } from '../metadata/index.js';
import { ConfigImport } from './config-import.js';
import { readConfig } from './config-reader.js';
import { indentJson } from './indent-json.js';

const BROKER_KEY = 'DefaultCluster/broker-a/0';

/** As the broker 5.4.0 writes them, shortened. */
const TOPICS = `{
	"dataVersion":{ "counter":2, "stateVersion":0, "timestamp":1795374643616 },
	"topicConfigTable":{
		"%RETRY%GID_a":{ "attributes":{}, "order":false, "perm":6, "readQueueNums":1,
			"topicFilterType":"SINGLE_TAG", "topicName":"%RETRY%GID_a", "topicSysFlag":0, "writeQueueNums":1 },
		"Orders":{ "attributes":{ "message.type":"FIFO" }, "order":true, "perm":6, "readQueueNums":4,
			"topicFilterType":"SINGLE_TAG", "topicName":"Orders", "topicSysFlag":0, "writeQueueNums":8 }
	}
}`;
const GROUPS = `{
	"dataVersion":{ "counter":1, "stateVersion":0, "timestamp":1795374643587 },
	"forbiddenTable":{},
	"subscriptionGroupTable":{
		"GID_a":{ "attributes":{}, "brokerId":0, "consumeBroadcastEnable":true, "consumeEnable":true, "consumeFromMinEnable":true,
			"consumeMessageOrderly":true, "consumeTimeoutMinute":5, "groupName":"GID_a", "groupRetryPolicy":{ "type":"CUSTOMIZED" },
			"groupSysFlag":0, "notifyConsumerIdsChangedEnable":true, "retryMaxTimes":7, "retryQueueNums":1, "whichBrokerWhenConsumeSlowly":1 }
	}
}`;
const OFFSETS = `{
	"dataVersion":{ "counter":3, "stateVersion":0, "timestamp":1795374598160 },
	"groupTopicMap":{ "GID_a":[ "Orders" ] },
	"offsetTable":{ "Orders@GID_a":{ 0:750, 1:736, 3:4294967296 } }
}`;
const DELAYS = `{ "dataVersion":{ "counter":0, "stateVersion":0, "timestamp":1795374598403 }, "offsetTable":{ 3:17, 5:2 } }`;

const MODES = `{
	"messageRequestModeMap":{
		"Orders":{ "GID_a":{ "consumerGroup":"GID_a", "mode":"POP", "popShareQueueNum":2, "topic":"Orders" } }
	}
}`;
const ORDERS = `{
	"table":{
		"Orders@GID_a":{
			1:{ "a":"attempt", "cm":1, "i":60000, "l":1795374643700, "o":[ 736, 1 ], "oc":{ 736:2 }, "ot":{ 737:1795374700000 }, "popTime":1795374643600 }
		}
	}
}`;

let folder: string;
let lines: string[];
const logger = {
  log: (line: string) => lines.push(`log ${line}`),
  warn: (line: string) => lines.push(`warn ${line}`),
  error: (line: string) => lines.push(`error ${line}`),
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rocknest-exchange-'));
  lines = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function config(name: string, text: string): void {
  mkdirSync(join(folder, 'config'), { recursive: true });
  writeFileSync(join(folder, 'config', name), text);
}

function configOf(name: string): string {
  return readFileSync(join(folder, 'config', name), 'utf8');
}

function writeAll(): void {
  config('topics.json', TOPICS);
  config('subscriptionGroup.json', GROUPS);
  config('consumerOffset.json', OFFSETS);
  config('delayOffset.json', DELAYS);
  config('messageRequestMode.json', MODES);
  config('consumerOrderInfo.json', ORDERS);
}

/** A broker's start, as far as metadata is concerned. */
async function start(brokerKey = BROKER_KEY): Promise<Metadata> {
  const configImport = new ConfigImport(folder, brokerKey, logger);
  const metadata = await openMetadata({ storePath: folder, brokerKey, logger, seed: configImport.seed });
  configImport.finish();
  return metadata;
}

async function runBroker(work: (metadata: Metadata) => Promise<void> | void = () => undefined): Promise<void> {
  const metadata = await start();
  await work(metadata);
  await metadata.close();
}

async function cli(...args: string[]): Promise<{ code: number; io: CollectingIo }> {
  const io = new CollectingIo();
  return { code: await runCli(commands, ['store', ...args], io), io };
}

describe('the first start on a folder of RocketMQ', () => {
  it('takes topics, groups and offsets over, and says so in one line', async () => {
    writeAll();
    const metadata = await start();
    expect(metadata.topics.get('Orders')).toEqual({
      topicName: 'Orders',
      readQueueNums: 4,
      writeQueueNums: 8,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: true,
      attributes: { 'message.type': 'FIFO' },
    });
    expect(metadata.groups.get('GID_a')).toEqual({
      ...defaultSubscriptionGroupConfig('GID_a'),
      consumeMessageOrderly: true,
      consumeTimeoutMinute: 5,
      retryMaxTimes: 7,
    });
    expect([0, 1, 2, 3].map((queueId) => metadata.offsets.query('GID_a', 'Orders', queueId))).toEqual([
      750, 736, -1, 4294967296,
    ]);
    expect(metadata.delayOffsets.all()).toEqual(
      new Map([
        [3, 17],
        [5, 2],
      ]),
    );
    expect(metadata.topics.dataVersion).toEqual({ counter: 2, stateVersion: 0, timestamp: 1795374643616 });
    expect(metadata.requestModes.all()).toEqual([
      { topic: 'Orders', consumerGroup: 'GID_a', mode: 'POP', popShareQueueNum: 2 },
    ]);
    expect(metadata.orderInfos.get('Orders', 'GID_a', 1)?.state).toEqual({
      popTime: 1795374643600,
      i: 60_000,
      o: [736, 1],
      oc: { 736: 2 },
      ot: { 737: 1795374700000 },
      l: 1795374643700,
      cm: 1,
      a: 'attempt',
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^log imported 2 topics, 1 subscription groups, 3 consumer offsets, 2 delay level offsets, 1 request modes and 1 states of orderly pops/,
    );
    await metadata.close();
  });

  it('happens once: a second start keeps what the database has by then', async () => {
    writeAll();
    await runBroker(({ offsets }) => offsets.commit('GID_a', 'Orders', 0, 999));
    lines = [];
    const metadata = await start();
    expect(metadata.offsets.query('GID_a', 'Orders', 0)).toBe(999);
    expect(lines).toEqual([]);
    await metadata.close();
  });

  it('takes a backup where a file is torn, and refuses to go on where both are', async () => {
    writeAll();
    config('consumerOffset.json', OFFSETS.slice(0, 40));
    config('consumerOffset.json.bak', OFFSETS);
    expect(readConfig(folder).snapshot.offsets).toHaveLength(3);
    expect(readConfig(folder).notes[0]).toContain('its backup consumerOffset.json.bak was taken');
    config('consumerOffset.json.bak', '{');
    await expect(start()).rejects.toMatchObject({ code: 'EXCHANGE_CONFIG_UNREADABLE' });
    await expect(start()).rejects.toThrow('consumerOffset.json cannot be read');
  });

  it('names what it leaves out', async () => {
    writeAll();
    config(
      'topics.json',
      TOPICS.replace('"message.type":"FIFO"', '"queue.type":"BatchCQ"').replace(
        '%RETRY%GID_a":{ "attributes":{}',
        '%RETRY%GID_a":{ "attributes":{"cleanup.policy":"COMPACTION"}',
      ),
    );
    config('subscriptionGroup.json', GROUPS.replace('"forbiddenTable":{}', '"forbiddenTable":{"GID_x":{"Orders":2}}'));
    config(
      'consumerOffset.json',
      OFFSETS.replace('"Orders@GID_a"', '"no-group":{0:1},"%LMQ%x@GID_a":{0:1},"Orders@GID_a"').replace(
        '0:750',
        '0:-5',
      ),
    );
    config(
      'consumerOrderInfo.json',
      ORDERS.replace('"Orders@GID_a"', '"nobody":{0:{}},"Other@GID_a":{0:{"popTime":1},1:null},"Orders@GID_a"'),
    );
    config(
      'timermetrics',
      '{"timingCount":{"Later":{"count":{"value":3}},"rmq_sys_REVIVE_LOG_DefaultCluster":{"count":{"value":2}}}}',
    );
    mkdirSync(join(folder, 'kvStore'));
    writeFileSync(join(folder, 'kvStore/CURRENT'), 'MANIFEST-000005\n');
    config('transactionMetrics', '{"transactionCount":{}}');
    config('consumerFilter.json', '{"filterDataByTopic":{}}');
    config('acl.json', '{}');
    mkdirSync(join(folder, 'consumequeue/%LMQ%x/0'), { recursive: true });
    const metadata = await start();
    const warnings = lines.filter((line) => line.startsWith('warn')).join('\n');
    for (const part of [
      'topic Orders has queues of batches',
      'GID_x may read all topics now',
      'all messages of %RETRY%GID_a are kept',
      '"no-group" were left out',
      'light queue %LMQ%x',
      'offset -5 on queue 0',
      'orderly pops of "nobody" was left out',
      'orderly pops of "Other@GID_a", queue 0, was left out',
      'orderly pops of "Other@GID_a", queue 1, was left out',
      'POP check points are in RocksDB',
      'acl.json',
      'light queues are left as they are, and not served: %LMQ%x',
    ]) {
      expect(warnings).toContain(part);
    }
    expect(warnings).not.toMatch(/transactionMetrics|consumerFilter|timermetrics|timer wheel/);
    expect(metadata.offsets.query('GID_a', 'Orders', 1)).toBe(736);
    expect([...metadata.orderInfos.all()]).toHaveLength(1);
    await metadata.close();
  });

  it('refuses topics and offsets that are in RocksDB', async () => {
    writeAll();
    mkdirSync(join(folder, 'config/rdb'));
    writeFileSync(join(folder, 'config/rdb/CURRENT'), 'MANIFEST-000005\n');
    await expect(start()).rejects.toThrow('mqadmin rocksDBConfigToJson');
  });

  it('does not take files that the database knows under another broker name', async () => {
    writeAll();
    await runBroker();
    const metadata = await start('DefaultCluster/renamed/0');
    expect(metadata.topics.get('Orders')).toBeUndefined();
    expect(lines.at(-1)).toContain('belongs to DefaultCluster/broker-a/0');
    await metadata.close();
  });

  it('reads nothing where the database has metadata, and says so once', async () => {
    await runBroker(async ({ groups }) => {
      await groups.autoCreate('GID_b');
    });
    writeAll();
    await runBroker();
    expect(lines.join()).toContain('the database counts');
    lines = [];
    await runBroker();
    expect(lines).toEqual([]);
    config('topics.json', TOPICS.replace('Orders', 'Order2'));
    await runBroker();
    expect(lines.join()).toContain('topics.json in');
    expect(lines.join()).toContain('were changed since');
  });
});

describe('rocknest store export-config', () => {
  it('writes what RocketMQ reads, and what is read back is the same', async () => {
    writeAll();
    await runBroker();
    const before = readConfig(folder).snapshot;
    const { code, io } = await cli('export-config', folder, '--force');
    expect(io.stderr).toBe('');
    expect(code).toBe(0);
    expect(io.stdout).toContain('topics.json: 2 topics');
    expect(io.stdout).toContain('consumerOffset.json: 3 consumer offsets');
    expect(io.stdout).toContain('messageRequestMode.json: 1 request modes');
    expect(io.stdout).toContain('consumerOrderInfo.json: 1 states of orderly pops');
    expect(readConfig(folder).snapshot).toEqual(before);
    expect(configOf('consumerOffset.json')).toContain(
      '\t\t"Orders@GID_a":{\n\t\t\t0:750,\n\t\t\t1:736,\n\t\t\t3:4294967296\n',
    );
    expect(configOf('consumerOrderInfo.json')).toContain('"oc":{\n\t\t\t\t\t736:2\n');
    expect(configOf('topics.json.bak')).toBe(TOPICS);
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });

  it('does not overwrite files unless told to', async () => {
    writeAll();
    await runBroker();
    const { code, io } = await cli('export-config', folder);
    expect(code).toBe(3);
    expect(io.stderr).toContain('With --force');
    expect(configOf('topics.json')).toBe(TOPICS);
  });

  it('says what is wrong with a folder that has nothing to export, and makes no database in it', async () => {
    const { code, io } = await cli('export-config', folder);
    expect(code).toBe(3);
    expect(io.stderr).toContain('has no metadata of a Rocknest broker');
    expect(existsSync(join(folder, 'metadata.db'))).toBe(false);
    expect((await cli('export-config', join(folder, 'nowhere'))).io.stderr).toContain('there is no folder');
  });

  it('asks which broker is meant when the database has several', async () => {
    for (const key of [BROKER_KEY, 'DefaultCluster/broker-b/0']) {
      const metadata = await start(key);
      await metadata.topics.put({ ...readTopic(), topicName: `of-${key.length}-${key.slice(15, 23)}` });
      await metadata.close();
    }
    expect((await cli('export-config', folder)).io.stderr).toContain('--broker');
    const { code } = await cli('export-config', folder, '--broker', 'DefaultCluster/broker-b/0');
    expect(code).toBe(0);
    expect(configOf('topics.json')).toContain('of-25-broker-b');
    expect((await cli('export-config', folder, '--force', '--broker', 'x/y/0')).io.stderr).toContain(
      'It has DefaultCluster/broker-a/0',
    );
  });

  it('hands the store over: what RocketMQ changes in the files counts at the next start', async () => {
    writeAll();
    await runBroker();
    await cli('export-config', folder, '--force');
    await runBroker();
    expect(lines).toHaveLength(1);
    await cli('export-config', folder, '--force');
    config('consumerOffset.json', OFFSETS.replace('0:750', '0:800'));
    config('topics.json', TOPICS.replaceAll('Orders', 'Order2'));
    config('messageRequestMode.json', MODES.replace('"POP"', '"PULL"'));
    config('consumerOrderInfo.json', ORDERS.replace('"cm":1', '"cm":3'));
    lines = [];
    const metadata = await start();
    expect(metadata.offsets.query('GID_a', 'Orders', 0)).toBe(800);
    expect([...metadata.topics.all().keys()].sort()).toEqual(['%RETRY%GID_a', 'Order2']);
    expect(metadata.requestModes.get('Orders', 'GID_a')?.mode).toBe('PULL');
    expect(metadata.orderInfos.get('Orders', 'GID_a', 1)?.state.cm).toBe(3);
    expect(lines.at(-1)).toContain('went on from what was exported');
    await metadata.close();
  });

  it('keeps the database when an exported file is gone', async () => {
    writeAll();
    await runBroker();
    await cli('export-config', folder, '--force');
    for (const name of ['topics.json', 'topics.json.bak']) rmSync(join(folder, 'config', name));
    const metadata = await start();
    expect(metadata.topics.get('Orders')).toBeDefined();
    expect(lines.at(-1)).toContain('topics.json of the last export are gone');
    await metadata.close();
  });
});

describe('rocknest store import-config', () => {
  it('takes the files, and replaces what is there when told to', async () => {
    writeAll();
    expect((await cli('import-config', folder, '--broker', BROKER_KEY)).io.stdout).toContain('imported 2 topics');
    await runBroker(({ offsets }) => offsets.commit('GID_a', 'Orders', 0, 999));
    const refused = await cli('import-config', folder);
    expect(refused.code).toBe(3);
    expect(refused.io.stderr).toContain('With --force');
    expect((await cli('import-config', folder, '--force')).code).toBe(0);
    const metadata = await start();
    expect(metadata.offsets.query('GID_a', 'Orders', 0)).toBe(750);
    await metadata.close();
  });

  it('says so when there is nothing to import', async () => {
    expect((await cli('import-config', folder)).io.stderr).toContain('nothing was imported');
  });
});

describe('indentJson', () => {
  it('changes nothing but the space between values', () => {
    const text = '{"a":[],"b":{0:"x,{}\\"[",1:[1,2]},"c":{}}';
    expect(indentJson(text)).toBe(
      '{\n\t"a":[],\n\t"b":{\n\t\t0:"x,{}\\"[",\n\t\t1:[\n\t\t\t1,\n\t\t\t2\n\t\t]\n\t},\n\t"c":{}\n}',
    );
    expect(parseFastjson(indentJson(text))).toEqual(parseFastjson(text));
  });
});

function readTopic(): ReturnType<typeof readConfig>['snapshot']['topics'][number] {
  const name = 'any';
  return {
    topicName: name,
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
  };
}
