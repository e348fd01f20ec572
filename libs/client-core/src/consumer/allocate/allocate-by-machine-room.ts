import type { MessageQueue } from '@rocknest/protocol';
import { invalidArgument } from '../../support/check.js';
import type { AllocateMessageQueueStrategy } from './allocate-strategy.js';

/** The room of a broker that is named `room@name`; undefined for every other name. Empty parts at the end don't count, as in Java's `split`. */
function roomOf(brokerName: string): string | undefined {
  const parts = brokerName.replace(/@+$/, '').split('@');
  return parts.length === 2 ? parts[0] : undefined;
}

/**
 * Queues of brokers in the given rooms only; a broker's name begins with its room: `room@name` (`AllocateMessageQueueByMachineRoom.java`).
 * All members of the group must have the same rooms, and queues of other rooms are consumed by nobody of it.
 */
export class AllocateMessageQueueByMachineRoom implements AllocateMessageQueueStrategy {
  readonly name = 'MACHINE_ROOM';
  private readonly rooms: ReadonlySet<string>;

  /** @throws MQClientError INVALID_ARGUMENT without rooms. */
  constructor(rooms: Iterable<string>) {
    this.rooms = new Set(rooms);
    if (this.rooms.size === 0) throw invalidArgument('allocation by machine room needs at least one room');
  }

  allocate(
    _group: string,
    currentClientId: string,
    queues: readonly MessageQueue[],
    clientIds: readonly string[],
  ): MessageQueue[] {
    const index = clientIds.indexOf(currentClientId);
    if (index < 0) return [];
    const near = queues.filter(({ brokerName }) => {
      const room = roomOf(brokerName);
      return room !== undefined && this.rooms.has(room);
    });
    const share = Math.floor(near.length / clientIds.length);
    const rest = near.length % clientIds.length;
    const mine = near.slice(index * share, (index + 1) * share);
    if (index < rest) mine.push(near[clientIds.length * share + index]);
    return mine;
  }
}
