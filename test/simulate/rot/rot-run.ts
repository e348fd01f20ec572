import { StoreError } from '../../../libs/store/src/errors.js';
import { MessageStore } from '../../../libs/store/src/message-store.js';
import type { SimConfig } from '../../../libs/store/src/simulation/history.js';
import { type LogRecord, parseRecords } from '../../../libs/store/src/simulation/log-reader.js';
import { type SimProcess, SimHost } from '../../../libs/store/src/simulation/sim-host.js';
import { idOfBody, MIN_BODY_BYTES, SimMessage } from '../../../libs/store/src/simulation/sim-message.js';
import { MOUNT_PATH, storeOptions } from '../../../libs/store/src/simulation/sim-options.js';
import { SimRandom } from '../../../libs/store/src/simulation/sim-random.js';
import { SimTrace } from '../../../libs/store/src/simulation/sim-trace.js';
import { demand } from '../../../libs/store/src/simulation/sim-violation.js';
import { SimWorld } from '../../../libs/store/src/simulation/sim-world.js';
import { RotDamage } from './rot-damage.js';

const HANG_MS = 3_600_000;
const QUEUES = 2;
const TOPICS = ['Orders', 'Bills'];
const FOR_EVER_MS = 8.64e15;
/** Words by which a start says that something of the log is not there any more. */
const SAYS_LOSS = /damaged|cut|gone|missing|lost|removed/;

interface Opened {
  readonly process: SimProcess;
  readonly store: MessageStore;
}

/**
 * A store whose files are damaged while it is stopped, again and again. Throws `SimViolation` when a start loses what stands before the damage, loses anything without a word,
 * hands out something that was not sent, or refuses without naming a file; and when it does not work again with the file put back.
 */
export class RotRun {
  readonly world: SimWorld;
  readonly trace: SimTrace;
  readonly messages = new Map<number, SimMessage>();
  opens = 0;
  kills = 0;
  refusals = 0;
  private readonly host: SimHost;
  private readonly config: SimConfig;
  /** What a start has said of, or could not be read: it may be there again, or not. */
  private readonly lacking = new Set<number>();
  private logWasDamaged = false;
  private lines: string[] = [];
  private nextId = 1;

  constructor(
    config: SimConfig,
    seed: number,
    private readonly rounds: number,
    isTraced: boolean,
  ) {
    this.config = { ...config, retention: false };
    this.world = new SimWorld(seed);
    this.host = new SimHost(this.world, 'host', config);
    this.host.disk.makeMountPoint(MOUNT_PATH);
    this.trace = new SimTrace(isTraced);
  }

  async run(): Promise<void> {
    let opened = await this.mustOpen();
    for (let round = 0; round < this.rounds; round++) {
      const { random } = this.world;
      await this.putSome(opened, random.between(1, 40));
      await this.world.runFor(random.pick([0, 30, 3_000]));
      await this.end(opened, random.chance(0.7));
      const damage = RotDamage.strike(this.host.disk, random);
      this.note(`damage: ${damage?.toString() ?? 'none'}`);
      opened = damage === undefined || !damage.isEffective ? await this.mustOpen() : await this.openDamaged(damage);
    }
    await this.check(opened.store, undefined);
    await this.end(opened, true);
  }

  /** Opens, checks what is left, and puts the bytes back that nothing was made of. */
  private async openDamaged(damage: RotDamage): Promise<Opened> {
    this.logWasDamaged ||= damage.role === 'log';
    const damaged = await this.open();
    // What was cut is gone, and other messages will stand there.
    const isCut = this.lines.some((line) => line.startsWith('cut '));
    if (!(damaged instanceof Error)) {
      await this.check(damaged.store, damage);
      await this.end(damaged, true);
    } else {
      this.refusals++;
      this.note(`refused: ${damaged.message}`);
      const isTold = damaged instanceof StoreError && damaged.message.includes('/disk/store');
      demand(isTold, 'refusal', () => `${damage.toString()}: ${damaged.stack ?? damaged.message}`);
      demand(damage.role === 'log', 'refusal', () => `${damage.toString()}: ${damaged.message}`);
    }
    // The store went on without it.
    const isGone = damage.kind === 'missing' && !(damaged instanceof Error);
    if (!isCut && !isGone) damage.undo();
    const mended = await this.mustOpen();
    // What was made again from damaged entries may lack some until then.
    await this.check(mended.store, damaged instanceof Error ? undefined : damage);
    return mended;
  }

