import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RemotingClient, RemotingServer } from '@rocknest/remoting';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { NamesrvRegistration } from './namesrv-registration.js';
import type { RegistrationMessages } from './registration-messages.js';

interface FakeNamesrv {
  readonly address: string;
  /** Codes that came, in order. */
  readonly codes: number[];
  close(): Promise<void>;
}

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function fakeNamesrv(answer: (code: number) => Promise<number> = () => Promise.resolve(0)): Promise<FakeNamesrv> {
  const server = new RemotingServer({ closeGraceMs: 0 });
  const codes: number[] = [];
  server.registerDefault(async (request) => {
    codes.push(request.code);
    return RemotingCommand.response(await answer(request.code));
  });
  const { host, port } = await server.listen();
  cleanups.push(() => server.close());
  return { address: `${host}:${port}`, codes, close: () => server.close() };
}

interface Topics {
  topicCount: number;
  periodMs: number;
  /** The namesrv knows all topics as they are. */
  isKnown: boolean;
}

function fixture(
  addresses: readonly string[],
  topics: Partial<Topics> = {},
): { registration: NamesrvRegistration; said: string[]; state: Topics } {
  const state: Topics = { topicCount: 5, periodMs: 30_000, isKnown: true, ...topics };
  const client = new RemotingClient();
  const said: string[] = [];
  const messages = {
    register: () => RemotingCommand.request(RequestCode.REGISTER_BROKER),
    unregister: () => RemotingCommand.request(RequestCode.UNREGISTER_BROKER),
    registerTopic: (topic: string) =>
      topic === 'deleted' ? undefined : RemotingCommand.request(RequestCode.REGISTER_TOPIC_IN_NAMESRV),
    queryVersion: () => RemotingCommand.request(RequestCode.QUERY_DATA_VERSION),
    isKnown: () => state.isKnown,
    get topicCount() {
      return state.topicCount;
    },
    checkRegistered: (response: RemotingCommand) => {
      if (response.code !== ResponseCode.SUCCESS) throw new Error('refused');
    },
  } as unknown as RegistrationMessages;
  const logger = {
    log: (text: string) => said.push(text),
    warn: (text: string) => said.push(text),
    error: (text: string) => said.push(text),
  };
  const registration = new NamesrvRegistration(client, messages, {
    namesrvAddresses: addresses,
    periodMs: state.periodMs,
    logger,
  });
  cleanups.push(() => client.close());
  cleanups.push(() => registration.stop());
  return { registration, said, state };
}

const REGISTER = RequestCode.REGISTER_BROKER;
const UNREGISTER = RequestCode.UNREGISTER_BROKER;
const TOPIC = RequestCode.REGISTER_TOPIC_IN_NAMESRV;
const VERSION = RequestCode.QUERY_DATA_VERSION;
const MANY = 5_000;

