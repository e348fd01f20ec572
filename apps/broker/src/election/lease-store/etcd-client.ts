import { RocknestError } from '@rocknest/protocol';

/** Where an etcd cluster is, as `leaseStore` says it. */
export interface EtcdTarget {
  /** `http://host:2379`, one of each member. */
  readonly endpoints: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
}

const FORM = 'etcd://[USER:PASSWORD@]HOST:2379[,HOST:2379...] or etcds://... for TLS';
const DEFAULT_PORT = 2379;

/** @throws RocknestError `LEASE_STORE_URL`; never repeats the password. */
export function parseEtcdUrl(text: string): EtcdTarget {
  const match = /^(etcds?):\/\/(?:([^:@/]+):([^@/]*)@)?([^@/?#]+)\/?$/.exec(text);
  if (match === null) throw new RocknestError('LEASE_STORE_URL', `leaseStore is no address of etcd. Use ${FORM}`);
  const [, protocol, user, password, hosts] = match;
  const scheme = protocol === 'etcds' ? 'https' : 'http';
  const endpoints = hosts.split(',').map((host) => {
    const withPort = /:\d+$/.test(host) ? host : `${host}:${DEFAULT_PORT}`;
    if (!URL.canParse(`${scheme}://${withPort}`))
      throw new RocknestError('LEASE_STORE_URL', `leaseStore names a host "${host}" that is none. Use ${FORM}`);
    return `${scheme}://${withPort}`;
  });
  const decode = (part: string | undefined): string | undefined =>
    part === undefined ? undefined : decodeURIComponent(part);
  return { endpoints, user: decode(user), password: decode(password) };
}

/** etcd's JSON gateway: its version 3 API as POST requests, with keys and values in base64 and 64-bit numbers as texts. */
export class EtcdClient {
  readonly name: string;
  /** Where the last answer came from. */
  private current = 0;
  private token: string | undefined = undefined;

  constructor(
    private readonly target: EtcdTarget,
    private readonly requestTimeoutMs: number,
  ) {
    this.name = `etcd ${target.endpoints.join(', ')}`;
  }

  /**
   * One request; a member of the cluster that cannot be reached is followed by the next one. It may have been carried out when this rejects, and more
   * than once when it does not.
   */
  async call<T>(path: string, body: object): Promise<T> {
    const { endpoints } = this.target;
    let problem: unknown;
    for (let tries = 0; tries < endpoints.length; tries++) {
      try {
        return await this.callAt<T>(endpoints[this.current], path, body);
      } catch (error) {
        if (error instanceof EtcdAnswerError && !error.retriable) throw error;
        problem = error;
        this.current = (this.current + 1) % endpoints.length;
      }
    }
    throw problem;
  }

  private async callAt<T>(endpoint: string, path: string, body: object): Promise<T> {
    if (this.target.user !== undefined) this.token ??= await this.authenticate(endpoint);
    try {
      return await this.post<T>(endpoint, path, body);
    } catch (error) {
      // Tokens expire.
      if (this.token === undefined || !(error instanceof EtcdAnswerError) || error.status !== 401) throw error;
      this.token = await this.authenticate(endpoint);
      return this.post<T>(endpoint, path, body);
    }
  }

  private async authenticate(endpoint: string): Promise<string> {
    this.token = undefined;
    const { user: name, password } = this.target;
    const { token } = await this.post<{ token: string }>(endpoint, '/v3/auth/authenticate', { name, password });
    return token;
  }

  private async post<T>(endpoint: string, path: string, body: object): Promise<T> {
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${endpoint}${path}`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(this.token === undefined ? {} : { Authorization: this.token }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(this.requestTimeoutMs),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new EtcdAnswerError(`etcd at ${endpoint} cannot be asked: ${cause}`, 0, true);
    }
    if (status !== 200)
      throw new EtcdAnswerError(
        `etcd at ${endpoint} answered ${status} to ${path}: ${text.slice(0, 300)}`,
        status,
        status >= 500,
      );
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new EtcdAnswerError(
        `etcd at ${endpoint} answered no JSON to ${path}: ${text.slice(0, 300)}`,
        status,
        false,
      );
    }
  }
}

class EtcdAnswerError extends RocknestError {
  constructor(
    message: string,
    readonly status: number,
    retriable: boolean,
  ) {
    super('LEASE_STORE_ETCD', message, { retriable, details: { status } });
  }
}
