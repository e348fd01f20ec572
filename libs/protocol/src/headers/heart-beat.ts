import { defineHeader, named, optionalBool } from './header-codec.js';

/**
 * HEART_BEAT (34): The request has no fields, its body is `HeartbeatData`. The response tells 5.x clients about fingerprint heartbeats.
 *
 * Follows `remoting/protocol/heartbeat/HeartbeatData.java`.
 */
export interface HeartBeatResponse {
  isSupportHeartBeatV2?: boolean | undefined;
  isSubChange?: boolean | undefined;
}

const responseCodec = defineHeader<HeartBeatResponse>({
  isSupportHeartBeatV2: named('IS_SUPPORT_HEART_BEAT_V2', optionalBool),
  isSubChange: named('IS_SUB_CHANGE', optionalBool),
});

export const decodeHeartBeatResponse = responseCodec.decode;
export const encodeHeartBeatResponse = responseCodec.encode;
