/** Defects of the client. */
import type { Defect } from './defect.js';

const CLIENT = 'src/client/client.ts';

export const CLIENT_DEFECTS: readonly Defect[] = [
  {
    name: 'client: retries under a new number',
    what: 'each attempt of a call gets a number of its own: no master can know it for a retry',
    violates: /^I|^history/,
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
    violates: /^I|^history/,
    edits: [
      {
        file: CLIENT,
        find: 'return sn === 0 ? { stale: true } : { atLeastSn: sn, waitMs: this.settings.standbyWaitMs };',
        replace: 'return { stale: sn >= 0 };',
      },
    ],
  },
];
