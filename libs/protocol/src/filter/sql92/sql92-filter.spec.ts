import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../message/message-encoder.js';
import { encodeProperties } from '../../message/properties.js';
import { SQL92_DEPTH_MAX, SQL92_EXPRESSION_MAX_LENGTH, SQL92_LIST_ITEMS_MAX } from './limits.js';
import { Sql92Error } from './sql92-error.js';
import { Sql92Filter } from './sql92-filter.js';
import { Verdict } from './verdict.js';

function verdict(expression: string, properties: Record<string, string> | Buffer): Verdict {
  const bytes = Buffer.isBuffer(properties) ? properties : Buffer.from(encodeProperties(properties));
  return new Sql92Filter(expression).verdict(bytes, 0, bytes.length);
}

function refusal(expression: string): Sql92Error {
  try {
    new Sql92Filter(expression);
  } catch (error) {
    if (error instanceof Sql92Error) return error;
    throw error;
  }
  throw new Error(`${expression.slice(0, 80)} was accepted`);
}

/** The verdicts themselves are compared with RocketMQ's in libs/protocol/golden/filters.spec.ts. */
describe('Sql92Filter', () => {
  it('reads the properties of a message where they stand', () => {
    const block = encodeProperties({ other: 'a=5', region: 'eu', amount: '12' });
    const bytes = Buffer.from(`region\u0001us\u0002${block}region\u0001us\u0002`);
    const filter = new Sql92Filter("region = 'eu' AND amount > 10");
    expect(filter.propertyNames).toEqual(['region', 'amount']);
    const start = 'region\u0001us\u0002'.length;
    expect(filter.matches(bytes, start, start + block.length)).toBe(true);
    expect(filter.matches(bytes, 0, start)).toBe(false);
  });

  it('reads a block as consumers do: the last of equal names counts, and a property without a value is missing', () => {
    const block = (text: string): Buffer => Buffer.from(text.replaceAll('=', '\u0001').replaceAll(';', '\u0002'));
    expect(verdict("a = '2'", block('a=1;a=2;'))).toBe(Verdict.TRUE);
    expect(verdict("a = '1'", block('a=1;a=;'))).toBe(Verdict.TRUE);
    expect(verdict('a IS NULL', block('a=;'))).toBe(Verdict.TRUE);
    expect(verdict('a IS NULL', block('ab=1;xa=1;=1;a;;A=1'))).toBe(Verdict.TRUE);
    expect(verdict('b = 7', block('a;b=7'))).toBe(Verdict.TRUE);
    expect(verdict("a CONTAINS 'x'", block('a=y=x;'))).toBe(Verdict.TRUE);
    expect(verdict('TRUE', block(''))).toBe(Verdict.TRUE);
  });

  it('takes bytes that are no UTF-8 as other texts take them', () => {
    const bytes = Buffer.concat([Buffer.from('a\u0001'), Buffer.from([0xff, 0x78])]);
    expect(verdict("a = '\ufffdx'", bytes)).toBe(Verdict.TRUE);
    expect(verdict("a IN ('\ufffdx')", bytes)).toBe(Verdict.TRUE);
    expect(verdict("a STARTSWITH '\ufffd'", bytes)).toBe(Verdict.TRUE);
    expect(verdict("a = '\u00ffx'", bytes)).toBe(Verdict.FALSE);
    expect(verdict("a IN ('\u00ffx')", bytes)).toBe(Verdict.FALSE);
  });

  it.each([
    ['10.0.0.1:5', 'Orders'],
    ['[2001:db8::7]:5', 'Orders'],
    ['10.0.0.1:5', `%RETRY%${'g'.repeat(140)}`],
  ])('finds the properties of a stored record (born at %s, topic %s)', (bornHost, topic) => {
    const record = encodeMessage({
      ...{ topic, bornHost, storeHost: '10.0.0.2:10911', body: Buffer.from('a\u0001wrong\u0002') },
      ...{ properties: { a: 'right' }, queueId: 1, queueOffset: 2, physicalOffset: 3, sysFlag: 0, flag: 0 },
      ...{ bornTimestamp: 4, storeTimestamp: 5, reconsumeTimes: 0, preparedTransactionOffset: 0 },
    });
    const bytes = Buffer.concat([Buffer.alloc(7), record, Buffer.from('a\u0001wrong\u0002')]);
    expect(new Sql92Filter("a = 'right'").matchesRecord(bytes, 7, record.length)).toBe(true);
    expect(new Sql92Filter("a = 'wrong'").matchesRecord(bytes, 7, record.length)).toBe(false);
  });

  it('tells where text begins that RocketMQ would ignore', () => {
    expect(new Sql92Filter('a = 1').ignoredFrom).toBeUndefined();
    expect(new Sql92Filter('a = 1 -- why\n').ignoredFrom).toBeUndefined();
    expect(new Sql92Filter('a = 1\n  b = 2').ignoredFrom).toEqual({ line: 2, column: 3, index: 8 });
  });

  it.each([
    ['', 1, 1, 'a property, a value, NOT or ( is expected, but the end of the expression stands there'],
    ['a = ', 1, 5, 'a property, a value, NOT or ( is expected, but the end of the expression stands there'],
    ['a = 1 AND\n\tb ==', 2, 5, 'a property, a value, NOT or ( is expected, but = stands there'],
    ['a\r\n!= 1', 2, 1, 'no word begins with "!"'],
    ['a = \u{1f600}', 1, 5, 'no word begins with "\u{1f600}"'],
    ["a = 'x", 1, 5, "this text does not end: a ' is missing"],
    ['a = 1 /* x', 1, 7, 'this comment does not end'],
    ['a BETWEEN 5 AND 1', 1, 11, 'the first limit of BETWEEN is above the second'],
    ['a BETWEEN 5 OR 1', 1, 13, 'AND between the two limits is expected, but OR stands there'],
    ["a > 'x'", 1, 5, 'a text cannot be compared by > or BETWEEN: only numbers and properties can'],
    ['a > TRUE', 1, 5, 'a condition cannot be compared by > or BETWEEN: only numbers and properties can'],
    ['a = NULL', 1, 5, 'NULL cannot be compared: write IS NULL or IS NOT NULL'],
    ["TRUE = 'x'", 1, 1, 'TRUE and FALSE cannot be compared with a text or a number'],
    ['5 IN (1)', 1, 7, "a text in '...' is expected, but 1 stands there"],
    ["5 IN ('x')", 1, 1, 'only a property can stand before IN'],
    ["a IN ('x' 'y')", 1, 11, ", or ) in the list is expected, but the text 'y' stands there"],
    ['a NOT b', 1, 7, 'BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH behind NOT is expected, but b stands there'],
    ['a IS NOT 5', 1, 10, 'NULL is expected, but 5 stands there'],
    ['(a = 1', 1, 7, 'an operator or ) is expected, but the end of the expression stands there'],
    ['a AND 5', 1, 7, 'a condition must stand here, not a value'],
    ['a = 9223372036854775808', 1, 5, '9223372036854775808 is above 9223372036854775807'],
    ['a = 1e999', 1, 5, '1e999 is above 1.7976931348623157E308'],
    ['a = 0.0', 1, 5, '0.0 is below 4.9E-324: write 0 for zero'],
  ])('refuses %j at line %i, column %i', (expression, line, column, problem) => {
    const error = refusal(expression);
    expect(error.problem).toBe(problem);
    expect(error.place).toMatchObject({ line, column });
    expect(error.code).toBe('SQL92_EXPRESSION');
    expect(error.message).toBe(`the SQL92 expression is wrong at line ${line}, column ${column}: ${problem}`);
  });

  it('has limits', () => {
    const deep = (levels: number): string => `${'('.repeat(levels)}a = 1${')'.repeat(levels)}`;
    expect(verdict(deep(SQL92_DEPTH_MAX), { a: '1' })).toBe(Verdict.TRUE);
    expect(refusal(deep(SQL92_DEPTH_MAX + 1)).problem).toContain('128 levels');
    const list = (items: number): string => `a IN (${Array<string>(items).fill("'x'").join(',')})`;
    expect(verdict(list(SQL92_LIST_ITEMS_MAX), { a: 'x' })).toBe(Verdict.TRUE);
    expect(refusal(list(SQL92_LIST_ITEMS_MAX + 1)).problem).toContain('4096');
    const long = (length: number): string => 'a = 1'.padEnd(length);
    expect(verdict(long(SQL92_EXPRESSION_MAX_LENGTH), { a: '1' })).toBe(Verdict.TRUE);
    expect(refusal(long(SQL92_EXPRESSION_MAX_LENGTH + 1)).problem).toContain('32769 characters');
  });

  it.each(['(', '-', '+', 'NOT ', 'a OR (', 'NOT (', 'a = ', 'a > 1 AND NOT ', "'x' = ", '/*', '--', '--\n-'])(
    'is not brought down by rows of %j',
    (piece) => {
      expect(refusal(piece.repeat(Math.floor(SQL92_EXPRESSION_MAX_LENGTH / piece.length))).problem).not.toBe('');
    },
  );

  it('is not brought down by chains of tests, and takes long rows of AND and OR', () => {
    expect(refusal(`a${' IS NULL'.repeat(4_000)}`).problem).toContain('128 levels');
    expect(refusal(`a${" CONTAINS 'x'".repeat(2_000)}`).problem).toContain('128 levels');
    expect(refusal(`a${' = b'.repeat(4_000)}`).problem).toContain('128 levels');
    expect(verdict(`a = 1${' OR a = 2'.repeat(3_000)}`, { a: '2' })).toBe(Verdict.TRUE);
    expect(verdict(`a = 2${' AND a = 2'.repeat(3_000)}`, { a: '2' })).toBe(Verdict.TRUE);
  });

  it('throws nothing but its own error, whatever it reads', () => {
    const words =
      "( ) , = <> < <= > >= + - NOT AND OR BETWEEN IN IS NULL TRUE FALSE CONTAINS STARTSWITH ENDSWITH a b 5 -5 1.5 2L 'x' ' -- /* */ \n # é";
    const piece = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...words.split(' ')) }, fc.string({ maxLength: 4 }));
    const expression = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(' '));
    const properties = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.string({ minLength: 1 }));
    let accepted = 0;
    fc.assert(
      fc.property(expression, properties, (text, set) => {
        const bytes = Buffer.from(Object.entries(set).flat().join('\u0001'));
        try {
          const filter = new Sql92Filter(text);
          accepted++;
          expect(Object.values(Verdict)).toContain(filter.verdict(bytes, 0, bytes.length));
        } catch (error) {
          expect(error).toBeInstanceOf(Sql92Error);
          const { line, column, index } = (error as Sql92Error).place;
          expect(index).toBeLessThanOrEqual(text.length);
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
        }
      }),
      { numRuns: 3_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('keeps the laws of three-valued logic', () => {
    const term = fc.constantFrom(
      'a = 1',
      'b = 1',
      'c > 5',
      "a IN ('1', '2')",
      'b IS NULL',
      'a BETWEEN b AND 9',
      'NULL',
      'TRUE',
      'FALSE',
      'c',
    );
    const properties = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', '7'));
    fc.assert(
      fc.property(term, term, properties, (x, y, set) => {
        const ask = (expression: string): Verdict => verdict(expression, set);
        expect(ask(`NOT (NOT (${x}))`)).toBe(ask(x));
        expect(ask(`NOT ((${x}) AND (${y}))`)).toBe(ask(`(NOT (${x})) OR (NOT (${y}))`));
        expect(ask(`(${x}) AND (${y})`)).toBe(ask(`(${y}) AND (${x})`));
        expect(ask(`(${x}) OR (${y})`)).toBe(ask(`(${y}) OR (${x})`));
        expect(ask(`a NOT BETWEEN 1 AND 2`)).toBe(ask(`NOT (a BETWEEN 1 AND 2)`));
      }),
      { numRuns: 500 },
    );
  });

  it('may be used for several messages, and by several readers', () => {
    const filter = new Sql92Filter("a = 'x' OR b = 5");
    const blocks = [{ a: 'x' }, { b: '5' }, { a: 'y' }, {}, { a: 'x' }].map((set) =>
      Buffer.from(encodeProperties(set)),
    );
    expect(blocks.map((block) => filter.verdict(block, 0, block.length))).toEqual([
      Verdict.TRUE,
      Verdict.TRUE,
      Verdict.UNKNOWN,
      Verdict.UNKNOWN,
      Verdict.TRUE,
    ]);
  });
});
