import type { Child } from './child.js';
import { RawConnection } from './raw-remoting.js';
import { waitFor } from './wait-for.js';

const GET_BROKER_CLUSTER_INFO = 106;

/** Whether the namesrv names the broker in its answer about the cluster. */
export async function namesrvKnows(namesrvAddr: string, brokerAddr: string): Promise<boolean> {
  const connection = await RawConnection.open(namesrvAddr).catch(() => undefined);
  if (connection === undefined) return false;
  try {
    const response = await connection.request(GET_BROKER_CLUSTER_INFO, {});
    return response.code === 0 && response.body.includes(brokerAddr);
  } catch {
    return false;
  } finally {
    connection.close();
  }
}

/** Whether something accepts connections there. */
export async function answers(address: string): Promise<boolean> {
  const connection = await RawConnection.open(address).catch(() => undefined);
  connection?.close();
  return connection !== undefined;
}

/** Waits until the broker is registered; fails at once, with its last output, when one of the processes ends before. */
export async function waitUntilRegistered(
  children: readonly Child[],
  namesrvAddr: string,
  brokerAddr: string,
  timeoutMs: number,
): Promise<void> {
  await waitForChildren(children, () => namesrvKnows(namesrvAddr, brokerAddr), `${brokerAddr} to register`, timeoutMs);
}

export async function waitForChildren(
  children: readonly Child[],
  condition: () => Promise<boolean>,
  what: string,
  timeoutMs: number,
): Promise<void> {
  await waitFor(
    () => {
      const ended = children.find((child) => !child.running);
      if (ended !== undefined) throw new Error(`${ended.name} ended while starting\n${ended.tail()}`);
      return condition();
    },
    what,
    timeoutMs,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${children.map((child) => `${child.name}:\n${child.tail()}`).join('\n')}`);
  });
}