  private async mustOpen(): Promise<Opened> {
    const opened = await this.open();
    if (!(opened instanceof Error)) return opened;
    demand(false, 'open-refused', () => opened.stack ?? opened.message);
    throw new Error('unreachable', { cause: opened });
  }

  private async open(): Promise<Opened | Error> {
    this.lines = [];
    this.opens++;
    const process = this.host.start();
    const keep = (line: string): void => {
      this.lines.push(line);
      this.note(line);
    };
    const store = new MessageStore({
      ...storeOptions(this.config),
      fileSystem: process.fileSystem,
      clock: process.clock,
      machine: process.machine,
      logger: { log: (line) => this.note(line), warn: keep, error: keep },
    });
    const failure = await this.call('open()', () =>
      store.open().then(
        ({ lines }) => void this.lines.push(...lines),
        (error: unknown) => error as Error,
      ),
    );
    if (!(failure instanceof Error)) return { process, store };
    await this.world.runFor(1);
    process.exit();
    return failure;
  }

  private async end({ store, process }: Opened, isClean: boolean): Promise<void> {
    if (isClean) await this.call('close()', () => store.close());
    else {
      this.kills++;
      process.crash('kill');
    }
    await this.world.runFor(50);
    if (process.isAlive) process.exit();
  }

  private async putSome({ store }: Opened, count: number): Promise<void> {
    const { random } = this.world;
    let open = 0;
    for (let i = 0; i < count; i++) {
      const bodyBytes = random.between(MIN_BODY_BYTES, random.pick([40, 300, 1500]));
      const topic = random.pick(TOPICS);
      const message = new SimMessage(this.nextId++, topic, random.below(QUEUES), bodyBytes, 'TagA', 0, 0, true, 0);
      open++;
      store.putMessage(message.toPut(), (result) => {
        open--;
        if (result.status !== 'PUT_OK' && result.status !== 'FLUSH_DISK_TIMEOUT') return;
        message.physicalOffset = result.physicalOffset;
        message.sizeBytes = result.sizeBytes;
        message.queueOffset = result.queueOffset;
        this.messages.set(message.id, message);
      });
    }
    demand(await this.world.runUntil(() => open === 0, HANG_MS), 'hang', () => `${open} puts are not answered`);
  }

  /** Compares all that can be read with what was sent. */
  private async check(store: MessageStore, damage: RotDamage | undefined): Promise<void> {
    const found = new Set<number>();
    for (const topic of TOPICS)
      for (let queueId = 0; queueId < QUEUES; queueId++) await this.readQueue(store, topic, queueId, damage, found);
    const isSaid = this.lines.some((line) => SAYS_LOSS.test(line));
    const damagedFrom = damage?.role === 'log' ? this.logOffset(damage) : Infinity;
    for (const message of [...this.messages.values()]) {
      if (!found.has(message.id)) {
        if (this.lacking.has(message.id)) continue;
        const mayLack = damage !== undefined && this.isTouched(message, damage);
        const isBehind = message.physicalOffset >= damagedFrom && isSaid;
        const where = damage?.toString() ?? 'no damage';
        demand(
          mayLack || isBehind,
          'lost',
          () => `${message.toString()} is not there (${where}; said: ${this.lines.join(' | ')})`,
        );
        this.lacking.add(message.id);
      } else if (damage?.role !== 'index') await this.checkKey(store, message, damage);
    }
  }

