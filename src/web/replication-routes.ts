/** How all masters replicate: the same on every master, as the leader tells it; while nobody leads, as the one sees it that is asked. */
import { type TSchema, Type } from 'typebox';
import { UnderstudyError } from '../base/errors.js';
import { shownReplication } from '../client/replication.js';
import type { WebApp, WebContext } from './web-app.js';

const text = (description: string) => Type.String({ description });
const whole = (description: string) => Type.Integer({ minimum: 0, description });
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const Digest = Type.Object({
  result: Type.Enum(['agree', 'differ', 'not compared yet'], { description: 'Whether its state is the same as that of who tells.' }),
  sn: orNull(whole('The entry as of which both were taken.')),
});

const Lag = Type.Object({
  entries: whole('That it has not applied.'),
  bytes: whole('Of the journal, that it has not applied.'),
  bytesAtLeast: Type.Boolean({ description: 'There are more bytes: it is behind where who tells began to count.' }),
  sn: whole('Of the last entry that it has applied.'),
  ms: whole('Since the first entry was committed that it has not applied.'),
});

const ReplicatingMaster = Type.Object({
  address: text('Its RPC address, host:port.'),
  mode: Type.Enum(['leader', 'candidate', 'observer', 'never seen'], { description: 'A candidate may lead, an observer never does.' }),
  seen: Type.Boolean({ description: 'It answered now. Else all the rest is as of when it was last seen, as if it had stood still since.' }),
  lastSeenMs: orNull(whole('Unix time in milliseconds when it last said something; null: never, as far as who tells knows.')),
  why: text('Why it is not seen; what is wrong with it, where it is; empty when nothing is.'),
  state: text('ACTIVE, PASSIVE, BECOMING_ACTIVE or BECOMING_PASSIVE; empty where it never said.'),
  source: Type.Enum(['itself', 'stream', 'journal', 'checkpoint', 'rebuilding', 'nowhere', 'not seen'], {
    description:
      'Where its entries come from: the memory of the leader, the journal; a checkpoint that is being loaded; rebuilding: its store is being opened or made anew.',
  }),
  epoch: whole('Newest epoch that it has applied.'),
  lag: orNull(Lag),
  digest: Digest,
  verified: Type.Boolean({ description: 'Its store has been found sound since it was opened: it may lead.' }),
  clock: orNull(
    Type.Object({
      aheadMs: Type.Integer({ description: 'By how much its clock is ahead of that of who tells.' }),
      errorMs: whole('How exactly that is known.'),
    }),
  ),
  version: text('Of its program; empty where it never said.'),
  webAddress: text('host:port; empty where it never said.'),
  knownFrom: Type.Enum(['settings', 'election', 'journal', 'stream'], { description: 'What names it.' }),
});

const Replication = Type.Object({
  atMs: whole('Unix time in milliseconds as of which this is told.'),
  by: text('Who tells: host:port of the leader, or, while none answers, of this master.'),
  why: text('Why it is not the leader who tells; empty where it is.'),
  leader: text('host:port; empty while nobody leads, as far as is known.'),
  epoch: whole('Number of the leadership.'),
  endSn: whole('Newest entry that is known to be committed.'),
  masters: Type.Array(ReplicatingMaster, { description: 'The leader first, then by address.' }),
});

export function replicationRoutes(app: WebApp, context: WebContext): void {
  const description =
    'How all masters replicate, as the leader tells it; while nobody leads, as this master sees it. Told anew once a second.';
  app.get(
    '/monitor/replication',
    { schema: { summary: 'How all masters replicate', description, response: { 200: Replication } } },
    async () => {
      const { master } = context;
      if (master === null) throw new UnderstudyError('unavailable', 'this master starts');
      const told = shownReplication(await master.replication.told());
      return { ...told, masters: [...told.masters] };
    },
  );
}
