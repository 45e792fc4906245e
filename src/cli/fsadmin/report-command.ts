/**
 * `fsadmin report`: how the cluster is.
 */
import { Argument } from 'commander';
import type { FileSystem } from '../../client/file-system.js';
import { type MasterReport, masterReports } from '../../client/master-report.js';
import { askReplication, shownReplication } from '../../client/replication.js';
import { workerReports } from '../../client/worker-report.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { MASTER_SHAPE } from '../fs/master-commands.js';
import { formatMasters } from '../fs/masters-format.js';
import { MOUNT_SHAPE, mountJson, mountLines } from '../fs/mount-commands.js';
import { withJson } from '../json-option.js';
import { print, printJson } from '../output.js';
import { formatReplication } from './replication-format.js';
import { type FullReport, formatJournal, formatMetrics, formatSummary } from './report-format.js';
import { formatCapacity, formatWorkers } from './worker-format.js';

const SHAPES = `of summary {leader, webAddress, startedMs, version, clusterId, fork, epoch, canWrite, zookeeper: [host:port], masters: as masters, workers: as workers};
of masters an array of ${MASTER_SHAPE};
of journal {folder, clusterId, incarnationId, fork, epoch, newestSn, boundarySn, canWrite, confirmMs, checkpoints: [{sn, id, bytes, madeMs}]};
of mounts an array of ${MOUNT_SHAPE};
of metrics an object of {name: number} by address, the names as Prometheus has them;
of workers and capacity an array of {address, webAddress, state, sinceMs, heardMs, blocks, blocksLeft,
tiers: [{name, capacityBytes, usedBytes, directories, failedDirectories}], version, id};
of replication {atMs, by, why, leader, epoch, endSn, masters: [{address, mode, seen, lastSeenMs, why, state, source, epoch,
lag: {entries, bytes, bytesAtLeast, sn, ms}, digest: {result, sn}, verified, clock: {aheadMs, errorMs}, version, webAddress, knownFrom}]}`;

interface ReportOptions {
  readonly json?: boolean;
  readonly name?: string;
}

const REPORTS: Readonly<Record<string, (fs: FileSystem, json: boolean, options: ReportOptions) => Promise<void>>> = {
  summary,
  masters,
  journal,
  mounts,
  metrics,
  replication,
  workers,
  capacity,
};

export function addReportCommand(frame: ClientFrame): void {
  const about = new Argument('[about]', 'what of').choices(Object.keys(REPORTS)).default('summary');
  const command = frame.command('report', 'tell how the cluster is').addArgument(about);
  command.option('--name <text>', 'of metrics: only those whose name has this in it');
  withJson(command, SHAPES).action((of: string, options: ReportOptions) =>
    frame.once('report', async (fs) => REPORTS[of]?.(fs, options.json ?? false, options)),
  );
}

async function summary(fs: FileSystem, json: boolean): Promise<void> {
  const reports = await masterReports(fs.client);
  const leader = leaderOf(reports);
  const there = await workerReports(fs.client);
  if (!json) return print(formatSummary(leader, reports, there, Date.now()));
  const { address, info, told } = leader;
  const { webAddress, startedMs, version, clusterId, fork, epoch } = info;
  const zookeeper = told.settings.get('zookeeper.enabled') === 'true' ? (told.settings.get('zookeeper.address') ?? '').split(',') : [];
  const all = reports.map((report) => report.info);
  await printJson({
    leader: address,
    webAddress,
    startedMs,
    version,
    clusterId,
    fork,
    epoch,
    canWrite: told.canWrite,
    zookeeper,
    masters: all,
    workers: there,
  });
}

async function masters(fs: FileSystem, json: boolean): Promise<void> {
  const infos = await fs.masterInfo();
  await (json ? printJson(infos) : print(formatMasters(infos)));
}

async function journal(fs: FileSystem, json: boolean): Promise<void> {
  const leader = leaderOf(await masterReports(fs.client));
  if (!json) return print(formatJournal(leader));
  const { clusterId, fork, epoch, appliedSn } = leader.info;
  const { settings, incarnationId, boundarySn, canWrite, confirmMs, checkpoints } = leader.told;
  const folder = settings.get('master.journal.folder') ?? '';
  await printJson({ folder, clusterId, incarnationId, fork, epoch, newestSn: appliedSn, boundarySn, canWrite, confirmMs, checkpoints });
}

async function mounts(fs: FileSystem, json: boolean): Promise<void> {
  const all = await fs.listMounts();
  if (json) return printJson(all.map(mountJson));
  await print(['Understudy under storage system information:', ...mountLines(all)].join('\n'));
}

async function metrics(fs: FileSystem, json: boolean, { name: part = '' }: ReportOptions): Promise<void> {
  const wanted = (figures: ReadonlyMap<string, number>) => new Map([...figures].filter(([name]) => name.includes(part)));
  const reports = (await masterReports(fs.client)).map(({ told, ...report }) => ({
    ...report,
    told: told && { ...told, metrics: wanted(told.metrics) },
  }));
  if (!json) return print(formatMetrics(reports));
  const byAddress = reports.flatMap(({ address, told }) =>
    told === undefined ? [] : [[address, Object.fromEntries(told.metrics)] as const],
  );
  await printJson(Object.fromEntries(byAddress));
}

async function replication(fs: FileSystem, json: boolean): Promise<void> {
  const told = shownReplication(await askReplication(fs.client));
  await (json ? printJson(told) : print(formatReplication(told)));
}

async function workers(fs: FileSystem, json: boolean): Promise<void> {
  const all = await workerReports(fs.client);
  await (json ? printJson(all) : print(formatWorkers(all)));
}

async function capacity(fs: FileSystem, json: boolean): Promise<void> {
  const all = await workerReports(fs.client);
  await (json ? printJson(all) : print(formatCapacity(all)));
}

function leaderOf(reports: readonly MasterReport[]): FullReport {
  const leader = reports.find((report): report is FullReport => report.info.state === 'ACTIVE' && report.told !== undefined);
  if (leader === undefined) throw new CommandFailed(EXIT.noAnswer, 'Cannot connect to the leader master.');
  return leader;
}
