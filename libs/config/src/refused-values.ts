/** A RocketMQ key that must not be ignored when it has such a value: the program would do something else than its owner believes. */
interface RefusedValue {
  /** Values for which ignoring is dangerous, lower case. */
  readonly values: ReadonlySet<string>;
  readonly message: string;
}

const ON = new Set(['true']);
const access = 'Rocknest does not check it yet and would be open to everyone who reaches the port';
const replicas = 'Rocknest does not do this yet and would keep a single copy';

const REFUSED: Readonly<Record<string, RefusedValue>> = {
  aclEnable: { values: ON, message: access },
  authenticationEnabled: { values: ON, message: access },
  authorizationEnabled: { values: ON, message: access },
  useTLS: { values: ON, message: 'Rocknest has no TLS yet and would send in clear text' },
  enableDLegerCommitLog: { values: ON, message: replicas },
  enableControllerMode: { values: ON, message: replicas },
  enableControllerInNamesrv: { values: ON, message: 'Rocknest has no controller' },
  duplicationEnable: { values: ON, message: replicas },
  brokerRole: { values: new Set(['sync_master', 'slave']), message: replicas },
  storeType: {
    values: new Set(['defaultrocksdb']),
    message: "Rocknest writes RocketMQ's file layout (storeType=default)",
  },
};

/** Why the value of a key without a setting of its own cannot be ignored; undefined when it can. */
export function refusedValue(key: string, value: string): string | undefined {
  if (!Object.hasOwn(REFUSED, key)) return undefined;
  const refused = REFUSED[key];
  if (refused === undefined || !refused.values.has(value.trim().toLowerCase())) return undefined;
  return `${key}=${value.trim()} cannot be had: ${refused.message}. Remove the key to start without it.`;
}
