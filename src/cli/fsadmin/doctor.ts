/**
 * What is wrong with a cluster, out of what its masters tell: a list of findings, each with what to do about it. Pure.
 */
import { type MasterInfo, UNREACHABLE } from '../../client/master-info.js';
import type { MasterReport, ReportedMaster, ReportedSetting, ReportedSpace } from '../../client/master-report.js';
import type { MountPoint } from '../../client/mount-point.js';
import type { ReplicatingMaster, ReplicationShown } from '../../client/replication.js';
import { SETTINGS } from '../../config/settings.js';
import { formatBytes } from '../fs/ls-format.js';
import { isoTime } from '../iso-time.js';

export interface Finding {
  /** A note is worth knowing; a problem has to be put right. */
  readonly level: 'problem' | 'note';
  /** What it is about: the same word for the same kind of finding. */
  readonly about: 'state' | 'masters' | 'leader' | 'versions' | 'settings' | 'clocks' | 'storage' | 'journal' | 'mounts';
  readonly what: string;
  readonly todo: string;
}

/** Settings that each master has of its own. */
const OWN_SETTINGS: ReadonlySet<string> = new Set([
  'home',
  'work.dir',
  'conf.dir',
  'master.hostname',
  'master.bind.host',
  'master.rpc.port',
  'master.web.bind.host',
  'master.web.port',
  'master.metastore.dir',
  'master.role',
  'logger.level',
  'logger.format',
]);

const FREE_BYTES_MIN = 256 * 1024 * 1024;
const FREE_PART_MIN = 0.05;
const BEHIND_MS_MAX = 60_000;
const CONFIRM_MS_MAX = 1_000;
/** Periods of entries that may pass without the checkpoint that is due. */
const OVERDUE_PERIODS = 3;

interface Answered {
  readonly address: string;
  readonly info: MasterInfo;
  readonly told: ReportedMaster;
}

/** @param replication null: no master tells. @returns problems first. */
export function diagnose(
  reports: readonly MasterReport[],
  mounts: readonly MountPoint[] = [],
  replication: ReplicationShown | null = null,
): readonly Finding[] {
  const answered = reports.flatMap(({ address, info, told }): Answered[] => (told === undefined ? [] : [{ address, info, told }]));
  const findings = [
    ...(replication?.masters ?? []).flatMap((master) => statesOf(master, replication?.by ?? '')),
    ...(replication?.masters ?? []).flatMap((master) => unseenOf(master, replication?.by ?? '', reports)),
    ...mastersOf(reports),
    ...leadersOf(answered),
    ...versionsOf(reports),
    ...settingsOf(answered),
    ...clocksOf(answered),
    ...answered.flatMap(({ address, told }) => told.storage.flatMap((space) => [...spaceOf(address, space)])),
    ...journalOf(answered),
    ...mounts.flatMap(mountOf),
  ];
  return findings.sort((a, b) => rank(a) - rank(b));
}

const rank = ({ level }: Finding): number => (level === 'problem' ? 0 : 1);

function* mastersOf(reports: readonly MasterReport[]): Generator<Finding> {
  for (const { address, info, told } of reports) {
    if (info.state === UNREACHABLE) {
      const todo = 'start it, or see to the network; take it out of master.rpc.addresses if it is gone for good';
      yield { level: 'problem', about: 'masters', what: `${address} does not answer: ${info.reason}`, todo };
    } else if (told === undefined) {
      const todo = 'upgrade it to the version of the others';
      yield { level: 'problem', about: 'masters', what: `${address} cannot tell how it is: ${info.reason}`, todo };
    } else if (info.reason !== '') {
      yield { level: 'problem', about: 'masters', what: `${address} says: ${info.reason}`, todo: 'see its log' };
    } else if (info.behindMs > BEHIND_MS_MAX) {
      const todo = 'see its log, and whether it can read the journal as fast as it grows';
      yield { level: 'problem', about: 'masters', what: `${address} is ${info.lag} entries and ${seconds(info.behindMs)} behind`, todo };
    }
    if (info.state !== UNREACHABLE && !info.verified && told !== undefined) {
      const todo = 'wait: it may not lead before';
      yield { level: 'note', about: 'masters', what: `${address} has not yet found its store sound since it was started`, todo };
    }
  }
  const candidates = reports.filter(({ info }) => info.state !== UNREACHABLE && !info.observer);
  if (candidates.length === 1) {
    const todo = 'start another one on another host: until then nobody takes over';
    yield { level: 'note', about: 'masters', what: `only one master is up that may lead: ${candidates[0]?.address}`, todo };
  }
}

