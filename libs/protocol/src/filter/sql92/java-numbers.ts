import { trimLikeJava } from '../java-text.js';

const INT_MIN = -2_147_483_648;
const INT_MAX = 2_147_483_647;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;
/** Texts of so many characters, sign included, are below 2^53. */
const SAFE_DIGITS = 15;

/** A Java long: a number as long as it is exact, else a bigint. Both compare exactly with each other by `<` and `>`; equal values have the same form. */
export type JavaLong = number | bigint;

/** `Integer.valueOf(text)`; NaN where Java throws. */
export function parseJavaInt(text: string): number {
  const value = parseJavaLong(text);
  return typeof value === 'number' && value >= INT_MIN && value <= INT_MAX ? value : NaN;
}

/** `Long.valueOf(text)`: a sign, then digits of any script, nothing else; NaN where Java throws. */
export function parseJavaLong(text: string): JavaLong {
  const first = text.charCodeAt(0);
  const start = first === 43 || first === 45 ? 1 : 0;
  if (text.length === start) return NaN;
  let value = 0;
  for (let at = start; at < text.length; at++) {
    const digit = digitOf(text.charCodeAt(at));
    if (digit < 0) return NaN;
    value = value * 10 + digit;
  }
  if (text.length > SAFE_DIGITS && !Number.isSafeInteger(value)) return parseLargeLong(text, start);
  return first === 45 ? 0 - value : value;
}

function parseLargeLong(text: string, start: number): JavaLong {
  let digits = '';
  for (let at = start; at < text.length; at++) {
    digits += String(digitOf(text.charCodeAt(at)));
    // Leading zeros may be any number; what follows them may not.
    if (digits === '0') digits = '';
    if (digits.length > 19) return NaN;
  }
  const value = text.charCodeAt(0) === 45 ? -BigInt(digits) : BigInt(digits);
  if (value < LONG_MIN || value > LONG_MAX) return NaN;
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** `Character.digit(code, 10)` for a UTF-16 unit: -1 for what is no decimal digit of any script. */
function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code < 0x660 || !isDigitCode(code)) return -1;
  // Rows of ten digits begin at ...0 or at ...6.
  return isDigitCode(code & ~0xf) ? code & 0xf : (code & 0xf) - 6;
}

function isDigitCode(code: number): boolean {
  return /^\p{Nd}$/u.test(String.fromCharCode(code));
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?$/;
const SPECIAL = /^([+-]?)(NaN|Infinity)$/;
const HEXADECIMAL = /^([+-]?)0[xX]([\dA-Fa-f]*)\.?([\dA-Fa-f]*)[pP]([+-]?\d+)[fFdD]?$/;

/** `Double.valueOf(text)`; undefined where Java throws. Blanks and control characters around the number are ignored, as in Java. */
export function parseJavaDouble(text: string): number | undefined {
  const number = trimLikeJava(text);
  if (DECIMAL.test(number)) {
    const last = number.charCodeAt(number.length - 1);
    return Number(last > 57 ? number.slice(0, -1) : number);
  }
  const special = SPECIAL.exec(number);
  if (special !== null) return special[1] === '-' ? -Number(special[2]) : Number(special[2]);
  const hexadecimal = HEXADECIMAL.exec(number);
  if (hexadecimal === null) return undefined;
  const [, sign, whole, fraction, exponent] = hexadecimal;
  if (whole === '' && fraction === '') return undefined;
  const value = hexadecimalDouble(BigInt(`0x${whole}${fraction}`), Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -value : value;
}

/** `mantissa * 2^exponent`, rounded once, to the nearest, ties to even. */
function hexadecimalDouble(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  const highest = bits - 1 + exponent;
  if (highest > 1023) return Infinity;
  if (highest < -1075) return 0;
  const precision = highest >= -1022 ? 53 : 53 - (-1022 - highest);
  const surplus = bits - precision;
  if (surplus <= 0) return Number(mantissa) * 2 ** exponent;
  const shift = BigInt(surplus);
  const half = 1n << (shift - 1n);
  const rest = mantissa & ((1n << shift) - 1n);
  let kept = mantissa >> shift;
  if (rest > half || (rest === half && (kept & 1n) === 1n)) kept++;
  // In two steps, since the power alone may be out of range where the product is not.
  const scale = exponent + surplus;
  return Number(kept) * 2 ** Math.min(scale, 1000) * 2 ** Math.max(0, scale - 1000);
}

/** `Double.compare`: -0 is below 0, and NaN above everything. */
export function compareDoubles(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b && a !== 0) return 0;
  const isNotANumberA = Number.isNaN(a);
  const isNotANumberB = Number.isNaN(b);
  if (isNotANumberA || isNotANumberB) return Number(isNotANumberA) - Number(isNotANumberB);
  return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
}

/** `compareTo` of integers and longs. */
export function compareLongs(a: JavaLong, b: JavaLong): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
