/** Topic of the orders. */
export const ORDERS_TOPIC = 'orders';
/** Tag of the message that an order was placed. */
export const PLACED_TAG = 'placed';

/** What the environment says. */
export interface Settings {
  /** HTTP port, 0 for any free one. */
  port: number;
  /** `host:port;host:port` of the namesrvs. */
  namesrvAddr: string;
}

/** @throws Error when PORT is no port. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const port = Number(env['PORT'] ?? 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT is "${env['PORT']}", must be a number from 0 to 65535`);
  }
  return { port, namesrvAddr: env['NAMESRV_ADDR'] ?? '127.0.0.1:9876' };
}
