/** A time as the Java client takes it for CONSUME_FROM_TIMESTAMP: `yyyyMMddHHmmss`, local. */
export function consumeTimestamp(ms: number): string {
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${at.getFullYear()}${[at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join('')}`;
}
