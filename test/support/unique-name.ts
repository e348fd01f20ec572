let counter = 0;

/** A name that no other test of this run uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${process.pid}_${counter++}`;
}
