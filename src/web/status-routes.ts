/** Who this master is: the state as Apache Atlas tells it, and all that is known of it besides. */
import { Type } from 'typebox';
import { outwardMessage } from './outward-message.js';
import { ownStatus } from './own-status.js';
import type { WebApp, WebContext } from './web-app.js';

const State = Type.Enum(['ACTIVE', 'PASSIVE', 'BECOMING_ACTIVE', 'BECOMING_PASSIVE'], {
  description: 'ACTIVE: it leads, which the journal has confirmed within the last 100 ms.',
});

const AtlasStatus = Type.Object({ Status: State });

const text = (description: string) => Type.String({ description });
const whole = (description: string) => Type.Integer({ minimum: 0, description });

const MasterStatus = Type.Object({
  state: State,
  serves: Type.Boolean({ description: 'It leads, and its journal takes changes.' }),
  epoch: whole('Newest epoch that it has applied.'),
  appliedSn: whole('Sequence number of the last entry that it has applied.'),
  lag: Type.Object({
    entries: whole('That it knows to be committed and has not applied.'),
    ms: whole('For how long it has not known that there are no others; 0 on the leader.'),
  }),
  leader: text('RPC address, host:port, of the master that leads; empty where none is known.'),
  leaderWebAddress: text('Where that one can be asked over HTTP, host:port; empty where it is not known.'),
  sinceMs: whole('Unix time in milliseconds since which it is in this state; 0 while it starts.'),
  because: text('What brought it into this state.'),
  trouble: text('What is wrong; empty when nothing is.'),
  startedMs: whole('Unix time in milliseconds; 0 while it starts.'),
  rpcAddress: text('Its own, host:port.'),
  webAddress: text('Its own, host:port.'),
  observer: Type.Boolean({ description: 'It never leads.' }),
  verified: Type.Boolean({ description: 'Its store has been found sound since it was opened: it may lead.' }),
  version: text('Of the program.'),
  clusterId: text('Of its journal.'),
});

export function statusRoutes(app: WebApp, context: WebContext): void {
  const atlas = { summary: 'The state of this master, as Apache Atlas tells it', response: { 200: AtlasStatus } };
  app.get('/api/atlas/admin/status', { schema: atlas }, async () => {
    const { told } = await ownStatus(context);
    return { Status: told.state as never };
  });

  const status = { summary: 'How this master is', response: { 200: MasterStatus } };
  app.get('/api/v1/master/status', { schema: status }, async () => {
    const { told, refused } = await ownStatus(context);
    return {
      state: told.state as never,
      serves: told.serves ?? false,
      epoch: told.epoch ?? 0,
      appliedSn: told.appliedSn ?? 0,
      lag: { entries: told.behind?.entries ?? 0, ms: told.behind?.ms ?? 0 },
      leader: told.leader ?? '',
      leaderWebAddress: refused === null ? (told.webAddress ?? '') : (context.master?.leaderPlace.fedFrom?.webAddress ?? ''),
      sinceMs: told.sinceMs ?? 0,
      because: outwardMessage(told.because ?? ''),
      trouble: outwardMessage(told.reason ?? ''),
      startedMs: told.startedMs ?? 0,
      rpcAddress: told.rpcAddress ?? '',
      webAddress: told.webAddress ?? '',
      observer: told.observer ?? false,
      verified: told.verified ?? false,
      version: told.version ?? '',
      clusterId: told.clusterId ?? '',
    };
  });
}
