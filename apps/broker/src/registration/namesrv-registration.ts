import {
  decodeRegisterBrokerResponse,
  type RegisterBrokerResponse,
  type RemotingCommand,
  ResponseCode,
} from '@rocknest/protocol';
import type { RemotingClient } from '@rocknest/remoting';
import {
  REGISTER_ALL_PERIODS,
  REGISTER_ALWAYS_ALL_TOPICS,
  REGISTER_RETRY_MS,
  REGISTER_SINGLE_TOPICS,
  REGISTER_TIMEOUT_MS,
  REGISTER_WAIT_MS,
  UNREGISTER_TIMEOUT_MS,
} from '../defaults.js';
import type { BrokerLogger } from '../logger.js';
import type { RegistrationMessages } from './registration-messages.js';

export interface NamesrvRegistrationOptions {
  /** `host:port` of each namesrv. */
  readonly namesrvAddresses: readonly string[];
  /** How often the broker registers, in milliseconds. */
  readonly periodMs: number;
  /** Called with what a namesrv answered to a registration. */
  readonly onRegistered?: (response: RegisterBrokerResponse) => void;
  readonly logger: BrokerLogger;
}

interface Namesrv {
  readonly address: string;
  /** The registration under way, if any. */
  underWay: Promise<boolean> | undefined;
  /** Something changed since the registration under way was encoded: another one follows it. */
  again: boolean;
  timer: NodeJS.Timeout | undefined;
  /** All topics must be sent, not only those that changed. */
  mustSendAll: boolean;
  /** The period is over: the namesrv must get a sign of life. */
  mustRefresh: boolean;
  /** Topics that changed since it was told. */
  readonly changes: Set<string>;
  /** It knows REGISTER_TOPIC_IN_NAMESRV, as far as is known. */
  takesTopics: boolean;
  /** Monotonic time of the last sign of life, and how many there were since all topics were sent. */
  refreshedMs: number;
  refreshes: number;
  /** What the log said of this namesrv last, so that a dead one fills no log. */
  reachable: boolean | undefined;
}

/**
 * Keeps every namesrv told of this broker and its topics: at start, every 30 s, and at once when a topic changes. Each namesrv has its own
 * timer and its own registration under way, so one that is slow or dead never delays another. A registration carries the full set of topics; with
 * thousands of them, changes are told topic by topic, and the periodic registration is left out where the namesrv knows all topics as they are.
 *
 * Follows `registerBrokerAll` of `broker/BrokerController.java` and `broker/out/BrokerOuterAPI.java`.
 */
export class NamesrvRegistration {
  private namesrvs: Namesrv[] = [];
  private stopped = true;

  constructor(
    private readonly client: RemotingClient,
    private readonly messages: RegistrationMessages,
    private readonly options: NamesrvRegistrationOptions,
  ) {}

  /** Registers with all namesrvs for the first time. @returns when each answered, or failed once. */
  async start(): Promise<void> {
    this.setAddresses(this.options.namesrvAddresses);
    this.stopped = false;
    await this.registerNow();
  }

  /** The namesrvs in use. */
  get addresses(): string[] {
    return this.namesrvs.map(({ address }) => address);
  }

  /** Replaces the list of namesrvs; new ones are registered with at once, those that went are told goodbye. */
  setAddresses(addresses: readonly string[]): void {
    const known = new Map(this.namesrvs.map((namesrv) => [namesrv.address, namesrv]));
    this.namesrvs = [...new Set(addresses)].map((address) => known.get(address) ?? newNamesrv(address));
    for (const namesrv of known.values()) {
      if (this.namesrvs.includes(namesrv)) continue;
      clearTimeout(namesrv.timer);
      void this.unregister(namesrv);
    }
    if (!this.stopped)
      for (const namesrv of this.namesrvs) if (!known.has(namesrv.address)) void this.register(namesrv);
  }

