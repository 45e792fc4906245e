/**
 * One run: a world, clients that write and read, a nemesis for a time; then the faults end, and it is looked at what became of everything.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { HistoryVerdict } from '../history/history-check.js';
import type { VirtualHost } from '../servers/virtual-network.js';
import { waitUntil } from '../servers/wait-until.js';
import { availability, type GapsOfKind, gapsByKind } from './availability.js';
import { ClientChild } from './client-child.js';
import type { ClientTask } from './client-process.js';
import { faultsFor } from './faults.js';
import { brokenCalls, type FileFigures, fileCalls, type KnownFile, readFileLines } from './file-account.js';
import { type FilesVerdict, judgeFiles } from './files-verdict.js';
import type { JournalKind } from './journal-store.js';
import type { KeptProcess } from './kept-process.js';
import { machineClock } from './monotonic-clock.js';
import { type DoneStep, runNemesis, SERVICE_LIMIT_MS } from './nemesis.js';
import type { ProbeLine } from './probe.js';
import { type ProbeAccount, probeAckedAt, readProbeLines, settle } from './probe-account.js';
import { checkHistory } from './recorded-history.js';
import { drawSteps } from './schedule.js';
import { SUPERUSER, World } from './world.js';

export interface ChaosOptions {
  readonly journal: JournalKind;
  readonly seed: number;
  readonly forMs: number;
  /** Kinds of faults, and no others; all that are meant for it where absent. */
  readonly only?: readonly string[];
  /** For histories, logs and configuration. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

export interface ChaosOutcome {
  /** Each of them makes the run a failure; empty where all was well. */
  readonly violations: readonly string[];
  readonly history: HistoryVerdict;
  readonly availability: number;
  readonly gaps: readonly GapsOfKind[];
  readonly files: FileFigures;
  /** Of the service of files, by the faults that are aimed at that. */
  readonly fileGaps: { readonly writes: readonly GapsOfKind[]; readonly reads: readonly GapsOfKind[] };
  /** Blocks of which faults took the last copy. */
  readonly takenBlocks: number;
  /** Absent where the service did not come back. */
  readonly fileVerdict: FilesVerdict | undefined;
  /** Absent where the service did not come back. */
  readonly probe: ProbeAccount | undefined;
  /** That were made. */
  readonly faults: number;
  /** Faults that could not be made, and why. */
  readonly troubles: readonly string[];
  /** Masters and workers that ended without having been told to, by host. */
  readonly unexpectedEnds: Readonly<Record<string, number>>;
  readonly digests: readonly string[];
}

/** What src/cli/process-life.ts says of an error that nobody handled. */
const DEFECT = 'a defect: this process ends';
/** Calls of clients are given up within a minute. */
const CLIENT_STOP_LIMIT_MS = 90_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const { journal, seed, forMs, folder, only, log } = options;
  mkdirSync(folder, { recursive: true });
  const world = await World.start(journal, folder);
  try {
    const { probe, history, files } = startClients(world, seed, folder);
    const servedSince = (since: number) => probe.lastServed >= since && files.lastServed >= since;
    const startedAt = machineClock.monotonicMs();
    await waitUntil('the cluster serves', () => servedSince(startedAt), SERVICE_LIMIT_MS);

    const violations: string[] = [];
    const faults = faultsFor(world, only);
    for (const { fault, lack } of faults.lacking) log(`not here: ${fault.name}: this journal lacks ${lack}`);
    const fromAt = machineClock.monotonicMs();
    const steps: DoneStep[] = [];
    const nemesis = { world, servedSince, log, done: (step: DoneStep) => steps.push(step) };
    await runNemesis(drawSteps(seed, faults.possible), forMs, nemesis).catch((error) => violations.push(`liveness: ${error.message}`));
    const toAt = machineClock.monotonicMs();
    const serves = violations.length === 0;
    for (const client of [probe, history, files]) {
      await client.stop(serves ? CLIENT_STOP_LIMIT_MS : 0).catch((error) => violations.push(`liveness: ${error.message}`));
    }
    const lines = await readProbeLines(probe.file);
    const checked = await checkHistory(history.file);
    const calls = fileCalls(await readFileLines(files.file));
    violations.push(...checked.verdict.violations, ...brokenCalls(calls.figures));
    if (serves && checked.ackedAt.length === 0) violations.push('history: nothing was acknowledged to anybody, so that nothing was shown');
    const ackedAt = [...probeAckedAt(lines), ...checked.ackedAt].sort((a, b) => a - b);
    const nothing = { probe: undefined, fileVerdict: undefined, digests: [] };
    const settled = serves ? await settleAll(world, lines, calls.files, violations) : nothing;
    const kept = [...world.masters, ...world.workers];
    violations.push(...crashesOf(kept, folder));
    return {
      ...settled,
      violations,
      history: checked.verdict,
      availability: availability(ackedAt, fromAt, toAt),
      gaps: gapsByKind(ackedAt, steps),
      files: calls.figures,
      fileGaps: { writes: gapsOfFiles(calls.writtenAt, steps), reads: gapsOfFiles(calls.readAt, steps) },
      takenBlocks: world.copies.takenCount,
      faults: steps.flatMap((step) => step.faults).filter(({ trouble }) => trouble === undefined).length,
      troubles: steps.flatMap((step) =>
        step.faults.flatMap(({ fault, trouble }) => (trouble === undefined ? [] : [`${fault.name}: ${trouble}`])),
      ),
      unexpectedEnds: Object.fromEntries(kept.map(({ name, unexpectedEnds }) => [name, unexpectedEnds])),
    };
  } finally {
    await world.close();
  }
}

