/** Commit log files of test clusters: small enough that a test can fill some, and far above the largest message. */
export const DEFAULT_SEGMENT_SIZE_BYTES = 16 * 1024 * 1024;
