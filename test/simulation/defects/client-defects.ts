/** Defects of the client. */
import type { Defect } from './defect.js';

const CLIENT = 'src/client/client.ts';
const ATTEMPTS = 'src/client/call-attempts.ts';

export const CLIENT_DEFECTS: readonly Defect[] = [
  {
    name: 'client: retries under a new number',
    what: 'each attempt of a call gets a number of its own: no master can know it for a retry',
    violates: /^history/,
    edits: [
      {
        file: CLIENT,
        find: 'const body = (attempt: number) => encodeMessage(operation.request, this.#signed(request, session, callId, attempt));',
        replace: `const body = (attempt: number) =>
      encodeMessage(
        operation.request,
        this.#signed(request, session, attempt === 1 ? callId : (session.window.tryEnter() ?? callId), attempt),
      );`,
      },
    ],
  },
  {
    name: 'client: forgets what it saw',
    what: 'a read on any master does not say how new the state is that its client has seen',
    violates: /^history/,
    edits: [
      {
        file: CLIENT,
        find: 'return sn === 0 ? { stale: true } : { atLeastSn: sn, waitMs: this.settings.standbyWaitMs };',
        replace: 'return { stale: sn >= 0 };',
      },
    ],
  },
  {
    name: 'client: attempts not counted',
    what: 'a call that is sent again says that it is the first attempt: a refusal of it is not kept, and an earlier one may take effect later',
    violates: /^I|^history/,
    elsewhere: { file: 'test/client/client.test.ts', test: 'client: connection lost under way, the same call is sent again as attempt 2' },
    edits: [{ file: ATTEMPTS, find: 'connection.lost)) this.number += 1;', replace: 'connection.lost)) this.number += 0;' }],
  },
  {
    name: 'client: unknown told as failed',
    what: 'a change that was not answered in time is told as one that did not happen',
    violates: /^I|^history/,
    elsewhere: {
      file: 'test/client/client.test.ts',
      test: 'client: out of time with the outcome unknown, deadline_exceeded says that it may have happened',
    },
    edits: [
      {
        file: ATTEMPTS,
        find: "    if (unknown) return new UnderstudyError('deadline_exceeded'",
        replace: "    if (unknown && this.number < 0) return new UnderstudyError('deadline_exceeded'",
      },
    ],
  },
];
