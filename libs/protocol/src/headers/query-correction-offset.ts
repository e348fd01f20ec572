import { defineHeader, optionalText, text } from './header-codec.js';

/**
 * QUERY_CORRECTION_OFFSET (308): The lowest offset that any group has in each queue of a topic: response body `CorrectionOffsets`.
 *
 * Follows `remoting/protocol/header/QueryCorrectionOffsetHeader.java`.
 */
export interface QueryCorrectionOffsetRequest {
  /** Groups that don't count, joined by `,`. */
  filterGroups?: string | undefined;
  /** Queues in which this group is behind all others are marked. */
  compareGroup: string;
  topic: string;
}

const requestCodec = defineHeader<QueryCorrectionOffsetRequest>({
  filterGroups: optionalText,
  compareGroup: text,
  topic: text,
});

export const decodeQueryCorrectionOffsetRequest = requestCodec.decode;
export const encodeQueryCorrectionOffsetRequest = requestCodec.encode;
