import { MQClientError, MQClientErrorCode } from '../errors.js';

/**
 * A whole number of an option.
 *
 * @throws MQClientError INVALID_ARGUMENT naming the option, the value and the range.
 */
export function integerOption(
  name: string,
  value: number | undefined,
  fallback: number,
  min = 1,
  max = 2_147_483_647,
): number {
  const given = value ?? fallback;
  if (!Number.isSafeInteger(given) || given < min || given > max) {
    throw new MQClientError(
      MQClientErrorCode.INVALID_ARGUMENT,
      `option ${name} is ${String(given)}, must be a whole number from ${min} to ${max}`,
      { details: { option: name, value: given, min, max } },
    );
  }
  return given;
}

export function invalidArgument(message: string, details: Record<string, unknown> = {}): MQClientError {
  return new MQClientError(MQClientErrorCode.INVALID_ARGUMENT, message, { details });
}
