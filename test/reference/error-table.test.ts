/**
 * What each operation is refused with, one row a case, in the manner of pjdfstest; the program and the reference model have to say the same.
 * docs/operations.md tells exactly these errors (operations-document.test.ts).
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Both } from './both.js';
import { ERROR_CASES, FIXTURE } from './error-cases.js';

let both: Both;

beforeAll(async () => {
  both = await Both.begin();
  for (const line of FIXTURE) await both.line(line);
  await both.line('commit');
  // What stands there for the cases must have been made.
  for (const outcome of both.outcomes.keys()) expect(outcome).toMatch(/ ok$/);
});
afterAll(() => both.leader.close());

it.each(ERROR_CASES)('$errno $op, $who: $why', async ({ errno, op, who, client, request }) => {
  const before = new Map(both.outcomes);
  const isQuestion = client === null;
  await both.line(`${who} ${isQuestion ? '?' : client} ${op} ${JSON.stringify(request)}`);
  if (!isQuestion) await both.line('commit');
  const told = [...both.outcomes].filter(([outcome, count]) => count !== before.get(outcome)).map(([outcome]) => outcome);
  expect(told).toEqual([`${op} ${errno}`]);
});
