import { MAX_TOLD_ISSUES } from '../defaults.js';
import { RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';
import { pathText, type StandardIssue } from './standard-schema.js';

/** One problem of a payload. */
export interface PayloadIssue {
  /** `items[0].price`; empty for the payload as a whole. */
  readonly path: string;
  readonly message: string;
}

/**
 * A payload does not fit the schema of its topic. A producer throws it before anything is sent; at a consumer it makes a dead letter of the
 * message at once, unless a `retry` policy says otherwise, because another delivery would bring the same payload.
 */
export class PayloadValidationError extends RocketMQPluginError {
  readonly topic: string;
  /** All problems, also those that the text leaves out. */
  readonly issues: readonly PayloadIssue[];

  constructor(topic: string, issues: readonly PayloadIssue[], vendor: string, cause?: unknown) {
    super(
      RocketMQPluginErrorCode.VALIDATION,
      `the payload does not fit the schema (${vendor}) of topic "${topic}": ${textOf(issues)}`,
      { cause, details: { topic, issues, vendor } },
    );
    this.name = 'PayloadValidationError';
    this.topic = topic;
    this.issues = issues;
  }

  static of(topic: string, issues: readonly StandardIssue[], vendor: string): PayloadValidationError {
    const own = issues.map(({ path, message }) => ({ path: pathText(path), message: String(message) }));
    return new PayloadValidationError(topic, own, vendor);
  }
}

function textOf(issues: readonly PayloadIssue[]): string {
  const told = issues
    .slice(0, MAX_TOLD_ISSUES)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const more = issues.length - told.length;
  return told.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
