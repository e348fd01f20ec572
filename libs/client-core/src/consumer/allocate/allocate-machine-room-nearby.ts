import type { MessageQueue } from '@rocknest/protocol';
import { invalidArgument } from '../../support/check.js';
import type { AllocateMessageQueueStrategy } from './allocate-strategy.js';

/** Says where brokers and members stand. Must say the same in every member of the group. */
export interface MachineRoomResolver {
  brokerDeployIn(queue: MessageQueue): string;
  consumerDeployIn(clientId: string): string;
}

/**
 * Queues go to members in their own room, shared out there by `strategy`; those of a room without members are shared out among all
 * (`AllocateMachineRoomNearby.java`).
 */
export class AllocateMachineRoomNearby implements AllocateMessageQueueStrategy {
  readonly name: string;

  /** @throws MQClientError INVALID_ARGUMENT without a strategy or a resolver. */
  constructor(
    private readonly strategy: AllocateMessageQueueStrategy,
    private readonly resolver: MachineRoomResolver,
  ) {
    if (typeof strategy?.allocate !== 'function') throw invalidArgument('allocation by nearby room needs a strategy');
    if (typeof resolver?.brokerDeployIn !== 'function' || typeof resolver.consumerDeployIn !== 'function') {
      throw invalidArgument('allocation by nearby room needs a resolver with brokerDeployIn and consumerDeployIn');
    }
    this.name = `MACHINE_ROOM_NEARBY-${strategy.name}`;
  }

  /** @throws MQClientError INVALID_ARGUMENT when the resolver does not know a room: the queues then stay as they are. */
  allocate(
    group: string,
    currentClientId: string,
    queues: readonly MessageQueue[],
    clientIds: readonly string[],
  ): MessageQueue[] {
    if (!clientIds.includes(currentClientId)) return [];
    const queuesOf = byRoom(
      queues,
      (queue) => this.resolver.brokerDeployIn(queue),
      (queue) => `broker ${queue.brokerName}`,
    );
    const clientsOf = byRoom(
      clientIds,
      (clientId) => this.resolver.consumerDeployIn(clientId),
      (clientId) => `consumer ${clientId}`,
    );
    const room = this.resolver.consumerDeployIn(currentClientId);
    const share = (all: readonly MessageQueue[], among: readonly string[]): MessageQueue[] =>
      this.strategy.allocate(group, currentClientId, all, among);
    const mine = share(queuesOf.get(room) ?? [], clientsOf.get(room) ?? []);
    for (const [other, all] of queuesOf) if (!clientsOf.has(other)) mine.push(...share(all, clientIds));
    return mine;
  }
}

/** Rooms in the order of their names. */
function byRoom<T>(all: readonly T[], roomOf: (one: T) => string, nameOf: (one: T) => string): Map<string, T[]> {
  const rooms = new Map<string, T[]>();
  for (const one of all) {
    const room = roomOf(one);
    if (typeof room !== 'string' || room === '') {
      throw invalidArgument(`the machine room of ${nameOf(one)} is not known to the resolver`);
    }
    const members = rooms.get(room);
    if (members) members.push(one);
    else rooms.set(room, [one]);
  }
  return new Map([...rooms].sort(([a], [b]) => (a < b ? -1 : 1)));
}