function statesOf({ address, digest }: ReplicatingMaster, by: string): Finding[] {
  if (digest.result !== 'differ') return [];
  const what = `THE STATE OF ${address} IS NOT THAT OF ${by}: their digests differ as of entry ${digest.sn}`;
  const todo =
    'let neither of them make a checkpoint or be promoted before "journal verify" has said which one the journal bears out; ' +
    'then stop the other one, keep its metastore for a report, and start it without: it is rebuilt from the journal';
  return [{ level: 'problem', about: 'state', what, todo }];
}

/** Those that somebody names, and that the one who tells cannot see: also where this program can, or has not heard of them. */
function unseenOf(master: ReplicatingMaster, by: string, reports: readonly MasterReport[]): Finding[] {
  const { address, seen, lastSeenMs, why, knownFrom } = master;
  const asked = reports.find((report) => report.address === address);
  if (seen || address === by || asked?.info.state === UNREACHABLE) return [];
  const seenLast = lastSeenMs === null ? 'and never has' : `since ${isoTime(lastSeenMs)}`;
  if (asked !== undefined) {
    const todo = `see to the network between the two: it answers here; ${address} cannot be handed the lead meanwhile`;
    return [{ level: 'problem', about: 'masters', what: `${by} does not see ${address}, ${seenLast}: ${why}`, todo }];
  }
  const isNamed = knownFrom === 'settings' || knownFrom === 'election';
  const named = knownFrom === 'settings' ? 'is configured' : knownFrom === 'election' ? 'is registered for the election' : 'took part';
  const what = `${address} ${named}, but ${by} does not see it, ${seenLast}: ${why}`;
  const todo = isNamed
    ? 'start it, or see to the network; take it out of master.rpc.addresses of every master if it is gone for good'
    : 'nothing, if it is gone for good: it is forgotten after a day';
  return [{ level: isNamed ? 'problem' : 'note', about: 'masters', what, todo }];
}

function* leadersOf(answered: readonly Answered[]): Generator<Finding> {
  const leaders = answered.filter(({ info }) => info.state === 'ACTIVE');
  const [leader] = leaders;
  if (leader === undefined) {
    const todo = answered.some(({ info }) => info.manual)
      ? 'say who is to lead (fsadmin leader promote): in manual mode nobody does by itself'
      : 'see the log of each master, and the election (ZooKeeper, or the folder beside the journal)';
    yield { level: 'problem', about: 'leader', what: 'no master leads now', todo };
  } else if (leaders.length > 1) {
    const todo = 'ask again: the journal lets only the newest write, and the others find out by themselves';
    yield { level: 'note', about: 'leader', what: `several masters say that they lead: ${addresses(leaders)}`, todo };
  } else if (!leader.told.canWrite) {
    yield {
      level: 'problem',
      about: 'leader',
      what: `${leader.address} leads and cannot write`,
      todo: "see its log, and the journal's storage",
    };
  }
  const freeze = leader?.info.freeze ?? null;
  if (freeze !== null) {
    const since = isoTime(freeze.sinceMs);
    const what = `the namespace is frozen, and takes no changes: by ${freeze.user} since ${since}${freeze.reason && `: ${freeze.reason}`}`;
    yield { level: 'note', about: 'leader', what, todo: 'when the maintenance is over: fsadmin unfreeze' };
  }
  for (const [name, idOf] of [
    ['cluster', ({ info }: Answered) => info.clusterId],
    ['incarnation of the journal', ({ told }: Answered) => told.incarnationId],
  ] as const) {
    const groups = groupBy(answered, idOf);
    if (groups.size > 1) {
      const what = `the masters are not of one ${name}: ${shownGroups(groups)}`;
      yield { level: 'problem', about: 'leader', what, todo: 'have all of them use the same journal (master.journal.folder)' };
    }
  }
}

