/**
 * What a master counts of itself for operators: its role, its place in the journal, what it holds, who is connected.
 *
 * Figures of the state are read when somebody looks. A replica that cannot tell them, because its store is closed or has failed, has none: that
 * it failed is told elsewhere.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { type Labels, type Metrics, noMetrics, type Reading } from '../base/metrics.js';
import { operations } from '../metadata/operations.js';
import { CallMeter } from '../rpc/call-meter.js';
import type { Leadership } from './leadership.js';
import { SHOWN_STATES, type Shown, shownState } from './master-status.js';
import type { Replica } from './replica.js';
import type { Replication } from './replication.js';
import type { Role, RoleInput } from './role-machine.js';
import type { StandbyStreams } from './standby-streams.js';
import { TakeoverPhases } from './takeover-phases.js';

/** What is measured of a master. */
export interface Measured extends Shown {
  /** It never leads. */
  readonly isObserver: boolean;
  readonly leadership: Leadership | null;
  readonly standbys: StandbyStreams;
  /** Clients and masters that are connected. */
  readonly connections: number;
  readonly replication: Pick<Replication, 'remembered'>;
}

export interface MasterMetricsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics;
}

export class MasterMetrics {
  readonly calls: CallMeter;
  readonly phases: TakeoverPhases;
  readonly #metrics: Metrics;

  constructor(master: Measured, version: string, deps: MasterMetricsDeps) {
    const { metrics = noMetrics } = deps;
    this.#metrics = metrics;
    this.phases = new TakeoverPhases(deps);
    this.calls = new CallMeter(metrics, METHOD_NAMES);
    metrics.gauge('understudy_build_info', 'Which version this is; always 1.', () => [[{ version }, 1]]);
    roleMetrics(metrics, master);
    replayMetrics(metrics, master);
    namespaceMetrics(metrics, master);
    checkpointMetrics(metrics, master);
  }

  /** The role machine has made a step. */
  stepped(before: Role, role: Role, input: RoleInput): void {
    if (input.type === 'elected' || input.type === 'deposed')
      this.#metrics.counter('understudy_master_elections_total', 'What the election has told this master.', { outcome: input.type }).add();
    if (before.name === role.name) return;
    const labels: Labels = { from: before.name, to: role.name, reason: input.type };
    this.#metrics.counter('understudy_master_role_changes_total', 'Changes of the role of this master.', labels).add();
  }
}

const METHOD_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(operations).map(([name, { method }]) => [method, name]));
const STATES = [...new Set(Object.values(SHOWN_STATES))];

function roleMetrics(metrics: Metrics, master: Measured): void {
  const gauge = metrics.gauge.bind(metrics);
  gauge('understudy_master_state', 'In which state this master is: 1 for one of them.', () =>
    STATES.map((state) => [{ state }, state === shownState(master) ? 1 : 0]),
  );
  gauge('understudy_master_state_since_timestamp_seconds', 'Since when it is in that state.', () => master.sinceMs / 1_000);
  gauge('understudy_master_observer', 'Whether this master only observes: it never leads.', () => +master.isObserver);
  gauge('understudy_master_trouble', 'Whether something is wrong with this master; its status says what.', () => +(master.trouble !== ''));
  gauge(
    'understudy_master_writable',
    'Whether this master leads and the journal takes changes.',
    () => +(master.leadership?.canWrite === true),
  );
  gauge('understudy_commit_queued_calls', 'Changes that wait for their turn.', () => master.leadership?.queued ?? 0);
  gauge('understudy_rpc_connections', 'Clients and other masters that are connected.', () => master.connections);
  gauge('understudy_standbys', 'Standbys that this master feeds from memory.', () => master.standbys.list().length);
  standbyMetrics(metrics, master);
}

/** Of the other masters, by their addresses: as they told this one last. */
function standbyMetrics(metrics: Metrics, master: Measured): void {
  const gauge = metrics.gauge.bind(metrics);
  const others = oncePerRound(() => (master.replication.remembered().masters ?? []).filter(({ mode }) => mode !== 'leader' && mode !== ''));
  const each = (read: (standby: understudy.ReplicatingMaster.$Properties) => number) => () =>
    master.leads ? others(read).map((standby) => [{ standby: standby.address ?? '' }, read(standby)] as const) : null;
  const lag = (unit: string, help: string, read: (standby: understudy.ReplicatingMaster.$Properties) => number) =>
    gauge(`understudy_standby_lag_${unit}`, help, each(read));
  lag('entries', 'Entries that a standby has not applied yet, as it told this leader last.', ({ lagEntries }) => lagEntries ?? 0);
  lag('bytes', 'Size in the journal of what a standby has not applied yet.', ({ lagBytes }) => lagBytes ?? 0);
  lag('seconds', 'Since when there is an entry that a standby has not applied.', ({ lagMs }) => (lagMs ?? 0) / 1_000);
  gauge(
    'understudy_standby_seen_timestamp_seconds',
    'When a standby last said something.',
    each(({ seenMs }) => (seenMs ?? 0) / 1_000),
  );
  gauge(
    'understudy_standby_differs',
    "Whether the state of a standby was not the same as the leader's when they were last compared.",
    each(({ digest }) => +(digest === 'differ')),
  );
}

