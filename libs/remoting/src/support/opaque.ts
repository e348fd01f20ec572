let last = -1;

/**
 * The next correlation number of this process: an int32 that counts up from 0 and wraps to the negative numbers. One
 * counter serves all connections, as in `RemotingCommand.requestId`; a peer's requests have numbers of their own, and bit
 * 0 of the flag tells which of the two an incoming frame belongs to.
 */
export function nextOpaque(): number {
  last = (last + 1) | 0;
  return last;
}
