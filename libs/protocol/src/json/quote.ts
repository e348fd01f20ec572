const SHORT = new Map<number, string>([
  [0x08, '\\b'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);

/** 1 for each UTF-16 unit below 256 that fastjson writes escaped: `"`, `\`, C0 controls, DEL and C1 controls. */
const ESCAPED = new Uint8Array(256);
for (let unit = 0; unit < 256; unit++) {
  ESCAPED[unit] = unit < 0x20 || unit === 0x22 || unit === 0x5c || (unit >= 0x7f && unit < 0xa0) ? 1 : 0;
}

/** True when fastjson writes the unit as an escape. Lone surrogates have no UTF-8 and are escaped here too. */
function isEscaped(text: string, i: number, unit: number): boolean {
  if (unit < 256) return ESCAPED[unit] === 1;
  if (unit === 0x2028 || unit === 0x2029) return true;
  if (unit < 0xd800 || unit > 0xdfff) return false;
  const isHigh = unit < 0xdc00;
  const other = text.charCodeAt(isHigh ? i + 1 : i - 1);
  return isHigh ? !(other >= 0xdc00 && other <= 0xdfff) : !(other >= 0xd800 && other <= 0xdbff);
}

/** The text as a JSON string the way fastjson 1.2 writes it: upper-case hex, no escapes above 127 but the listed ones. */
export function quote(text: string): string {
  let out = '"';
  let pieceStart = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (!isEscaped(text, i, unit)) continue;
    out += text.substring(pieceStart, i) + (SHORT.get(unit) ?? unicodeEscape(unit));
    pieceStart = i + 1;
  }
  return out + text.substring(pieceStart) + '"';
}

/** The same with all but ASCII escaped, as in the standard-JSON form of route data. */
export function quoteAscii(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    out += unit < 0x7f && ESCAPED[unit] === 0 ? text[i] : (SHORT.get(unit) ?? unicodeEscape(unit));
  }
  return out + '"';
}

function unicodeEscape(unit: number): string {
  return '\\u' + unit.toString(16).toUpperCase().padStart(4, '0');
}
