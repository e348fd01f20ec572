import { join } from 'node:path';
import { createNamesrv } from '@rocknest/namesrv';
import { BrokerStartError } from '../errors.js';

export interface EmbeddedNamesrv {
  /** `host:port` under which this process reaches it. */
  readonly address: string;
  close(): Promise<void>;
}

export interface EmbeddedNamesrvOptions {
  /** 0 asks for any free port. */
  readonly port: number;
  readonly bindAddress: string;
  /** The broker's store folder: the namesrv's own few settings go into a folder of it. */
  readonly storePath: string;
}

/**
 * Starts a namesrv in this process, for a broker that was told of none. This file is the only one that knows the namesrv's code, and is
 * itself loaded only when it is needed.
 *
 * @throws BrokerStartError when the port is taken, with what to do.
 */
export async function startEmbeddedNamesrv(options: EmbeddedNamesrvOptions): Promise<EmbeddedNamesrv> {
  try {
    return await createNamesrv({
      listenPort: options.port,
      bindAddress: options.bindAddress,
      storePath: join(options.storePath, 'namesrv'),
    });
  } catch (error) {
    throw portTaken(error, options.port) ?? error;
  }
}

function portTaken(error: unknown, port: number): BrokerStartError | undefined {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error) || (cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') return undefined;
  return new BrokerStartError(
    'BROKER_NAMESRV_PORT_IN_USE',
    `no namesrv address is set, and port ${port} for an embedded namesrv is in use. If a namesrv runs there, start with -n 127.0.0.1:${port}; otherwise choose another port with --namesrvPort.`,
    { cause: error },
  );
}