describe('NamesrvRegistration', () => {
  it('registers with every namesrv at start, and says goodbye at stop', async () => {
    const [a, b] = [await fakeNamesrv(), await fakeNamesrv()];
    const { registration } = fixture([a.address, b.address]);
    await registration.start();
    expect([a.codes, b.codes]).toEqual([[REGISTER], [REGISTER]]);
    await registration.stop();
    expect([a.codes, b.codes]).toEqual([
      [REGISTER, UNREGISTER],
      [REGISTER, UNREGISTER],
    ]);
  });

  it('starts although a namesrv is dead, and reports it once', async () => {
    const a = await fakeNamesrv();
    const dead = await fakeNamesrv();
    await dead.close();
    const { registration, said } = fixture([dead.address, a.address]);
    await registration.start();
    await registration.registerNow();
    expect(a.codes).toEqual([REGISTER, REGISTER]);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(dead.address);
  });

  it('does not wait at all for one that did not take the last registration, and tells it all the same', async () => {
    const [well, ill] = [await fakeNamesrv(), await fakeNamesrv((code) => illAnswers(code))];
    let answers = 0;
    const illAnswers = (code: number): Promise<number> => {
      if (code !== RequestCode.REGISTER_BROKER || answers++ === 0) return Promise.resolve(1);
      return new Promise(() => undefined);
    };
    const { registration } = fixture([well.address, ill.address]);
    await registration.start();
    const told = well.codes.length;
    await registration.topicsChanged(['t'], 600_000);
    expect(well.codes).toHaveLength(told + 1);
    await waitFor(() => ill.codes.length === 2, 'the ill one to be told');
  });

  it('does not wait for a namesrv that is slow', async () => {
    const a = await fakeNamesrv();
    const slow = await fakeNamesrv(() => new Promise(() => undefined));
    const { registration } = fixture([slow.address, a.address]);
    const started = registration.start();
    await waitFor(() => a.codes.length === 1, 'the registration with the quick one');
    await registration.registerNow(0);
    await waitFor(() => a.codes.length === 2, 'the second one');
    expect(slow.codes).toEqual([REGISTER]);
    await started;
  });

  it('sends changes that come during a registration together, after it', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const a = await fakeNamesrv(async () => {
      await gate;
      return 0;
    });
    const { registration } = fixture([a.address]);
    const all = [registration.start(), registration.registerNow(), registration.registerNow()];
    await waitFor(() => a.codes.length === 1, 'the first registration');
    release();
    await Promise.all(all);
    expect(a.codes).toEqual([REGISTER, REGISTER]);
  });

  it('tries again soon after a refusal', async () => {
    let refuse = true;
    const a = await fakeNamesrv(() => Promise.resolve(refuse ? 1 : 0));
    const { registration, said } = fixture([a.address]);
    await registration.start();
    refuse = false;
    await waitFor(() => a.codes.length === 2 && said.length === 2, 'the next try');
    expect(said[1]).toContain('again');
  });

  it('registers again with a namesrv that was restarted', async () => {
    const a = await fakeNamesrv();
    const { registration } = fixture([a.address]);
    await registration.start();
    registration.connectionClosed(a.address);
    await waitFor(() => a.codes.length === 2, 'the new registration');
  });

  it('follows a changed list of namesrvs', async () => {
    const [a, b] = [await fakeNamesrv(), await fakeNamesrv()];
    const { registration } = fixture([a.address]);
    await registration.start();
    registration.setAddresses([b.address]);
    await waitFor(() => b.codes.length === 1 && a.codes.length === 2, 'the change');
    expect(a.codes).toEqual([REGISTER, UNREGISTER]);
    expect(registration.addresses).toEqual([b.address]);
  });

  it('sends all topics at each change as long as they are few', async () => {
    const a = await fakeNamesrv();
    const { registration } = fixture([a.address]);
    await registration.start();
    await registration.topicsChanged(['x']);
    expect(a.codes).toEqual([REGISTER, REGISTER]);
  });

  it('sends only the topics that changed when there are thousands', async () => {
    const a = await fakeNamesrv();
    const { registration } = fixture([a.address], { topicCount: MANY });
    await registration.start();
    await registration.topicsChanged(['x', 'y']);
    await registration.topicsChanged(['deleted']);
    expect(a.codes).toEqual([REGISTER, TOPIC, TOPIC]);
    await registration.topicsChanged(Array.from({ length: 100 }, (_, index) => `t${index}`));
    expect(a.codes).toEqual([REGISTER, TOPIC, TOPIC, REGISTER]);
  });

  it('sends all topics to a namesrv that knows no single ones, or that refuses one', async () => {
    const old = await fakeNamesrv((code) => Promise.resolve(code === TOPIC ? 3 : 0));
    const full = await fakeNamesrv((code) => Promise.resolve(code === TOPIC ? 1 : 0));
    const { registration } = fixture([old.address, full.address], { topicCount: MANY });
    await registration.start();
    await registration.topicsChanged(['x']);
    await registration.topicsChanged(['y']);
    expect(old.codes).toEqual([REGISTER, TOPIC, REGISTER, REGISTER]);
    expect(full.codes).toEqual([REGISTER, TOPIC, REGISTER, TOPIC, REGISTER]);
  });

  it('sends all topics to a namesrv that was restarted, before single ones', async () => {
    const a = await fakeNamesrv();
    const { registration } = fixture([a.address], { topicCount: MANY });
    await registration.start();
    registration.connectionClosed(a.address);
    await registration.topicsChanged(['x']);
    expect(a.codes).toEqual([REGISTER, REGISTER]);
  });

  it('only asks, period by period, whether a namesrv knows thousands of topics as they are', async () => {
    const a = await fakeNamesrv();
    const { registration, state } = fixture([a.address], { topicCount: MANY, periodMs: 1 });
    await registration.start();
    await waitFor(() => a.codes.length >= 12, 'some periods');
    expect(a.codes.slice(0, 12)).toEqual([REGISTER, ...Array.from({ length: 9 }, () => VERSION), REGISTER, VERSION]);
    state.isKnown = false;
    const before = a.codes.length;
    await waitFor(() => a.codes.slice(before).includes(REGISTER), 'the registration of what changed');
  });
});
