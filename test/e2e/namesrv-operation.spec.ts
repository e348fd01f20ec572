import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeKVTable, decodeTopicRouteData, RequestCode, ResponseCode } from '@rocknest/protocol';
import { useNamesrvs } from './support/namesrvs.js';

const namesrvs = useNamesrvs();
const { start, connect } = namesrvs;

describe('KV configuration', () => {
  const entry = { namespace: 'ORDER_TOPIC_CONFIG', key: 't1' };

  it('is put, read, listed and deleted', async () => {
    const peer = connect(await start());
    const missing = await peer.send(RequestCode.GET_KV_CONFIG, entry);
    expect([missing.code, missing.remark]).toEqual([22, 'No config item, Namespace: ORDER_TOPIC_CONFIG Key: t1']);
    expect((await peer.send(RequestCode.PUT_KV_CONFIG, { ...entry, value: 'broker-a:4;größe' })).code).toBe(0);
    expect((await peer.send(RequestCode.GET_KV_CONFIG, entry)).field('value')).toBe('broker-a:4;größe');
    const list = await peer.send(RequestCode.GET_KVLIST_BY_NAMESPACE, { namespace: entry.namespace });
    expect(decodeKVTable(list.bodyBuffer).table).toEqual({ t1: 'broker-a:4;größe' });
    expect((await peer.send(RequestCode.DELETE_KV_CONFIG, entry)).code).toBe(0);
    expect((await peer.send(RequestCode.GET_KVLIST_BY_NAMESPACE, { namespace: entry.namespace })).code).toBe(22);
    const nameless = await peer.send(RequestCode.PUT_KV_CONFIG, { key: 'k', value: 'v' });
    expect([nameless.code, nameless.remark]).toEqual([1, 'namespace or key is null']);
  });

  it('survives a restart', async () => {
    const storePath = join(namesrvs.folder, 'kept');
    const first = await start({ storePath });
    await connect(first).send(RequestCode.PUT_KV_CONFIG, { ...entry, value: 'broker-a:4' });
    await first.close();
    const again = connect(await start({ storePath }));
    expect((await again.send(RequestCode.GET_KV_CONFIG, entry)).field('value')).toBe('broker-a:4');
  });

  it('reaches brokers with their registration, and clients with the route', async () => {
    const peer = connect(await start({ orderMessageEnable: true }));
    expect((await peer.register()).bodyBuffer).toHaveLength(0);
    await peer.send(RequestCode.PUT_KV_CONFIG, { ...entry, value: 'broker-a:4' });
    expect(decodeKVTable((await peer.register()).bodyBuffer).table).toEqual({ t1: 'broker-a:4' });
    expect(decodeTopicRouteData((await peer.route('t1')).bodyBuffer).orderTopicConf).toBe('broker-a:4');
    expect(decodeTopicRouteData((await peer.route('t2')).bodyBuffer).orderTopicConf).toBeUndefined();
    await peer.send(
      RequestCode.UPDATE_NAMESRV_CONFIG,
      {},
      Buffer.from('orderMessageEnable=false\nreturnOrderTopicConfigToBroker=false\n'),
    );
    expect(decodeTopicRouteData((await peer.route('t1')).bodyBuffer).orderTopicConf).toBeUndefined();
    expect((await peer.register()).bodyBuffer).toHaveLength(0);
  });

  it('has a limit', async () => {
    const peer = connect(await start({ maxKvEntries: 1 }));
    await peer.send(RequestCode.PUT_KV_CONFIG, { ...entry, value: '1' });
    const answer = await peer.send(RequestCode.PUT_KV_CONFIG, { ...entry, key: 't2', value: '1' });
    expect([answer.code, answer.remark]).toEqual([1, expect.stringContaining('maxKvEntries')]);
    expect((await peer.send(RequestCode.PUT_KV_CONFIG, { ...entry, value: '2' })).code).toBe(0);
  });
});

describe('settings', () => {
  it('are read and changed while the namesrv runs, and kept', async () => {
    const storePath = join(namesrvs.folder, 'kept');
    const first = await start({ storePath });
    const peer = connect(first);
    const text = (await peer.send(RequestCode.GET_NAMESRV_CONFIG)).bodyBuffer.toString();
    expect(text).toMatch(/^enableTopicList=true$/m);
    const update = (body: string) => peer.send(RequestCode.UPDATE_NAMESRV_CONFIG, {}, Buffer.from(body));
    expect((await update('enableTopicList=false')).code).toBe(0);
    const forbidden = await update('kvConfigPath=/elsewhere');
    expect([forbidden.code, forbidden.remark]).toEqual([16, 'Can not update config in black list.']);
    const unknown = await update('enableTopicLists=true');
    expect([unknown.code, unknown.remark]).toEqual([1, expect.stringContaining('did you mean "enableTopicList"')]);
    await first.close();
    const again = connect(await start({ storePath }));
    expect((await again.send(RequestCode.GET_UNIT_TOPIC_LIST)).remark).toBe('disable');
  });
});

describe('several namesrvs', () => {
  it('know nothing of each other', async () => {
    const [a, b] = await Promise.all([
      start({ storePath: join(namesrvs.folder, 'a') }),
      start({ storePath: join(namesrvs.folder, 'b') }),
    ]);
    const [brokerAtA, clientAtB] = [connect(a), connect(b)];
    await brokerAtA.register();
    expect((await clientAtB.route('t1')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    await clientAtB.register();
    await a.close();
    expect((await clientAtB.route('t1')).code).toBe(0);
  });
});

describe('start and stop', () => {
  it('says what is wrong when the port is taken, and leaves nothing open', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const storePath = join(namesrvs.folder, 'x');
    await expect(start({ listenPort: port, storePath })).rejects.toMatchObject({
      code: 'REMOTING_LISTEN',
      message: expect.stringContaining('EADDRINUSE'),
    });
    await new Promise((resolve) => taken.close(resolve));
    const namesrv = await start({ listenPort: port, storePath });
    expect(namesrv).toMatchObject({ port, address: `127.0.0.1:${port}`, storePath });
  });

  it('says what is wrong with settings and with the store folder', async () => {
    await expect(start({ listenPort: 70_000 })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(start({ storePath: '/dev/null/x' })).rejects.toMatchObject({ code: 'DATABASE_FILE' });
  });

  it('is reached by loopback when it listens everywhere', async () => {
    const namesrv = await start({ bindAddress: '0.0.0.0' });
    expect(namesrv.address).toBe(`127.0.0.1:${namesrv.port}`);
    expect(namesrv.listenAddress).toBe(`0.0.0.0:${namesrv.port}`);
    expect((await connect(namesrv).route('t1')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  it('may be closed twice', async () => {
    const namesrv = await start();
    await Promise.all([namesrv.close(), namesrv.close()]);
    await namesrv.close();
  });
});
