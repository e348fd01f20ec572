import { compareDoubles, compareLongs, parseJavaDouble, parseJavaInt, parseJavaLong } from './java-numbers.js';
import type { NumberValue } from './syntax-tree.js';

/** Where Java throws. */
export const FAILED: unique symbol = Symbol('failed');

/** What an operand is for a message: a property is a text or null. */
export type Value = string | boolean | NumberValue | null | typeof FAILED;
type Comparable = Exclude<Value, null | typeof FAILED>;

/** What values of types that Java does not compare come out as: "less". */
const LESS = -1;

/** A property's text as a number of the type that it is compared with; undefined where Java throws. */
export function numberLike(text: string, type: NumberValue['type']): NumberValue | undefined {
  if (type === 'double') {
    const value = parseJavaDouble(text);
    return value === undefined ? undefined : { type, value };
  }
  const value = type === 'int' ? parseJavaInt(text) : parseJavaLong(text);
  return Number.isNaN(value) ? undefined : { type, value };
}

/**
 * Compares two values; undefined where Java throws.
 *
 * Follows `ComparisonExpression.__compare` with texts converted, a slip of it included: a boolean on the left of a text cannot be compared.
 */
export function compareValues(left: Comparable, right: Comparable): number | undefined {
  if (typeof left === 'string') {
    if (typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
    if (typeof right === 'boolean') return Number(isTrueText(left)) - Number(right);
    const number = numberLike(left, right.type);
    return number === undefined ? undefined : compareNumbers(number, right);
  }
  if (typeof left === 'boolean') {
    if (typeof right === 'string') return undefined;
    return typeof right === 'boolean' ? Number(left) - Number(right) : LESS;
  }
  if (typeof right === 'boolean') return LESS;
  if (typeof right !== 'string') return compareNumbers(left, right);
  const number = numberLike(right, left.type);
  return number === undefined ? undefined : compareNumbers(left, number);
}

/** Like {@link compareValues}, for `<` and its like: two texts are compared as numbers. */
export function compareInOrder(left: Comparable, right: Comparable): number | undefined {
  if (typeof left !== 'string' || typeof right !== 'string') return compareValues(left, right);
  const a = numberLike(left, 'double');
  const b = numberLike(right, 'double');
  return a === undefined || b === undefined ? undefined : compareNumbers(a, b);
}

/** `Boolean.valueOf`. */
export function isTrueText(text: string): boolean {
  return text.toLowerCase() === 'true';
}

/** `Integer`, `Long` and `Double` compared with each other (`ComparisonExpression.__compare`). */
export function compareNumbers(left: NumberValue, right: NumberValue): number {
  if (left.type === 'double' || right.type === 'double') return compareDoubles(Number(left.value), Number(right.value));
  return compareLongs(left.value, right.value);
}
