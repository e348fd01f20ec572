import { createHash } from 'node:crypto';
import type { MessageQueue } from '@rocknest/protocol';
import { integerOption } from '../../support/check.js';
import type { AllocateMessageQueueStrategy } from './allocate-strategy.js';
import { CONSISTENT_HASH_VIRTUAL_NODES, MAX_CONSISTENT_HASH_VIRTUAL_NODES } from '../../defaults.js';

/** Places a key on the ring: a number that depends on the key alone, and is the same in all members. */
export type ConsistentHashFunction = (key: string) => number;

/** The first four bytes of the MD5 (`ConsistentHashRouter.MD5Hash`). */
const md5Hash: ConsistentHashFunction = (key) => createHash('md5').update(key).digest().readUInt32BE(0);

interface Ring {
  readonly clientIds: readonly string[];
  /** Rising. */
  readonly hashes: readonly number[];
  readonly owners: readonly string[];
}

/**
 * Each member stands at several places of a ring, and a queue belongs to the first one from its own place on
 * (`AllocateMessageQueueConsistentHash.java`, `common/consistenthash`). A member that joins or leaves moves few queues;
 * shares are uneven, and a member may get none.
 */
export class AllocateMessageQueueConsistentHash implements AllocateMessageQueueStrategy {
  readonly name = 'CONSISTENT_HASH';
  private readonly virtualNodes: number;
  private ring: Ring | undefined = undefined;

  /**
   * @param virtualNodes places of each member: 10.
   * @throws MQClientError INVALID_ARGUMENT.
   */
  constructor(
    virtualNodes?: number,
    private readonly hash: ConsistentHashFunction = md5Hash,
  ) {
    this.virtualNodes = integerOption(
      'virtualNodes',
      virtualNodes,
      CONSISTENT_HASH_VIRTUAL_NODES,
      1,
      MAX_CONSISTENT_HASH_VIRTUAL_NODES,
    );
  }

  allocate(
    _group: string,
    currentClientId: string,
    queues: readonly MessageQueue[],
    clientIds: readonly string[],
  ): MessageQueue[] {
    if (!clientIds.includes(currentClientId)) return [];
    const ring = this.ringOf(clientIds);
    return queues.filter((queue) => this.ownerOf(ring, queue) === currentClientId);
  }

  /** One rebalance asks for each topic with the same members: the ring is kept. */
  private ringOf(clientIds: readonly string[]): Ring {
    const { ring } = this;
    if (ring?.clientIds.length === clientIds.length && ring.clientIds.every((id, index) => id === clientIds[index])) {
      return ring;
    }
    const nodes = new Map<number, string>();
    for (const clientId of clientIds) {
      for (let node = 0; node < this.virtualNodes; node++) nodes.set(this.hash(`${clientId}-${node}`), clientId);
    }
    const places = [...nodes].sort(([a], [b]) => a - b);
    this.ring = {
      clientIds: [...clientIds],
      hashes: places.map(([hash]) => hash),
      owners: places.map(([, clientId]) => clientId),
    };
    return this.ring;
  }

  private ownerOf({ hashes, owners }: Ring, { topic, brokerName, queueId }: MessageQueue): string {
    // The text of the Java client's MessageQueue.
    const hash = this.hash(`MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`);
    let low = 0;
    let high = hashes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (hashes[middle] >= hash) high = middle;
      else low = middle + 1;
    }
    return owners[low === hashes.length ? 0 : low];
  }
}
