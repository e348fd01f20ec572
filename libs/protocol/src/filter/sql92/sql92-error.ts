import { RocknestError } from '../../errors.js';

/** A place in an expression, for humans: lines and columns begin at 1, a tab is one column. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
  /** Index of the character, from 0. */
  readonly index: number;
}

/** An SQL92 expression that cannot be compiled. The message names the place; `details` has it as numbers. Never retriable. */
export class Sql92Error extends RocknestError {
  /** What is wrong, without the place. */
  readonly problem: string;
  readonly place: TextPlace;

  constructor(problem: string, place: TextPlace) {
    super(
      'SQL92_EXPRESSION',
      `the SQL92 expression is wrong at line ${place.line}, column ${place.column}: ${problem}`,
      {
        details: { ...place, problem },
      },
    );
    this.problem = problem;
    this.place = place;
  }
}

/** The place of a character; it is found only when somebody is to be told. */
export function placeOf(text: string, index: number): TextPlace {
  let line = 1;
  let lineStart = 0;
  for (let at = 0; at < index; at++) {
    const code = text.charCodeAt(at);
    const isBreak = code === 10 || (code === 13 && text.charCodeAt(at + 1) !== 10);
    if (!isBreak) continue;
    line++;
    lineStart = at + 1;
  }
  return { line, column: index - lineStart + 1, index };
}