function* versionsOf(reports: readonly MasterReport[]): Generator<Finding> {
  const groups = groupBy(
    reports.filter(({ info }) => info.version !== ''),
    ({ info }) => info.version,
  );
  if (groups.size > 1) {
    const what = `the masters are of several versions: ${shownGroups(groups)}`;
    yield { level: 'problem', about: 'versions', what, todo: 'upgrade the older ones, standbys first' };
  }
}

function* settingsOf(answered: readonly Answered[]): Generator<Finding> {
  const keys = new Set(answered.flatMap(({ told }) => [...told.settings.keys()]));
  for (const key of keys) {
    if (OWN_SETTINGS.has(key)) continue;
    const knowing = answered.filter(({ told }) => told.settings.has(key));
    const groups = groupBy(knowing, shownBy(key, knowing));
    if (groups.size > 1) yield { level: 'problem', about: 'settings', ...differing(`understudy.${key}`, groups) };
  }
  for (const key of keys) {
    const overriding = answered.flatMap(({ address, told }) => {
      const row = rowOf(told, key);
      return row?.source === 'journal' ? [{ address, overridden: row.overridden.replace(/ \(.*/, '') }] : [];
    });
    const groups = groupBy(overriding, ({ overridden }) => overridden || '(unset)');
    if (OWN_SETTINGS.has(key) || groups.size < 2) continue;
    const what = `understudy.${key} is alike by the journal, over files that differ: ${shownGroups(groups)}`;
    yield { level: 'note', about: 'settings', what, todo: 'take it out of the files: they would count again after "fsadmin config unset"' };
  }
  for (const key of keys) {
    const waiting = answered.filter(({ told }) => pendingOf(told, key) !== null);
    const [first] = waiting;
    if (first === undefined) continue;
    const what = `understudy.${key} is to be ${pendingOf(first.told, key)} on ${addresses(waiting)} once started again`;
    yield { level: 'note', about: 'settings', what, todo: 'start these masters again, one after the other, the leader last' };
  }
}

/** @returns what a setting is, or is to be, to be told and compared by: of a secret only whether it is the same one. */
function shownBy(key: string, knowing: readonly Answered[]): (each: Answered) => string {
  const markOf = ({ told }: Answered) => rowOf(told, key)?.mark ?? '';
  const set = knowing.filter(({ told }) => told.settings.get(key) !== '');
  // One of an older version does not tell marks.
  const isMarked = set.every((each) => markOf(each) !== '');
  return (each) => {
    const value = (pendingOf(each.told, key) ?? each.told.settings.get(key)) || '(unset)';
    return isMarked && markOf(each) !== '' ? `${value}, with the mark ${markOf(each)}` : value;
  };
}

/** The odd one out, where most agree. */
function differing(name: string, groups: ReadonlyMap<string, readonly Answered[]>): Pick<Finding, 'what' | 'todo'> {
  const all = [...groups.values()].flat();
  const most = [...groups].find(([, each]) => 2 * each.length > all.length);
  if (most === undefined)
    return { what: `${name} differs: ${shownGroups(groups)}`, todo: 'set it alike on all of them, and restart those that are changed' };
  const odd = new Map([...groups].filter(([value]) => value !== most[0]));
  const what = `${name} differs from the others: ${shownGroups(odd)}; it is ${most[0]} (${addresses(most[1])})`;
  return { what, todo: `set it as the others have it on ${addresses([...odd.values()].flat())}, and restart what is changed` };
}

function rowOf({ settingRows }: ReportedMaster, key: string): ReportedSetting | undefined {
  return settingRows.find((row) => row.key === key);
}

function pendingOf(told: ReportedMaster, key: string): string | null {
  return rowOf(told, key)?.pending ?? null;
}

/** Clocks are compared with each other by way of this machine's, which may itself be wrong. */
function* clocksOf(answered: readonly Answered[]): Generator<Finding> {
  const byClock = [...answered].sort((a, b) => a.told.clockAheadMs - b.told.clockAheadMs);
  const [slow, fast] = [byClock[0], byClock.at(-1)];
  if (slow === undefined || fast === undefined) return;
  const apartMs = fast.told.clockAheadMs - slow.told.clockAheadMs;
  const errorMs = fast.told.clockErrorMs + slow.told.clockErrorMs;
  const maxMs = Math.min(...answered.map(({ told }) => skewMaxMs(told)));
  if (apartMs - errorMs <= maxMs) return;
  const what = `the clocks of ${slow.address} and ${fast.address} are ${seconds(apartMs)} apart, more than master.clock.skew.max allows`;
  yield { level: 'problem', about: 'clocks', what, todo: 'have NTP set them: until then what expires by age may not expire' };
}

function skewMaxMs({ settings }: ReportedMaster): number {
  return SETTINGS.masterClockSkewMaxMs.type.parse(settings.get('master.clock.skew.max') || SETTINGS.masterClockSkewMaxMs.default);
}

function* spaceOf(address: string, { name, place, totalBytes, freeBytes, error }: ReportedSpace): Generator<Finding> {
  if (error !== '') {
    const what = `${address} cannot tell the free space of its ${name}: ${error}: ${place}`;
    yield { level: 'problem', about: 'storage', what, todo: 'see whether that storage is there and answers' };
  } else if (totalBytes > 0 && (freeBytes < FREE_BYTES_MIN || freeBytes < totalBytes * FREE_PART_MIN)) {
    const what = `${address} has ${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} left for its ${name}: ${place}`;
    const cure = name === 'journal' ? ', or make a checkpoint, so that old parts of the log can be given up' : '';
    yield { level: 'problem', about: 'storage', what, todo: `make room there${cure}` };
  }
}

function* journalOf(answered: readonly Answered[]): Generator<Finding> {
  const leader = answered.find(({ info }) => info.state === 'ACTIVE');
  if (leader === undefined) return;
  const { address, told, info } = leader;
  if (told.confirmMs > CONFIRM_MS_MAX) {
    const what = `the journal took ${seconds(told.confirmMs)} to confirm that ${address} still leads`;
    yield { level: 'problem', about: 'journal', what, todo: 'see how busy its storage is (understudy journal probe)' };
  }
  const period = Number(told.settings.get('master.journal.checkpoint.period.entries') ?? Number.NaN);
  const since = info.appliedSn - (told.checkpoints[0]?.sn ?? 0);
  if (told.settings.get('master.journal.checkpoint.enabled') === 'false') {
    const todo = 'make one from time to time (fsadmin journal checkpoint): the log grows for good otherwise';
    yield { level: 'note', about: 'journal', what: 'no checkpoints are made by themselves', todo };
  } else if (since > OVERDUE_PERIODS * period) {
    const what = `${since} entries came after the newest checkpoint, which are due every ${period}`;
    yield { level: 'problem', about: 'journal', what, todo: 'see the logs of the standbys, or make one (fsadmin journal checkpoint)' };
  }
}

function groupBy<T extends { readonly address: string }>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
}

function shownGroups(groups: ReadonlyMap<string, readonly { readonly address: string }[]>): string {
  return [...groups].map(([value, each]) => `${value} (${addresses(each)})`).join(', ');
}

function addresses(all: readonly { readonly address: string }[]): string {
  return all.map(({ address }) => address).join(' ');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function mountOf({ path, uri, refused }: MountPoint): Finding[] {
  if (refused === 0) return [];
  const what = `mounted storage did not take ${refused} of the changes made here, and differs from the namespace: path=${path} uri=${uri}`;
  const todo = `see where by "fs checkConsistency ${path}", and why in the leaders' logs; "fs loadMetadata -R -F ${path}" takes what the storage has`;
  return [{ level: 'problem', about: 'mounts', what, todo }];
}
