/**
 * What `fsadmin report` prints; the summary line by line as Alluxio has it.
 */
import { type MasterInfo, UNREACHABLE } from '../../client/master-info.js';
import type { MasterReport } from '../../client/master-report.js';
import type { WorkerReport } from '../../client/worker-report.js';
import { formatBytes, formatTime } from '../fs/ls-format.js';
import { isoTime } from '../iso-time.js';
import { plainTable } from '../plain-table.js';
import { summaryLines } from './worker-format.js';

/** A report whose master told all that was asked. */
export type FullReport = MasterReport & { readonly told: NonNullable<MasterReport['told']> };

/** @param nowMs Unix milliseconds, by this machine's clock. */
export function formatSummary(
  leader: FullReport,
  reports: readonly MasterReport[],
  workers: readonly WorkerReport[],
  nowMs: number,
): string {
  const { address, info, told } = leader;
  const zookeeper = told.settings.get('zookeeper.enabled') === 'true';
  const servers = zookeeper ? (told.settings.get('zookeeper.address') ?? '').split(',') : [];
  const row = (master: string, state: string, version: string) => `    ${master.padEnd(32)} ${state.padEnd(8)} ${version.padEnd(32)}`;
  return [
    'Understudy cluster summary: ',
    `    Master Address: ${address}`,
    `    Web Port: ${portOf(info.webAddress)}`,
    `    Rpc Port: ${portOf(address)}`,
    `    Started: ${formatTime(info.startedMs)}`,
    `    Uptime: ${formatDuration(nowMs + told.clockAheadMs - info.startedMs)}`,
    `    Version: ${info.version}`,
    ...forkLines(info, '    '),
    `    Safe Mode: ${!told.canWrite}`,
    `    Zookeeper Enabled: ${zookeeper}`,
    ...(zookeeper ? ['    Zookeeper Addresses: ', ...servers.map((server) => `        ${server.trim()}`)] : []),
    '    Raft-based Journal: false',
    ...(reports.length > 1 ? [row('Master Address', 'State', 'Version')] : []),
    ...(reports.length > 1 ? reports.map((report) => row(report.address, alluxioState(report), report.info.version)) : []),
    ...summaryLines(workers),
  ].join('\n');
}

export function formatJournal(leader: FullReport): string {
  const { info, told } = leader;
  const newest = told.checkpoints[0]?.sn ?? 0;
  const rows = told.checkpoints.map(({ sn, id, bytes, madeMs }) => [`${sn}-${id}`, formatBytes(bytes), isoTime(madeMs)]);
  return [
    `Journal: ${told.settings.get('master.journal.folder') ?? ''}`,
    `Cluster id: ${info.clusterId}`,
    `Incarnation id: ${told.incarnationId}`,
    ...forkLines(info, ''),
    `Epoch: ${info.epoch}, led by ${leader.address}`,
    `Newest entry: ${info.appliedSn}`,
    `Entries since the newest checkpoint: ${info.appliedSn - newest}`,
    `Given up: ${told.boundarySn === 0 ? 'nothing' : `entries up to ${told.boundarySn}`}`,
    `Takes changes: ${told.canWrite ? 'yes' : 'no'}`,
    `Confirms in: ${told.confirmMs.toFixed(1)} ms`,
    ...(rows.length === 0 ? ['Checkpoints: none'] : [plainTable(rows, ['Checkpoint', 'Size', 'Published'])]),
  ].join('\n');
}

function forkLines({ fork }: MasterInfo, indent: string): string[] {
  if (fork === null) return [];
  return [`${indent}Fork of: ${fork.clusterId} as of sn ${fork.sn}, since ${isoTime(fork.forkedMs)}: all mounts are read-only`];
}

/** A line for each figure, a column for each master. */
export function formatMetrics(reports: readonly MasterReport[]): string {
  const told = reports.filter((report): report is FullReport => report.told !== undefined);
  const names = [...new Set(told.flatMap((report) => [...report.told.metrics.keys()]))].sort();
  const rows = names.map((name) => [name, ...told.map((report) => String(report.told.metrics.get(name) ?? '-'))]);
  return plainTable(rows, ['Metric', ...told.map(({ address }) => address)]);
}

/** @returns `0 day(s), 0 hour(s), 1 minute(s), and 45 second(s)`. */
function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
  return `${days} day(s), ${hours} hour(s), ${minutes} minute(s), and ${seconds % 60} second(s)`;
}

function alluxioState({ info }: MasterReport): string {
  if (info.state === UNREACHABLE) return 'LOST';
  if (info.observer) return 'OBSERVER';
  return info.state === 'ACTIVE' ? 'PRIMARY' : 'STANDBY';
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}
