import leven from 'leven';

/** A key at most this far from what was written, measured against its length, is taken for a slip of the pen. */
const SLIP_RATIO = 0.4;

/**
 * The sentence that follows an unknown key: names the nearest known one.
 *
 * @param own the program's keys; the nearest of them is named even when it is far away.
 * @param others further keys that would be accepted; named only when they are near.
 */
export function suggestion(unknown: string, own: Iterable<string>, others: Iterable<string> = []): string {
  const ownNearest = nearest(unknown, own);
  const otherNearest = nearest(unknown, others);
  const best =
    otherNearest !== undefined && otherNearest.distance < (ownNearest?.distance ?? Infinity)
      ? otherNearest
      : ownNearest;
  if (best !== undefined && isSlip(best)) return `did you mean "${best.key}"?`;
  if (ownNearest === undefined) return 'no key is known here';
  return `the nearest known one is "${ownNearest.key}"; --help lists all`;
}

interface Near {
  readonly key: string;
  readonly distance: number;
}

function isSlip({ key, distance }: Near): boolean {
  return distance <= Math.max(1, Math.floor(key.length * SLIP_RATIO));
}

function nearest(unknown: string, known: Iterable<string>): Near | undefined {
  const lower = unknown.toLowerCase();
  let best: Near | undefined;
  for (const key of known) {
    const distance = leven(lower, key.toLowerCase());
    if (best === undefined || distance < best.distance) best = { key, distance };
  }
  return best;
}
