/** Waits for a condition under a deadline: what tests do instead of sleeping. */

/** What passes between two looks counts for this much at most: longer is a pause of the machine, in which nothing could happen. */
const LOOK_MAX_MS = 2_000;

export async function waitUntil(what: string, holds: () => boolean | Promise<boolean>, limitMs = 15_000): Promise<void> {
  let waitedMs = 0;
  for (let lookedMs = performance.now(); !(await holds()); ) {
    const nowMs = performance.now();
    waitedMs += Math.min(LOOK_MAX_MS, nowMs - lookedMs);
    lookedMs = nowMs;
    if (waitedMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
