import { defineHeader, optionalText } from './header-codec.js';

/**
 * GET_BROKER_CONFIG (26): The broker's configuration: response body = `key=value` lines. The request has no fields.
 *
 * Follows `remoting/protocol/header/GetBrokerConfigResponseHeader.java`.
 */
export interface GetBrokerConfigResponse {
  /** DataVersion as JSON. */
  version?: string | undefined;
}

const responseCodec = defineHeader<GetBrokerConfigResponse>({
  version: optionalText,
});

export const decodeGetBrokerConfigResponse = responseCodec.decode;
export const encodeGetBrokerConfigResponse = responseCodec.encode;
