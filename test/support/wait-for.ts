/**
 * Waits until `condition` holds, looking again every few milliseconds, and fails with `what` when `timeoutMs` have passed.
 * Tests wait for a condition with it, never for the clock alone.
 *
 * @returns what the condition returned when it was truthy.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  what = 'the condition',
  timeoutMs = 15_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
