import type { HAClientRuntimeInfo } from '@rocknest/protocol';
import type { BrokerLogger } from '../logger.js';
import {
  MASTER_LOOKUP_MAX_MS,
  MASTER_LOOKUP_MIN_MS,
  MAX_MISSED_TOPICS,
  SLAVE_SYNCHRONIZE_SOON_MS,
} from './defaults.js';
import type { HaClient } from './ha-client.js';
import type { SlaveSynchronize } from './slave-synchronize.js';

export interface SlaveServiceOptions {
  /** [haMasterAddress] Fixed address of the master's log; empty: what the namesrvs say. */
  readonly haMasterAddress: string;
  readonly synchronizeIntervalMs: number;
  readonly logger: BrokerLogger;
}

/** What a namesrv says to a slave that registers. */
export interface MasterAddresses {
  readonly masterAddr?: string | undefined;
  readonly haServerAddr?: string | undefined;
}

/**
 * What a slave does by itself: it learns from the namesrvs where its master is, follows its log, and takes its metadata over.
 *
 * Follows `handleSlaveSynchronize` of `broker/BrokerController.java`.
 */
export class SlaveService {
  private masterAddress: string | undefined = undefined;
  private synchronizeTimer: NodeJS.Timeout | undefined = undefined;
  /** When that timer ends. */
  private synchronizeAtMs = Infinity;
  private lookupTimer: NodeJS.Timeout | undefined = undefined;
  private lookupMs = MASTER_LOOKUP_MIN_MS;
  private lookUp: () => Promise<void> = () => Promise.resolve();
  private connected = false;
  private stopped = true;
  private running: Promise<void> | undefined = undefined;
  /** The next run comes soon. */
  private hurried = false;
  private readonly missed = new Set<string>();

  constructor(
    private readonly client: Pick<HaClient, 'setMaster' | 'start' | 'stop' | 'status'>,
    private readonly synchronize: Pick<SlaveSynchronize, 'run' | 'stop'>,
    private readonly options: SlaveServiceOptions,
  ) {}

  /** @param lookUp asks the namesrvs by registering; their answers come to {@link registered}. */
  start(lookUp: () => Promise<void>): void {
    this.stopped = false;
    this.lookUp = lookUp;
    if (this.options.haMasterAddress !== '') this.client.setMaster(this.options.haMasterAddress);
    this.client.start();
    this.scheduleLookUp();
    this.scheduleSynchronize(this.options.synchronizeIntervalMs);
  }

  status(): HAClientRuntimeInfo {
    return this.client.status();
  }

  /** A namesrv answered a registration. One that does not know the master says nothing. */
  registered({ masterAddr, haServerAddr }: MasterAddresses): void {
    if (haServerAddr !== undefined && haServerAddr !== '' && this.options.haMasterAddress === '')
      this.client.setMaster(haServerAddr);
    if (masterAddr === undefined || masterAddr === '' || masterAddr === this.masterAddress) return;
    this.options.logger.log(`the master is ${masterAddr}`);
    this.masterAddress = masterAddr;
    if (!this.stopped) this.scheduleSynchronize(0);
  }

  /** The line to the master opened or broke. */
  readonly stateChanged = (isConnected: boolean): void => {
    this.connected = isConnected;
    this.lookupMs = MASTER_LOOKUP_MIN_MS;
    if (this.stopped) return;
    if (isConnected) this.hurry();
    else this.scheduleLookUp();
  };

  /** A message came for a topic that is not known here: its master knows more. Asked once for each topic until the next interval. */
  topicMissed(topic: string): void {
    if (this.missed.size >= MAX_MISSED_TOPICS || this.missed.has(topic)) return;
    this.missed.add(topic);
    this.hurry();
  }

  /** Takes over what the master has now. @returns when that is done, or has failed. */
  async synchronizeNow(): Promise<void> {
    // That one may have passed what changed last.
    await this.running;
    await this.synchronizeOnce();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.lookupTimer);
    clearTimeout(this.synchronizeTimer);
    this.client.stop();
    await this.synchronize.stop();
  }

  /** While the master is not reached: the namesrvs may know where it is by now. */
  private scheduleLookUp(): void {
    clearTimeout(this.lookupTimer);
    this.lookupTimer = setTimeout(() => {
      if (this.connected || this.stopped) return;
      this.lookupMs = Math.min(2 * this.lookupMs, MASTER_LOOKUP_MAX_MS);
      void this.lookUp().finally(() => {
        if (!this.connected && !this.stopped) this.scheduleLookUp();
      });
    }, this.lookupMs);
    this.lookupTimer.unref();
  }

  /** The metadata is worth a look before the interval is over. */
  private hurry(): void {
    if (this.hurried || this.stopped) return;
    this.hurried = true;
    const isSooner = this.synchronizeAtMs > performance.now() + SLAVE_SYNCHRONIZE_SOON_MS;
    if (this.running === undefined && isSooner) this.scheduleSynchronize(SLAVE_SYNCHRONIZE_SOON_MS);
  }

  private scheduleSynchronize(delayMs: number): void {
    clearTimeout(this.synchronizeTimer);
    if (this.stopped) return;
    this.synchronizeAtMs = performance.now() + delayMs;
    this.synchronizeTimer = setTimeout(() => void this.synchronizeOnce(), delayMs);
    this.synchronizeTimer.unref();
  }

  private synchronizeOnce(): Promise<void> {
    const { masterAddress } = this;
    if (!this.hurried) this.missed.clear();
    this.hurried = false;
    const run = this.stopped || masterAddress === undefined ? Promise.resolve() : this.synchronize.run(masterAddress);
    const done = run.finally(() => {
      if (this.running === done) this.running = undefined;
      this.scheduleSynchronize(this.hurried ? SLAVE_SYNCHRONIZE_SOON_MS : this.options.synchronizeIntervalMs);
    });
    this.running = done;
    return done;
  }
}
