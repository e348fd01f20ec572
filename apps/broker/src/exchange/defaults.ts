/** Largest configuration file that is read: 1,000,000 consumer offsets take some 40 MiB. */
export const CONFIG_FILE_MAX_BYTES = 256 * 1024 * 1024;
/** Largest of the small files that are only looked into to tell what is in them (a `.json` of POP modes, the marker). */
export const SMALL_FILE_MAX_BYTES = 16 * 1024 * 1024;
/** Names in one line of the log; what is beyond is counted. */
export const MAX_NAMES_IN_LINE = 10;
/** Lines about single entries of the files that cannot be taken over; what is beyond is counted. */
export const MAX_ENTRY_NOTES = 20;
