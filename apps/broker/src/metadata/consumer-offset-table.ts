/** The offsets of one group on one topic. */
export interface TopicOffsets {
  readonly group: string;
  readonly topic: string;
  /** queue id -> queue offset of the next message */
  readonly offsets: Map<number, number>;
  /** Queues whose offset is not in the database yet. */
  readonly dirty: Set<number>;
}

/** One offset to be written. */
export interface DirtyOffset {
  readonly owner: TopicOffsets;
  readonly queueId: number;
}

/** Committed offsets in memory, and which of them the database does not have. */
export class ConsumerOffsetTable {
  private readonly groups = new Map<string, Map<string, TopicOffsets>>();
  private dirtyTopics = new Set<TopicOffsets>();
  private count = 0;
  private dirtyCount = 0;

  get size(): number {
    return this.count;
  }

  get dirtySize(): number {
    return this.dirtyCount;
  }

  find(group: string, topic: string): TopicOffsets | undefined {
    return this.groups.get(group)?.get(topic);
  }

  /** @returns false when the offset was that already. */
  set(group: string, topic: string, queueId: number, queueOffset: number): boolean {
    const owner = this.find(group, topic) ?? this.add(group, topic);
    const before = owner.offsets.get(queueId);
    if (before === queueOffset) return false;
    if (before === undefined) this.count++;
    owner.offsets.set(queueId, queueOffset);
    this.markDirty(owner, queueId);
    return true;
  }

  /** Puts in what the database has. */
  load(group: string, topic: string, queueId: number, queueOffset: number): void {
    const owner = this.find(group, topic) ?? this.add(group, topic);
    owner.offsets.set(queueId, queueOffset);
    this.count++;
  }

  topicsOf(group: string): string[] {
    return [...(this.groups.get(group)?.keys() ?? [])];
  }

  groupsOf(topic: string): string[] {
    const names: string[] = [];
    for (const [group, topics] of this.groups) if (topics.has(topic)) names.push(group);
    return names;
  }

  *entries(): Generator<TopicOffsets> {
    for (const topics of this.groups.values()) yield* topics.values();
  }

  /** Forgets offsets; nothing about them is dirty any more. */
  remove(group: string, topic: string): boolean {
    const topics = this.groups.get(group);
    const owner = topics?.get(topic);
    if (topics === undefined || owner === undefined) return false;
    topics.delete(topic);
    if (topics.size === 0) this.groups.delete(group);
    this.count -= owner.offsets.size;
    this.dirtyCount -= owner.dirty.size;
    this.dirtyTopics.delete(owner);
    return true;
  }

  /** Everything that is dirty; from then on it counts as clean. */
  takeDirty(): DirtyOffset[] {
    const taken: DirtyOffset[] = [];
    for (const owner of this.dirtyTopics) {
      for (const queueId of owner.dirty) taken.push({ owner, queueId });
      owner.dirty.clear();
    }
    this.dirtyTopics = new Set();
    this.dirtyCount = 0;
    return taken;
  }

  /** Takes back what could not be written, except what was removed meanwhile. */
  giveBack(offsets: Iterable<DirtyOffset>): void {
    for (const { owner, queueId } of offsets) {
      if (this.find(owner.group, owner.topic) === owner) this.markDirty(owner, queueId);
    }
  }

  private markDirty(owner: TopicOffsets, queueId: number): void {
    if (owner.dirty.has(queueId)) return;
    owner.dirty.add(queueId);
    this.dirtyTopics.add(owner);
    this.dirtyCount++;
  }

  private add(group: string, topic: string): TopicOffsets {
    let topics = this.groups.get(group);
    if (topics === undefined) this.groups.set(group, (topics = new Map<string, TopicOffsets>()));
    const owner: TopicOffsets = { group, topic, offsets: new Map(), dirty: new Set() };
    topics.set(topic, owner);
    return owner;
  }
}
