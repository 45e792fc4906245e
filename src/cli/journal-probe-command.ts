/** `understudy journal probe`: whether the storage keeps what a journal relies on, on one host, then between two; and how quick it is. */
import { hostname } from 'node:os';
import { Command } from 'commander';
import { UnderstudyError } from '../base/errors.js';
import { throwIfAborted } from '../base/wait.js';
import { probeBucket } from '../journal/bucket-probe.js';
import { timeBucket } from '../journal/bucket-times.js';
import { beginProbe, endProbe, type ProbeFinding, probeFolder, probeOnOneHost, type Times } from '../journal/folder-probe.js';
import { type PairReport, preparePair, probeAsPair } from '../journal/folder-probe-pair.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { journalPlace, openBucket } from './open-journal.js';
import { print } from './output.js';
import { TOOL_DEPS } from './tool-deps.js';

interface ProbeOptions {
  readonly join?: string;
  readonly alone?: boolean;
  readonly wait: string;
}

export function journalProbeCommand(context: CommandContext): Command {
  return context
    .addOptions(new Command('probe').description("see whether the journal's storage keeps the rules, on one host and between two"))
    .option('--join <id>', 'be the second host of the probe that has printed this id')
    .option('--alone', 'do not wait for a second host')
    .option('--wait <seconds>', 'how long to wait for the other host', '300')
    .action(async (options: ProbeOptions) => {
      const { settings } = context.load();
      const place = journalPlace(settings);
      if (place.kind === 'folder') return probeJournalFolder(place.settings.folder, options);
      await using store = await openBucket(settings, place, TOOL_DEPS);
      await probeBucket({ ...TOOL_DEPS, store });
      const { createMs, getMs } = await timeBucket(store, TOOL_DEPS);
      await print(`ok      conditional creates: of parallel ones for one object, exactly one succeeded: ${store.location}`);
      await print(`\nTimes\n${timesLine('create, 16 KiB', createMs)}\n${timesLine('get', getMs)}`);
      await print('\nThis bucket can hold a journal.');
    });
}

async function probeJournalFolder(journal: string, { join, alone = false, wait }: ProbeOptions): Promise<void> {
  const waitMs = Number(wait) * 1000;
  if (!(waitMs > 0)) throw new CommandFailed(EXIT.usage, `--wait has to be a number of seconds above zero: ${wait}`);
  if (join !== undefined) {
    if (!/^[0-9a-f]{8}$/.test(join)) throw new CommandFailed(EXIT.usage, `--join takes the id that the first host printed: ${join}`);
    return probePair(probeFolder(journal, join), 1, waitMs, interruption());
  }
  const interrupted = interruption();
  const folder = await beginProbe(journal, TOOL_DEPS);
  try {
    const report = await probeOnOneHost(folder, TOOL_DEPS);
    throwIfAborted(interrupted);
    await tell(report.findings);
    await print(`\nTimes\n${timesLine('write and sync, 1 KiB', report.syncMs)}\n${timesLine('O_DIRECT read, 4 KiB', report.readMs)}\n`);
    if (report.isLocal) return await print('This mount can hold a journal, for masters on this host: the file system is local to it.');
    if (alone) return await print('As far as one host can tell, this mount can hold a journal.');
    await preparePair(folder);
    await print(`As far as one host can tell, this mount can hold a journal. Now run this on a second host, within ${wait} seconds:`);
    await print(`\n  understudy journal probe --join ${folder.slice(-8)}\n`);
    await probePair(folder, 0, waitMs, interrupted);
  } finally {
    await endProbe(folder);
  }
}

/** From now on a signal ends the process by this, so that nothing is left behind; a second one of its kind at once. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  return interrupted.signal;
}

async function probePair(folder: string, seat: 0 | 1, waitMs: number, signal: AbortSignal): Promise<void> {
  let report: PairReport;
  try {
    report = await probeAsPair(folder, seat, TOOL_DEPS, { host: hostname(), waitMs, signal });
  } catch (error) {
    if (error instanceof UnderstudyError && error.code === 'deadline_exceeded') throw new CommandFailed(EXIT.failed, error.message);
    throw error;
  }
  await print(`With host ${report.otherHost}:`);
  await tell(report.findings);
  const stale = `${report.staleLooks} of ${report.readMs.length} looks through this host's cache were behind; the journal takes none`;
  await print(`\nTimes\n${timesLine("O_DIRECT read of the other host's record", report.readMs)}\n\n${stale}\n`);
  await print('This mount can hold a journal.');
}

/** @throws CommandFailed where something does not hold. */
async function tell(findings: readonly ProbeFinding[]): Promise<void> {
  for (const { what, holds, says } of findings) await print(`${holds ? 'ok    ' : 'BROKEN'}  ${what}: ${says}`);
  const broken = findings.filter(({ holds }) => !holds).map(({ what }) => what);
  if (broken.length > 0) throw new CommandFailed(EXIT.failed, `this mount cannot hold a journal: ${broken.join('; ')}`);
}

function timesLine(what: string, times: Times): string {
  const at = (share: number): string => (times[Math.min(Math.floor(times.length * share), times.length - 1)] ?? 0).toFixed(2);
  return `${what}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}
