/** The property CHECK_IMMUNITY_TIME_IN_SECONDS in ms; undefined when it is no number, which means the broker's own time-out. */
export function immunityMs(seconds: string): number | undefined {
  if (!/^\d{1,9}$/.test(seconds)) return undefined;
  return Number(seconds) * 1_000;
}