  /**
   * Registers at once because topics changed. Changes that come while a registration is under way go out together in the next one.
   *
   * @returns when every namesrv answered, or failed, or `REGISTER_WAIT_MS` passed: an admin command waits for this, so that a route query
   * right after it finds the topic. One that did not answer last time is told, too, and not waited for.
   */
  async registerNow(waitMs = REGISTER_WAIT_MS): Promise<void> {
    if (this.stopped) return;
    await this.tellAll((namesrv) => this.register(namesrv), waitMs);
  }

  /** Registers at once with all topics, because what is true of all of them has changed. @returns as `registerNow` does. */
  registerAll(): Promise<void> {
    for (const namesrv of this.namesrvs) namesrv.mustSendAll = true;
    return this.registerNow();
  }

  /**
   * Tells the namesrvs that topics were created, changed or deleted. With thousands of topics only those that changed are sent. @returns as
   * `registerNow` does.
   */
  async topicsChanged(topics: readonly string[], waitMs = REGISTER_WAIT_MS): Promise<void> {
    if (this.stopped) return;
    for (const namesrv of this.namesrvs) for (const topic of topics) namesrv.changes.add(topic);
    await this.tellAll((namesrv) => this.work(namesrv), waitMs);
  }

  /** The connection to a namesrv broke: it forgot this broker, and may be back soon. */
  connectionClosed(address: string): void {
    const namesrv = this.namesrvs.find((candidate) => candidate.address === address);
    if (namesrv !== undefined) namesrv.mustSendAll = true;
    if (namesrv === undefined || namesrv.underWay !== undefined || this.stopped) return;
    this.schedule(namesrv, REGISTER_RETRY_MS);
  }

  /** Says goodbye to every namesrv, waiting `UNREGISTER_TIMEOUT_MS` at most. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    for (const namesrv of this.namesrvs) clearTimeout(namesrv.timer);
    const goodbyes = this.namesrvs.map(async (namesrv) => {
      // A registration that overtakes the goodbye would bring the broker back for two minutes.
      await namesrv.underWay;
      await this.unregister(namesrv);
    });
    await settledWithin(goodbyes, UNREGISTER_TIMEOUT_MS);
  }

  /** Waits for those that are alive, as far as is known: one that takes requests and answers none would cost each caller the whole time. */
  private tellAll(tell: (namesrv: Namesrv) => Promise<boolean>, waitMs: number): Promise<void> {
    const told = this.namesrvs.map((namesrv) => ({ isAlive: namesrv.reachable !== false, done: tell(namesrv) }));
    return settledWithin(
      told.filter(({ isAlive }) => isAlive).map(({ done }) => done),
      waitMs,
    );
  }

  private register(namesrv: Namesrv): Promise<boolean> {
    namesrv.mustSendAll = true;
    return this.work(namesrv);
  }

  /** Tells a namesrv what there is to tell; what comes meanwhile goes out together, after it. */
  private work(namesrv: Namesrv): Promise<boolean> {
    if (namesrv.underWay !== undefined) {
      namesrv.again = true;
      return namesrv.underWay;
    }
    namesrv.again = false;
    clearTimeout(namesrv.timer);
    namesrv.underWay = this.tell(namesrv).then((done) => {
      namesrv.underWay = undefined;
      namesrv.mustSendAll ||= !done;
      if (this.stopped || !this.namesrvs.includes(namesrv)) return done;
      if (namesrv.again) return this.work(namesrv);
      const sinceMs = performance.now() - namesrv.refreshedMs;
      this.schedule(namesrv, done ? Math.max(0, this.options.periodMs - sinceMs) : REGISTER_RETRY_MS);
      return done;
    });
    return namesrv.underWay;
  }

  private schedule(namesrv: Namesrv, delayMs: number): void {
    clearTimeout(namesrv.timer);
    namesrv.timer = setTimeout(() => {
      namesrv.mustRefresh = true;
      void this.work(namesrv);
    }, delayMs);
    namesrv.timer.unref();
  }

