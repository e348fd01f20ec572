import { propertiesPosition } from '../../message/message-layout.js';
import { compileNode, type Condition } from './compile.js';
import { parseSql92 } from './parser.js';
import { PropertySlots } from './property-slots.js';
import type { TextPlace } from './sql92-error.js';
import { Verdict } from './verdict.js';

/** A compiled SQL92 expression. It keeps no state between messages, and may be shared. */
export class Sql92Filter {
  /**
   * Where text begins that belongs to no expression. RocketMQ's brokers take such an expression and ignore the rest, so brokers must; whoever
   * writes one should be told.
   */
  readonly ignoredFrom: TextPlace | undefined;
  private readonly slots = new PropertySlots();
  private readonly condition: Condition;

  /** @throws Sql92Error where the expression is wrong, or beyond a limit. */
  constructor(readonly expression: string) {
    const { tree, ignoredFrom } = parseSql92(expression);
    this.ignoredFrom = ignoredFrom;
    this.condition = compileNode(tree, this.slots);
  }

  /** The properties that decide. */
  get propertyNames(): readonly string[] {
    return this.slots.names;
  }

  /** What the expression says of a message whose property block stands in `[start, end)` of the bytes. */
  verdict(bytes: Buffer, start: number, end: number): Verdict {
    this.slots.load(bytes, start, end);
    const verdict = this.condition();
    this.slots.unload();
    return verdict;
  }

  /** True when the message is wanted. */
  matches(bytes: Buffer, start: number, end: number): boolean {
    return this.verdict(bytes, start, end) === Verdict.TRUE;
  }

  /** {@link matches} for a stored record that stands at `at`. */
  matchesRecord(bytes: Buffer, at: number, sizeBytes: number): boolean {
    return this.matches(bytes, propertiesPosition(bytes, at), at + sizeBytes);
  }
}
