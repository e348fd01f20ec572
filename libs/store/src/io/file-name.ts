const NAME_DIGITS = 20;
const NAME_PATTERN = /^\d{20}$/;

/** File name of a segment or queue file: its start offset in 20 decimal digits (RocketMQ's `UtilAll.offset2FileName`). */
export function offsetFileName(startOffset: number): string {
  return String(startOffset).padStart(NAME_DIGITS, '0');
}

/** The start offset a file name stands for, or undefined when it is no such name. */
export function parseOffsetFileName(name: string): number | undefined {
  if (!NAME_PATTERN.test(name)) return undefined;
  const offset = Number(name);
  return Number.isSafeInteger(offset) ? offset : undefined;
}