  private async tell(namesrv: Namesrv): Promise<boolean> {
    const { mustSendAll, mustRefresh, reachable } = namesrv;
    const changes = [...namesrv.changes];
    namesrv.changes.clear();
    namesrv.mustSendAll = namesrv.mustRefresh = false;
    const isSmall = this.messages.topicCount <= REGISTER_ALWAYS_ALL_TOPICS;
    if (mustSendAll || isSmall || reachable !== true) return this.registerOnce(namesrv);
    if (mustRefresh) return this.refresh(namesrv);
    const sendsTopics = namesrv.takesTopics && changes.length <= REGISTER_SINGLE_TOPICS;
    return sendsTopics ? this.sendTopics(namesrv, changes) : this.registerOnce(namesrv);
  }

  /** A sign of life; all topics only where the namesrv does not know them as they are. */
  private async refresh(namesrv: Namesrv): Promise<boolean> {
    if (namesrv.refreshes + 1 >= REGISTER_ALL_PERIODS) return this.registerOnce(namesrv);
    try {
      const response = await this.client.invoke(namesrv.address, this.messages.queryVersion(), REGISTER_TIMEOUT_MS);
      if (!this.messages.isKnown(response)) return await this.registerOnce(namesrv);
    } catch {
      return this.registerOnce(namesrv);
    }
    namesrv.refreshedMs = performance.now();
    namesrv.refreshes++;
    return true;
  }

  private async sendTopics(namesrv: Namesrv, topics: readonly string[]): Promise<boolean> {
    const requests = topics
      .map((topic) => this.messages.registerTopic(topic))
      .filter((request) => request !== undefined);
    try {
      const send = (request: RemotingCommand): Promise<RemotingCommand> =>
        this.client.invoke(namesrv.address, request, REGISTER_TIMEOUT_MS);
      const responses = await Promise.all(requests.map(send));
      if (responses.every(({ code }) => code === ResponseCode.SUCCESS)) return true;
      // RocketMQ's namesrvs have the code since 5.0.
      if (responses.some(({ code }) => code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED)) namesrv.takesTopics = false;
    } catch {
      // The registration that follows says what is wrong.
    }
    return this.registerOnce(namesrv);
  }

  private async registerOnce(namesrv: Namesrv): Promise<boolean> {
    try {
      const response = await this.client.invoke(namesrv.address, this.messages.register(), REGISTER_TIMEOUT_MS);
      this.messages.checkRegistered(response);
      this.options.onRegistered?.(decodeRegisterBrokerResponse(response));
      namesrv.refreshedMs = performance.now();
      namesrv.refreshes = 0;
      if (namesrv.reachable === false) this.options.logger.log(`registered with namesrv ${namesrv.address} again`);
      namesrv.reachable = true;
      return true;
    } catch (error) {
      if (namesrv.reachable !== false) {
        this.options.logger.warn(
          `could not register with namesrv ${namesrv.address}, trying on: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
      namesrv.reachable = false;
      return false;
    }
  }

  private async unregister(namesrv: Namesrv): Promise<void> {
    if (namesrv.reachable !== true) return;
    try {
      await this.client.invoke(namesrv.address, this.messages.unregister(), UNREGISTER_TIMEOUT_MS);
    } catch {
      // It notices the closed connection, and forgets a silent broker after two minutes in any case.
    }
  }
}

function newNamesrv(address: string): Namesrv {
  return {
    address,
    underWay: undefined,
    again: false,
    timer: undefined,
    mustSendAll: true,
    mustRefresh: false,
    changes: new Set<string>(),
    takesTopics: true,
    refreshedMs: -Infinity,
    refreshes: 0,
    reachable: undefined,
  };
}

/** Waits until all promises settled, or `timeoutMs` passed. None of them rejects. */
async function settledWithin(promises: Promise<unknown>[], timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([Promise.all(promises), patience]);
  clearTimeout(timer);
}
