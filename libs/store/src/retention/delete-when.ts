import { StoreError } from '../errors.js';

/** Local hours of the day, from RocketMQ's `deleteWhen`: `04`, or several joined by `;` (`UtilAll.isItTimeToDo`). Throws `STORE_OPTIONS`. */
export function parseDeleteWhen(text: string): ReadonlySet<number> {
  const hours = new Set<number>();
  for (const part of text.split(';')) {
    const hour = part.trim();
    if (hour === '') continue;
    if (!/^\d{1,2}$/.test(hour) || Number(hour) > 23) throw wrong(text, `"${hour}" is no hour`);
    hours.add(Number(hour));
  }
  if (hours.size === 0) throw wrong(text, 'it names no hour');
  return hours;
}

/** True during the whole of each of the hours, in the time zone of the process. */
export function isTimeToDelete(hours: ReadonlySet<number>, nowMs: number): boolean {
  return hours.has(new Date(nowMs).getHours());
}

function wrong(text: string, problem: string): StoreError {
  return new StoreError(
    'STORE_OPTIONS',
    `deleteWhen is "${text}": ${problem}. Hours from 00 to 23 are possible, joined by ";": "04" or "02;14".`,
    { deleteWhen: text },
  );
}
