import leven from 'leven';

/** A name at most this far from what was written, measured against its length, is taken for a slip of the pen. */
const SLIP_RATIO = 0.4;

/** `did you mean "verify"?` for a slip; otherwise all that is known. */
export function didYouMean(written: string, known: readonly string[]): string {
  let nearest = '';
  let distance = Infinity;
  for (const name of known) {
    const found = leven(written.toLowerCase(), name.toLowerCase());
    if (found < distance) [nearest, distance] = [name, found];
  }
  if (distance <= Math.max(1, Math.floor(nearest.length * SLIP_RATIO))) return `did you mean "${nearest}"?`;
  return `the nearest known one is "${nearest}"`;
}
