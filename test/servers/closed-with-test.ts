import { onTestFinished } from 'vitest';

/** @returns `thing`, which is closed when the test ends, however it does. */
export function closedWithTest<T extends { close(): void | Promise<void> }>(thing: T): T {
  onTestFinished(() => thing.close());
  return thing;
}
