import { connect, type Socket } from 'node:net';
import { RemotingConnectError, RemotingTimeoutError } from '../errors.js';
import { type ByteSink, readingIntoRoom } from '../net/receive-room.js';
import type { PendingLimit } from '../request-table.js';
import { parseAddress } from '../support/address.js';
import { TimerEntry, type TimerWheel } from '../support/timer-wheel.js';

/** Somebody who waits for a connection; `settle` is called once, never within the call that made it wait. */
export class ConnectWaiter<C> extends TimerEntry {
  private settled = false;

  constructor(
    private readonly address: string,
    private readonly timeoutMs: number,
    private readonly wheel: TimerWheel,
    private readonly limit: PendingLimit,
    private readonly onSettled: (error: Error | undefined, connection: C | undefined) => void,
  ) {
    super();
    limit.pending++;
    wheel.add(this, timeoutMs);
  }

  override onTimeout(): void {
    this.settle(new RemotingTimeoutError(this.address, this.timeoutMs, 'no connection'), undefined);
  }

  settle(error: Error | undefined, connection: C | undefined): void {
    if (this.settled) return;
    this.settled = true;
    this.limit.pending--;
    this.wheel.remove(this);
    this.onSettled(error, connection);
  }
}

/**
 * Opens a socket to `host:port`.
 *
 * @param sink gets what is received, from after `onDone` on
 * @param onDone called once: with the connected socket, or with a RemotingConnectError
 * @returns a function that gives up
 */
export function openSocket(
  address: string,
  connectTimeoutMs: number,
  sink: ByteSink,
  onDone: (error: RemotingConnectError | undefined, socket: Socket | undefined) => void,
): () => void {
  const target = parseAddress(address);
  if (target === undefined) {
    process.nextTick(onDone, new RemotingConnectError(address, 'it is not of the form host:port'), undefined);
    return () => {};
  }
  const socket = connect({ host: target.host, port: target.port, noDelay: true, onread: readingIntoRoom(sink) });
  let done = false;
  const finish = (error: RemotingConnectError | undefined): void => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    socket.removeListener('connect', onConnect);
    if (error !== undefined) socket.destroy();
    else socket.removeListener('error', onError);
    onDone(error, error === undefined ? socket : undefined);
  };
  const onConnect = (): void => finish(undefined);
  const onError = (error: Error): void => finish(new RemotingConnectError(address, reasonOf(error), error));
  const timer = setTimeout(
    () => finish(new RemotingConnectError(address, `no answer within ${connectTimeoutMs} ms`)),
    connectTimeoutMs,
  );
  socket.once('connect', onConnect);
  // Stays after a failure: a destroyed socket may still report one.
  socket.on('error', onError);
  return () => finish(new RemotingConnectError(address, 'the attempt was given up'));
}

function reasonOf(error: Error): string {
  // A host name with several addresses fails with one error for each, and no text of its own.
  if (error instanceof AggregateError) {
    return error.errors.map((one) => (one instanceof Error ? one.message : String(one))).join('; ');
  }
  return error.message;
}
