import { type SubscriptionData, subscriptionSignature } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';

/** What some members of a group subscribe to, and who they are. */
export interface SubscriptionVariant {
  readonly messageModel: string;
  readonly subscriptions: readonly SubscriptionData[];
  /** Connection -> client id, in the order in which they came. */
  readonly members: Map<Connection, string>;
}

/** The different subscriptions that members of one group have: one in a group that is as it should be. Keeps one copy of each. */
export class SubscriptionVariants {
  private readonly bySignature = new Map<string, SubscriptionVariant>();
  private readonly signatures = new Map<Connection, string>();

  get size(): number {
    return this.bySignature.size;
  }

  /** Those with most members first. */
  all(): SubscriptionVariant[] {
    return [...this.bySignature.values()].sort((a, b) => b.members.size - a.members.size);
  }

  /** @returns true when variants came or went. */
  update(
    connection: Connection,
    clientId: string,
    messageModel: string,
    subscriptions: readonly SubscriptionData[],
  ): boolean {
    const signature = `${messageModel}\u0003${subscriptionSignature(subscriptions)}`;
    if (this.signatures.get(connection) === signature) return false;
    const left = this.remove(connection);
    this.signatures.set(connection, signature);
    const known = this.bySignature.get(signature);
    if (known === undefined) {
      this.bySignature.set(signature, { messageModel, subscriptions, members: new Map([[connection, clientId]]) });
      return true;
    }
    known.members.set(connection, clientId);
    return left;
  }

  /** @returns true when a variant went with its last member. */
  remove(connection: Connection): boolean {
    const signature = this.signatures.get(connection);
    if (signature === undefined) return false;
    this.signatures.delete(connection);
    const variant = this.bySignature.get(signature);
    if (variant?.members.delete(connection) !== true || variant.members.size > 0) return false;
    return this.bySignature.delete(signature);
  }
}
