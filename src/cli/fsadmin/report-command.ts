/**
 * `fsadmin report`: how the cluster is.
 */
import { Argument } from 'commander';
import type { FileSystem } from '../../client/file-system.js';
import { type MasterReport, masterReports } from '../../client/master-report.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { MASTER_SHAPE } from '../fs/master-commands.js';
import { formatMasters } from '../fs/masters-format.js';
import { MOUNT_SHAPE, mountJson, mountLines } from '../fs/mount-commands.js';
import { withJson } from '../json-option.js';
import { print, printJson } from '../output.js';
import { type FullReport, formatJournal, formatMetrics, formatSummary } from './report-format.js';

const SHAPES = `of summary {leader, webAddress, startedMs, version, clusterId, epoch, canWrite, zookeeper: [host:port], masters: as masters};
of masters an array of ${MASTER_SHAPE};
of journal {folder, clusterId, incarnationId, epoch, newestSn, boundarySn, canWrite, confirmMs, checkpoints: [{sn, id, bytes, madeMs}]};
of mounts an array of ${MOUNT_SHAPE};
of metrics an object of {name: number} by address`;

const REPORTS: Readonly<Record<string, (fs: FileSystem, json: boolean) => Promise<void>>> = { summary, masters, journal, mounts, metrics };

export function addReportCommand(frame: ClientFrame): void {
  const about = new Argument('[about]', 'what of').choices(Object.keys(REPORTS)).default('summary');
  withJson(frame.command('report', 'tell how the cluster is').addArgument(about), SHAPES).action(
    (name: string, { json = false }: { json?: boolean }) => frame.once('report', async (fs) => REPORTS[name]?.(fs, json)),
  );
}

async function summary(fs: FileSystem, json: boolean): Promise<void> {
  const reports = await masterReports(fs.client);
  const leader = leaderOf(reports);
  if (!json) return print(formatSummary(leader, reports, Date.now()));
  const { address, info, told } = leader;
  const { webAddress, startedMs, version, clusterId, epoch } = info;
  const zookeeper = told.settings.get('zookeeper.enabled') === 'true' ? (told.settings.get('zookeeper.address') ?? '').split(',') : [];
  const all = reports.map((report) => report.info);
  await printJson({ leader: address, webAddress, startedMs, version, clusterId, epoch, canWrite: told.canWrite, zookeeper, masters: all });
}

async function masters(fs: FileSystem, json: boolean): Promise<void> {
  const infos = await fs.masterInfo();
  await (json ? printJson(infos) : print(formatMasters(infos)));
}

async function journal(fs: FileSystem, json: boolean): Promise<void> {
  const leader = leaderOf(await masterReports(fs.client));
  if (!json) return print(formatJournal(leader));
  const { clusterId, epoch, appliedSn } = leader.info;
  const { settings, incarnationId, boundarySn, canWrite, confirmMs, checkpoints } = leader.told;
  const folder = settings.get('master.journal.folder') ?? '';
  await printJson({ folder, clusterId, incarnationId, epoch, newestSn: appliedSn, boundarySn, canWrite, confirmMs, checkpoints });
}

async function mounts(fs: FileSystem, json: boolean): Promise<void> {
  const all = await fs.listMounts();
  if (json) return printJson(all.map(mountJson));
  await print(['Understudy under storage system information:', ...mountLines(all)].join('\n'));
}

async function metrics(fs: FileSystem, json: boolean): Promise<void> {
  const reports = await masterReports(fs.client);
  if (!json) return print(formatMetrics(reports));
  const byAddress = reports.flatMap(({ address, told }) =>
    told === undefined ? [] : [[address, Object.fromEntries(told.metrics)] as const],
  );
  await printJson(Object.fromEntries(byAddress));
}

function leaderOf(reports: readonly MasterReport[]): FullReport {
  const leader = reports.find((report): report is FullReport => report.info.state === 'ACTIVE' && report.told !== undefined);
  if (leader === undefined) throw new CommandFailed(EXIT.noAnswer, 'Cannot connect to the leader master.');
  return leader;
}
