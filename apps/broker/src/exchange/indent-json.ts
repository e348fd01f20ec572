const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Breaks compact JSON into lines, indented by tabs as RocketMQ's files are. Whatever stands outside of strings is kept, bare keys too. */
export function indentJson(text: string): string {
  const parts: string[] = [];
  let depth = 0;
  let pieceStart = 0;
  const breakLine = (end: number): void => {
    parts.push(text.slice(pieceStart, end), '\n', '\t'.repeat(depth));
    pieceStart = end;
  };
  for (let at = 0; at < text.length; at++) {
    const unit = text[at];
    if (text.charCodeAt(at) === QUOTE) {
      at = stringEnd(text, at);
    } else if (unit === '{' || unit === '[') {
      // An empty one stays on its line.
      if (text[at + 1] === '}' || text[at + 1] === ']') at++;
      else {
        depth++;
        breakLine(at + 1);
      }
    } else if (unit === '}' || unit === ']') {
      depth--;
      breakLine(at);
    } else if (unit === ',') {
      breakLine(at + 1);
    }
  }
  parts.push(text.slice(pieceStart));
  return parts.join('');
}

/** Place of the quote that ends the string which begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === BACKSLASH) at++;
    else if (unit === QUOTE) return at;
  }
  return text.length;
}