function replayMetrics(metrics: Metrics, master: Measured): void {
  const gauge = metrics.gauge.bind(metrics);
  const of = (read: (replica: Replica) => Reading) => ofReplica(master, read);
  gauge(
    'understudy_journal_epoch',
    'Number of the leadership whose entries were applied last.',
    of(({ state }) => state.epoch),
  );
  gauge(
    'understudy_journal_applied_sn',
    'Sequence number of the last entry that is applied and committed.',
    of(({ end }) => end.sn),
  );
  gauge('understudy_replay_lag_entries', 'Entries that this standby knows of and has not applied.', () =>
    master.leads ? 0 : Number(master.behind().entries ?? 0),
  );
  gauge('understudy_replay_lag_seconds', 'For how long this standby has not known that it has everything.', () =>
    master.leads ? 0 : Number(master.behind().ms ?? 0) / 1_000,
  );
  gauge(
    'understudy_metastore_unwritten_rows',
    'Changed rows that have not begun their way to the store.',
    of(({ state }) => state.changedRows),
  );
  gauge(
    'understudy_cache_rows',
    'Rows that are kept decoded.',
    of(({ state }) => {
      return Object.entries(state.caches()).map(([cache, { rows }]) => [{ cache }, rows]);
    }),
  );
  const lookups = ({ state }: Replica): Reading =>
    Object.entries(state.caches()).flatMap(([cache, { hits, misses }]): [Labels, number][] => [
      [{ cache, outcome: 'hit' }, hits],
      [{ cache, outcome: 'miss' }, misses],
    ]);
  metrics.count('understudy_cache_lookups_total', 'Rows that were looked for among those that are kept decoded.', of(lookups));
  gauge(
    'understudy_metastore_verified',
    'Whether the store has been counted anew since it was opened.',
    of(({ isVerified }) => +isVerified),
  );
}

function namespaceMetrics(metrics: Metrics, master: Measured): void {
  const gauge = metrics.gauge.bind(metrics);
  const of = (read: (replica: Replica) => Reading) => ofReplica(master, read);
  const usageOf = ({ state }: Replica) => state.usages.get(1);
  gauge(
    'understudy_namespace_files',
    'Files.',
    of((replica) => usageOf(replica)?.files ?? 0),
  );
  // The root is one.
  gauge(
    'understudy_namespace_directories',
    'Directories.',
    of((replica) => (usageOf(replica)?.directories ?? 0) + 1),
  );
  gauge(
    'understudy_namespace_bytes',
    'Length of all files together.',
    of((replica) => Number(usageOf(replica)?.bytes ?? 0n)),
  );
  gauge(
    'understudy_namespace_frozen',
    'Whether the namespace is frozen: read only, for maintenance.',
    of(({ state }) => +(state.frozenBy() !== null)),
  );
  gauge(
    'understudy_client_sessions',
    'Clients that are registered.',
    of(({ state }) => state.nextIds().clients),
  );
}

function checkpointMetrics(metrics: Metrics, master: Measured): void {
  const gauge = metrics.gauge.bind(metrics);
  const of = (read: (replica: Replica) => Reading) => ofReplica(master, read);
  const newestOf = ({ state }: Replica) => state.retention().checkpoints[0];
  gauge(
    'understudy_checkpoint_sn',
    'Last entry that the newest checkpoint holds.',
    of((replica) => newestOf(replica)?.sn ?? 0),
  );
  gauge(
    'understudy_checkpoint_bytes',
    'Size of the newest checkpoint.',
    of((replica) => newestOf(replica)?.bytes ?? null),
  );
  gauge(
    'understudy_checkpoint_timestamp_seconds',
    'When the newest checkpoint was published.',
    of((replica) => {
      const newest = newestOf(replica);
      return newest === undefined ? null : newest.madeMs / 1_000;
    }),
  );
  gauge(
    'understudy_checkpoints_kept',
    'Checkpoints that are kept.',
    of(({ state }) => state.retention().checkpoints.length),
  );
  gauge(
    'understudy_journal_boundary_sn',
    'Entries up to this one were given up.',
    of(({ state }) => state.retention().boundarySn),
  );
  gauge(
    'understudy_journal_entries_since_checkpoint',
    'Entries behind the newest checkpoint.',
    of((replica) => {
      return replica.end.sn - (newestOf(replica)?.sn ?? 0);
    }),
  );
  gauge(
    'understudy_journal_since_checkpoint_bytes',
    'Size of what this master has applied since the newest checkpoint.',
    of(({ bytesSinceCheckpoint }) => bytesSinceCheckpoint),
  );
}

/** @returns what tells each who asks what was read for all of them, and reads anew for one who has had that already. */
function oncePerRound<T>(read: () => T): (who: object) => T {
  const served = new Set<object>();
  let value: T;
  return (who) => {
    if (served.size === 0 || served.has(who)) {
      value = read();
      served.clear();
    }
    served.add(who);
    return value;
  };
}

/** @returns what `read` tells of the replica; null where there is none, or it cannot tell. */
function ofReplica(master: Measured, read: (replica: Replica) => Reading): () => Reading {
  return () => {
    try {
      return master.replica === null ? null : read(master.replica);
    } catch {
      return null;
    }
  };
}