  private async readQueue(
    store: MessageStore,
    topic: string,
    queueId: number,
    damage: RotDamage | undefined,
    found: Set<number>,
  ): Promise<void> {
    const end = store.maxOffset(topic, queueId);
    this.note(`${topic}-${queueId}: ${store.minOffset(topic, queueId)} to ${end}`);
    let last = -1;
    for (let queueOffset = store.minOffset(topic, queueId); queueOffset < end;) {
      const asked = queueOffset;
      const result = await this.call('a pull', () =>
        store.getMessage({ topic, queueId, queueOffset: asked, maxMessages: 32 }),
      );
      for (const record of this.recordsIn(Buffer.concat(result.records), damage)) {
        const id = idOfBody(record.body);
        const message = id === undefined ? undefined : this.messages.get(id);
        const overlaps = damage?.role === 'log' && this.overlaps(record.physicalOffset, record.sizeBytes, damage);
        const isAsSent =
          message !== undefined && record.body.equals(message.body()) && record.properties === message.properties;
        demand(
          isAsSent || overlaps,
          'changed',
          () =>
            `${topic}-${queueId} at ${asked} has ${id ?? 'no message of ours'} (${damage?.toString() ?? 'no damage'})`,
        );
        if (!isAsSent) continue;
        found.add(message.id);
        // Nor is the place in the queue that a damaged head says.
        if (damage?.role === 'log') continue;
        demand(record.queueOffset > last, 'order', () => `${topic}-${queueId}: ${record.queueOffset} behind ${last}`);
        last = record.queueOffset;
      }
      this.note(`pull ${asked}: ${result.status} ${result.messageCount} next ${result.nextBeginOffset}`);
      demand(result.nextBeginOffset > asked, 'stuck', () => `${topic}-${queueId} at ${asked}: ${result.status}`);
      queueOffset = result.nextBeginOffset;
    }
  }

  /** A record whose head is damaged is handed out as it stands, as RocketMQ does: clients refuse it. */
  private *recordsIn(bytes: Buffer, damage: RotDamage | undefined): Generator<LogRecord> {
    for (let at = 0; at < bytes.length; at += bytes.readInt32BE(at)) {
      const one = bytes.subarray(at, at + bytes.readInt32BE(at));
      let records: LogRecord[] = [];
      try {
        records = parseRecords(one);
      } catch (error) {
        demand(damage?.role === 'log', 'changed', () => `${String(error)} (${damage?.toString() ?? 'no damage'})`);
      }
      yield* records;
    }
  }

  private async checkKey(store: MessageStore, message: SimMessage, damage: RotDamage | undefined): Promise<void> {
    // What was made again from a damaged log lacks what could not be read of it; one that cannot go on says so.
    if (this.logWasDamaged) return;
    if (!this.world.random.chance(0.2) || store.stats().index?.failure !== undefined) return;
    const ask = (): Promise<{ records: readonly Buffer[] }> =>
      store.queryMessage(message.topic, message.key, 64, 0, FOR_EVER_MS);
    const { records } = await this.call('a query', ask);
    const isFound = records.length === 1 && records[0].includes(message.body());
    demand(
      isFound,
      'index',
      () => `${records.length} are found by the key of ${message.toString()} (${damage?.toString() ?? 'no damage'})`,
    );
  }

  private isTouched(message: SimMessage, damage: RotDamage): boolean {
    if (damage.role === 'log') return this.overlaps(message.physicalOffset, message.sizeBytes, damage);
    const [, topic, queueId, name] = /consumequeue\/(.*)\/(\d+)\/(\d{20})$/.exec(damage.path) ?? [];
    if (damage.role !== 'queue' || damage.kind === 'missing') return false;
    if (topic !== message.topic || Number(queueId) !== message.queueId) return false;
    const at = message.queueOffset * 20 - Number(name);
    return at < damage.to && at + 20 > damage.from;
  }

  private overlaps(physicalOffset: number, sizeBytes: number, damage: RotDamage): boolean {
    const start = this.logOffset(damage);
    return physicalOffset < start + damage.to - damage.from && physicalOffset + sizeBytes > start;
  }

  private logOffset({ path, from }: RotDamage): number {
    return Number(path.slice(-20)) + from;
  }

  private async call<T>(what: string, call: () => T | Promise<T>): Promise<T> {
    let outcome: { value: T } | { error: unknown } | undefined;
    Promise.resolve(call()).then(
      (value) => (outcome = { value }),
      (error: unknown) => (outcome = { error }),
    );
    demand(await this.world.runUntil(() => outcome !== undefined, HANG_MS), 'hang', () => `${what} does not end`);
    if (outcome !== undefined && 'value' in outcome) return outcome.value;
    demand(false, 'failed', () => `${what}: ${String((outcome as { error: unknown } | undefined)?.error)}`);
    throw new Error('unreachable');
  }

  private note(line: string): void {
    this.trace.add(this.world.nowMs, () => line);
  }
}

/** The configuration of a seed, and how often its files are damaged. */
export function roundsOf(seed: number): number {
  return new SimRandom(seed).between(3, 8);
}