/** @returns who ended and said nothing, or said that it is a defect; in the words of the process's own log. */
function crashesOf(kept: readonly KeptProcess[], folder: string): string[] {
  const defects = kept.filter(({ name }) => readFileSync(path.join(folder, `${name}.log`), 'utf8').includes(DEFECT));
  return [...kept.flatMap(({ crashes }) => crashes), ...defects.map(({ name }) => `${name} ended by a defect: see ${name}.log`)].map(
    (crash) => `I10: ${crash}`,
  );
}

function startClients(world: World, seed: number, folder: string) {
  const { masters, zookeeper, clients, workers } = world;
  const given = { seed, user: SUPERUSER, masters: masters.map(({ address }) => address), zookeeper: zookeeper.connectString };
  const start = (kind: ClientTask['kind'], [host, ...others]: readonly VirtualHost[], more: Partial<ClientTask> = {}) => {
    if (host === undefined) throw new Error(`no host for the clients: ${kind}`);
    const addresses = [host, ...others].map(({ address }) => address);
    return new ClientChild(host, { ...given, kind, file: path.join(folder, `${kind}.jsonl`), addresses, localWorkers: [], ...more });
  };
  return {
    probe: start('probe', [clients.probe]),
    history: start('history', clients.history),
    files: start('files', clients.files, { localWorkers: workers.slice(0, 1).map(({ host }) => host.address) }),
  };
}

/** Of the faults that are aimed at files. */
function gapsOfFiles(servedAt: readonly number[], steps: readonly DoneStep[]): readonly GapsOfKind[] {
  const named = new Set(steps.flatMap(({ faults }) => faults.filter(({ fault }) => fault.hits === 'files').map(({ fault }) => fault.name)));
  return gapsByKind(
    [...servedAt].sort((a, b) => a - b),
    steps,
  ).filter(({ name }) => named.has(name));
}

/** What became of everything, once the faults are over and nobody changes anything. @param violations are added to. */
async function settleAll(
  world: World,
  lines: readonly ProbeLine[],
  files: readonly KnownFile[],
  violations: string[],
): Promise<Pick<ChaosOutcome, 'probe' | 'fileVerdict' | 'digests'>> {
  await using fs = await world.freshClient();
  const fileVerdict = await judgeFiles(world, files, fs, violations).catch((error: unknown) => {
    violations.push(`files: they cannot be judged: ${error}`);
    return undefined;
  });
  const probe = await settle(lines, fs);
  const { lost, duplicated, unexpected } = probe;
  if (lost.length > 0) violations.push(`I1: ${lost.length} acknowledged files are lost, the first: ${lost[0]}`);
  if (duplicated.length > 0) violations.push(`I5: ${duplicated.length} files were made twice, the first: ${duplicated[0]}`);
  if (unexpected.length > 0) violations.push(`probe: ${unexpected.length} errors that nobody should meet, the first: ${unexpected[0]}`);
  const digests = await world.digests();
  if (new Set(digests).size !== 1) violations.push(`I4: the masters' states differ: ${digests.join(', ')}`);
  await world.run('journal', 'verify').catch((error) => violations.push(`journal verify: ${error.stdout ?? ''}${error.message}`));
  return { probe, fileVerdict, digests };
}
