import { RequestCode } from '../codes/request-code.js';

/** The compact header keeps 16 bits of the code. */
const INT16_MIN = -32_768;
const INT16_MAX = 32_767;

/** Codes that don't fit 16 bits (the POP family) by what is left of them; none of these is a code of its own. */
const TRUNCATED = new Map<number, number>();
for (const code of Object.values(RequestCode)) {
  if (code > INT16_MAX) TRUNCATED.set((code << 16) >> 16, code);
}

export function fitsCompactHeader(code: number): boolean {
  return code >= INT16_MIN && code <= INT16_MAX;
}

/** The request code that a compact header meant. The Java broker leaves a truncated code as it is and answers "not supported". */
export function restoreRequestCode(code: number): number {
  return TRUNCATED.get(code) ?? code;
}
