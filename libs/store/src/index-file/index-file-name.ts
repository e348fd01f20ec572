const NAME_PATTERN = /^\d{17}$/;

/** True for a name like `20261122190005123`: other files of the folder are left alone. */
export function isIndexFileName(name: string): boolean {
  return NAME_PATTERN.test(name);
}

/** The local time as yyyyMMddHHmmssSSS (RocketMQ's `UtilAll.timeMillisToHumanString`). */
export function indexFileName(timeMs: number): string {
  const date = new Date(timeMs);
  return (
    digits(date.getFullYear(), 4) +
    digits(date.getMonth() + 1, 2) +
    digits(date.getDate(), 2) +
    digits(date.getHours(), 2) +
    digits(date.getMinutes(), 2) +
    digits(date.getSeconds(), 2) +
    digits(date.getMilliseconds(), 3)
  );
}

/** A name for a new file. Names tell the order of the files, so it is greater than the last one whatever the clock says. */
export function nextIndexFileName(timeMs: number, lastName: string | undefined): string {
  const name = indexFileName(timeMs);
  if (lastName === undefined || name > lastName) return name;
  return indexFileName(localTimeOf(lastName) + 1) > lastName
    ? indexFileName(localTimeOf(lastName) + 1)
    : // In the hour that a change of the clocks repeats, a name stands for two times.
      (BigInt(lastName) + 1n).toString();
}

function localTimeOf(name: string): number {
  const part = (from: number, to: number): number => Number(name.slice(from, to));
  return new Date(
    part(0, 4),
    part(4, 6) - 1,
    part(6, 8),
    part(8, 10),
    part(10, 12),
    part(12, 14),
    part(14, 17),
  ).getTime();
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
