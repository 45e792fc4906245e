/** How real masters replicate, as `GET /monitor/replication` and `fsadmin report replication` tell it. */
import { expect, test } from 'vitest';
import type { ReplicatingMaster, ReplicationShown } from '../../src/client/replication.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import type { MasterProcess } from './master-process.js';

const LIMIT_MS = 20_000;

async function told(by: MasterProcess): Promise<ReplicationShown> {
  return (await (await fetch(`http://127.0.0.1:${by.place.webPort}/monitor/replication`)).json()) as ReplicationShown;
}

test('replication: two standbys; one is stopped, goes on, and is killed', async () => {
  const cluster = await Cluster.start({ masters: 3 });
  const leader = await cluster.leader();
  const [other, watched] = cluster.others(leader) as [MasterProcess, MasterProcess];
  const fs = await cluster.client({ masters: [leader.address] });
  const of = async (master: MasterProcess, by = leader) =>
    (await told(by)).masters.find(({ address }) => address === master.address) as ReplicatingMaster;
  const becomes = async (what: string, master: MasterProcess, is: (shown: ReplicatingMaster) => boolean) => {
    await waitUntil(what, async () => is(await of(master)), LIMIT_MS);
    return of(master);
  };
  const changes = async (count: number, from: string) => {
    for (let at = 0; at < count; at++) await fs.createDirectory(`/${from}-${at}`);
  };

  await changes(10, 'a');
  for (const standby of [other, watched]) {
    const shown = await becomes(
      'it is fed and compared',
      standby,
      ({ source, digest }) => source === 'stream' && digest.result === 'agree' && (digest.sn ?? 0) > 0,
    );
    expect(shown).toMatchObject({ seen: true, mode: 'candidate', knownFrom: 'settings', state: 'PASSIVE' });
    expect(shown.digest.sn).toBeGreaterThan(0);
    expect(shown.digest.sn).toBeLessThanOrEqual((await told(leader)).endSn);
  }
  // Whoever is asked tells what the leader sees.
  expect(await told(other)).toMatchObject({ by: leader.address, leader: leader.address, why: '' });

  watched.signal('SIGSTOP');
  await changes(20, 'b');
  const stopped = await becomes('the one that is stopped is not seen', watched, ({ seen }) => !seen);
  expect(stopped).toMatchObject({ source: 'not seen', lag: { entries: 20, bytesAtLeast: false } });
  expect(stopped.lag?.bytes).toBeGreaterThan(20 * 50);
  const later = await becomes('its lag grows', watched, ({ lag }) => (lag?.ms ?? 0) > (stopped.lag?.ms ?? 0));
  expect(later.lastSeenMs).toBe(stopped.lastSeenMs);
  expect(await of(other)).toMatchObject({ seen: true, lag: { entries: 0, bytes: 0 } });
  watched.signal('SIGCONT');
  await becomes('it has caught up', watched, ({ seen, lag }) => seen && lag?.entries === 0);

  const before = await of(watched);
  await watched.end();
  const gone = await becomes('the one that was killed is not seen', watched, ({ seen }) => !seen);
  expect(gone.lastSeenMs).toBeGreaterThanOrEqual(before.lastSeenMs ?? 0);
  const printed = await cluster.run('understudy', 'fsadmin', 'report', 'replication');
  expect(printed).toContain(`${watched.address}: not seen since ${new Date(gone.lastSeenMs ?? 0).toISOString()}: `);
}, 60_000);
