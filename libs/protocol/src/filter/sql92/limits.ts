/**
 * Limits of SQL92 expressions. RocketMQ has none but its stack and the frame; these let through what a human or a generator of lists writes,
 * and keep what one expression costs at each message within bounds.
 */

/** Most characters of an expression. */
export const SQL92_EXPRESSION_MAX_LENGTH = 32_768;

/** Deepest nesting of brackets, signs, NOTs and chained comparisons. Rows of AND or of OR count once. */
export const SQL92_DEPTH_MAX = 128;

/** Most texts in one `IN (...)`. */
export const SQL92_LIST_ITEMS_MAX = 4_096;
