import type { HeaderField } from './header-codec.js';
import { defineHeader, int32, int64, text } from './header-codec.js';

/** Which of several messages with one store time is meant. Follows `common/BoundaryType.java`: anything but UPPER is LOWER. */
export type BoundaryType = 'LOWER' | 'UPPER';

/**
 * SEARCH_OFFSET_BY_TIMESTAMP (29): Offset of the first (LOWER) or last (UPPER) message of a queue at a time. No body.
 *
 * Follows `remoting/protocol/header/SearchOffsetRequestHeader.java`.
 */
export interface SearchOffsetByTimestampRequest {
  topic: string;
  queueId: number;
  /** Milliseconds since 1970. */
  timestamp: number;
  boundaryType: BoundaryType;
}

const boundaryType: HeaderField<BoundaryType> = {
  read: (command, name) => (command.field(name)?.toUpperCase() === 'UPPER' ? 'UPPER' : 'LOWER'),
  write: (value) => value,
};

const requestCodec = defineHeader<SearchOffsetByTimestampRequest>({
  topic: text,
  queueId: int32,
  timestamp: int64,
  boundaryType,
});

export const decodeSearchOffsetByTimestampRequest = requestCodec.decode;
export const encodeSearchOffsetByTimestampRequest = requestCodec.encode;

/** SEARCH_OFFSET_BY_TIMESTAMP (29), response. */
export interface SearchOffsetByTimestampResponse {
  offset: number;
}

const responseCodec = defineHeader<SearchOffsetByTimestampResponse>({ offset: int64 });

export const decodeSearchOffsetByTimestampResponse = responseCodec.decode;
export const encodeSearchOffsetByTimestampResponse = responseCodec.encode;
