import { boolOr, defineHeader, text } from './header-codec.js';

/**
 * DELETE_SUBSCRIPTIONGROUP (207): Deletes a subscription group. No body, no response fields.
 *
 * Follows `remoting/protocol/header/DeleteSubscriptionGroupRequestHeader.java`.
 */
export interface DeleteSubscriptionGroupRequest {
  groupName: string;
  /** True: forget its committed offsets too. */
  cleanOffset: boolean;
}

const requestCodec = defineHeader<DeleteSubscriptionGroupRequest>({
  groupName: text,
  cleanOffset: boolOr(false),
});

export const decodeDeleteSubscriptionGroupRequest = requestCodec.decode;
export const encodeDeleteSubscriptionGroupRequest = requestCodec.encode;
