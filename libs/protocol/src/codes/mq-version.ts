/**
 * Version numbers of the `version` header field: the ordinal in RocketMQ's list of releases, where each release follows
 * its snapshot.
 *
 * Follows `common/MQVersion.java`. Only the ordinals that change behaviour are named; {@link mqVersionName} knows all.
 */
export const MqVersion = {
  /** From here on clients take RESET_CONSUMER_CLIENT_OFFSET and GET_CONSUMER_STATUS_FROM_CLIENT. */
  V3_0_7_SNAPSHOT: 28,
  /** From here on REGISTER_BROKER has a RegisterBrokerBody. */
  V3_0_11: 37,
  /** From here on clients take GET_CONSUMER_RUNNING_INFO and CONSUME_MESSAGE_DIRECTLY. */
  V3_1_8_SNAPSHOT: 62,
  /** From here on `maxReconsumeTimes` in the header of a retry counts. */
  V3_4_9: 121,
  /** From here on a broker filters by SQL92. */
  V4_1_0_SNAPSHOT: 232,
  V4_9_3: 399,
  /** From here on clients read standard JSON in route data. */
  V4_9_4: 401,
  V4_9_8: 409,
  /** From here on a compressed RegisterBrokerBody ends with static-topic mappings. */
  V5_0_0: 413,
  /** From here on brokers take BATCH_ACK_MESSAGE. */
  V5_1_1: 435,
  /** From here on Java clients fail what waits for an answer as soon as the peer ends the connection. */
  V5_1_3: 439,
  /** A client above it understands GO_AWAY (servers up to 5.3.1). */
  V5_1_4: 441,
  /** A client above it understands GO_AWAY (servers from 5.3.2). */
  V5_3_1: 475,
  V5_3_2: 477,
  V5_3_3: 479,
  V5_4_0: 493,
  HIGHER_VERSION: 612,
} as const;

/** What our servers and client say: 5.3.3, whose GO_AWAY rule the client follows. */
export const CURRENT_MQ_VERSION = MqVersion.V5_3_3;

const FIRST_NAMES = [
  'V3_0_0_SNAPSHOT',
  'V3_0_0_ALPHA1',
  'V3_0_0_BETA1',
  'V3_0_0_BETA2',
  'V3_0_0_BETA3',
  'V3_0_0_BETA4',
  'V3_0_0_BETA5',
  'V3_0_0_BETA6_SNAPSHOT',
  'V3_0_0_BETA6',
  'V3_0_0_BETA7_SNAPSHOT',
  'V3_0_0_BETA7',
  'V3_0_0_BETA8_SNAPSHOT',
  'V3_0_0_BETA8',
  'V3_0_0_BETA9_SNAPSHOT',
  'V3_0_0_BETA9',
  'V3_0_0_FINAL',
];

const NAMES = [...FIRST_NAMES, ...releaseNames(), 'HIGHER_VERSION'];

function releaseNames(): string[] {
  const names: string[] = [];
  for (let minor = 30; minor <= 59; minor++) {
    const firstPatch = minor === 30 || (minor >= 33 && minor <= 39) ? 1 : 0;
    const lastPatch = minor === 30 ? 15 : 9;
    for (let patch = firstPatch; patch <= lastPatch; patch++) {
      const name = `V${Math.floor(minor / 10)}_${minor % 10}_${patch}`;
      names.push(`${name}_SNAPSHOT`, name);
    }
  }
  return names;
}

/** Name of a version ordinal; ordinals above the list read as HIGHER_VERSION, as in RocketMQ. */
export function mqVersionName(ordinal: number): string {
  return NAMES[ordinal] ?? 'HIGHER_VERSION';
}
