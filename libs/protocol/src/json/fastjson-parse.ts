import { JSON_DEPTH_MAX, JSON_VALUES_MAX } from '../defaults.js';
import { ProtocolError } from '../errors.js';
import { FastjsonMap } from './fastjson-map.js';
import { checkJsonBounds } from './json-bounds.js';
import { resolveReferences } from './fastjson-references.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Reads JSON as fastjson writes it: strict JSON, and besides that bare numeric keys (`{0:"h:p"}`) and objects as keys
 * (`{{"topic":"t"}:1}`), which the Java broker and client emit for maps with such keys. `{"$ref":"$.a.b"}`, which fastjson writes
 * for an object it has written before, is resolved.
 *
 * Objects with text or numeric keys come back as plain objects (numeric keys as text), objects with object keys as {@link FastjsonMap}.
 * Integers beyond 2^53 lose precision only in strict JSON; elsewhere they are refused.
 *
 * @throws ProtocolError `PROTOCOL_BODY` when the text is not of this form, `PROTOCOL_LIMIT` above the limits of depth and size.
 * Source: `remoting/protocol/RemotingSerializable.java`, fastjson 1.2.
 */
export function parseFastjson(input: string | Buffer): unknown {
  const text = typeof input === 'string' ? input : input.toString('utf8');
  checkJsonBounds(text);
  const value = parseStrict(text) ?? new TolerantParser(text).parse();
  return text.includes('"$ref"') ? resolveReferences(value) : value;
}

/** Most bodies are strict JSON, which the engine reads many times faster. Null and what is not strict JSON give undefined. */
function parseStrict(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

class TolerantParser {
  private position = 0;
  private values = 0;

  constructor(private readonly text: string) {}

  parse(): unknown {
    const value = this.value(0);
    this.skipBlanks();
    if (this.position < this.text.length) this.fail('the end');
    return value;
  }

  private value(depth: number): unknown {
    if (depth > JSON_DEPTH_MAX) {
      throw new ProtocolError('PROTOCOL_LIMIT', `the JSON body nests deeper than ${JSON_DEPTH_MAX} levels`);
    }
    if (++this.values > JSON_VALUES_MAX) {
      throw new ProtocolError('PROTOCOL_LIMIT', `the JSON body has more than ${JSON_VALUES_MAX} values`);
    }
    this.skipBlanks();
    switch (this.text[this.position]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  private object(depth: number): unknown {
    this.position++;
    const entries: [unknown, unknown][] = [];
    let objectKeys = false;
    if (!this.closes('}')) {
      do {
        const key = this.value(depth + 1);
        objectKeys ||= typeof key === 'object' && key !== null;
        this.skipBlanks();
        if (this.text[this.position++] !== ':') this.fail("':'");
        entries.push([key, this.value(depth + 1)]);
      } while (this.continues('}'));
    }
    if (objectKeys) return new FastjsonMap(entries);
    return Object.fromEntries(entries.map(([key, value]) => [String(key), value]));
  }

  private array(depth: number): unknown[] {
    this.position++;
    const items: unknown[] = [];
    if (this.closes(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.continues(']'));
    return items;
  }

  private closes(bracket: string): boolean {
    this.skipBlanks();
    if (this.text[this.position] !== bracket) return false;
    this.position++;
    return true;
  }

  private continues(bracket: string): boolean {
    this.skipBlanks();
    const next = this.text[this.position++];
    if (next === ',') return true;
    if (next === bracket) return false;
    return this.fail(`',' or '${bracket}'`);
  }

  private string(): string {
    const start = this.position;
    for (let at = start + 1; at < this.text.length; at++) {
      const unit = this.text.charCodeAt(at);
      if (unit === BACKSLASH) at++;
      else if (unit === QUOTE) {
        this.position = at + 1;
        const literal = this.text.slice(start, at + 1);
        try {
          return JSON.parse(literal) as string;
        } catch {
          return this.fail('a string');
        }
      }
    }
    return this.fail("'\"'");
  }

  private number(): number {
    NUMBER.lastIndex = this.position;
    const match = NUMBER.exec(this.text)?.[0];
    if (match === undefined) return this.fail('a value');
    const value = Number(match);
    if (Number.isInteger(value) && !Number.isSafeInteger(value) && !/[.eE]/.test(match)) {
      throw new ProtocolError('PROTOCOL_BODY', `the JSON body has the integer ${match}, beyond what is exact`);
    }
    this.position += match.length;
    return value;
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.position)) return this.fail('a value');
    this.position += word.length;
    return value;
  }

  private skipBlanks(): void {
    for (;;) {
      const unit = this.text.charCodeAt(this.position);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.position++;
    }
  }

  private fail(wanted: string): never {
    const at = Math.min(this.position, this.text.length);
    throw new ProtocolError(
      'PROTOCOL_BODY',
      `the JSON body cannot be read at character ${at}: ${wanted} expected, found ${JSON.stringify(this.text.slice(at, at + 20))}`,
      { position: at },
    );
  }
}
