/**
 * One run: a world, clients that write and read, a nemesis for a time; then the faults end, and it is looked at what became of everything.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { HistoryVerdict } from '../history/history-check.js';
import { waitUntil } from '../servers/wait-until.js';
import { availability, type GapsOfKind, gapsByKind } from './availability.js';
import { ClientChild } from './client-child.js';
import { faultsFor } from './faults.js';
import type { JournalKind } from './journal-store.js';
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
  /** Absent where the service did not come back. */
  readonly probe: ProbeAccount | undefined;
  /** That were made. */
  readonly faults: number;
  /** Faults that could not be made, and why. */
  readonly troubles: readonly string[];
  /** Masters that ended without having been told to, by host. */
  readonly unexpectedEnds: Readonly<Record<string, number>>;
  readonly digests: readonly string[];
}

/** Calls of clients are given up within a minute. */
const CLIENT_STOP_LIMIT_MS = 90_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const { journal, seed, forMs, folder, only, log } = options;
  mkdirSync(folder, { recursive: true });
  const world = await World.start(journal, folder);
  try {
    const [probeFile, historyFile] = [path.join(folder, 'probe.jsonl'), path.join(folder, 'history.jsonl')];
    const [probeHost, ...otherHosts] = world.clientHosts;
    const [historyHost] = otherHosts;
    if (probeHost === undefined || historyHost === undefined) throw new Error('no hosts for clients');
    const addresses = otherHosts.map(({ address }) => address);
    const clients = {
      seed,
      user: SUPERUSER,
      masters: world.masters.map(({ address }) => address),
      zookeeper: world.zookeeper.connectString,
    };
    const probe = new ClientChild(probeHost, { ...clients, kind: 'probe', file: probeFile, addresses: [] });
    const history = new ClientChild(historyHost, { ...clients, kind: 'history', file: historyFile, addresses });
    const servedSince = (since: number) => probe.lastServed >= since;
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
    for (const client of [probe, history]) {
      await client.stop(serves ? CLIENT_STOP_LIMIT_MS : 0).catch((error) => violations.push(`liveness: ${error.message}`));
    }
    const lines = await readProbeLines(probeFile);
    const checked = await checkHistory(historyFile);
    violations.push(...checked.verdict.violations);
    if (serves && checked.ackedAt.length === 0) violations.push('history: nothing was acknowledged to anybody, so that nothing was shown');
    const ackedAt = [...probeAckedAt(lines), ...checked.ackedAt].sort((a, b) => a - b);
    return {
      ...(serves ? await settleAll(world, lines, violations) : { probe: undefined, digests: [] }),
      violations,
      history: checked.verdict,
      availability: availability(ackedAt, fromAt, toAt),
      gaps: gapsByKind(ackedAt, steps),
      faults: steps.flatMap((step) => step.faults).filter(({ trouble }) => trouble === undefined).length,
      troubles: steps.flatMap((step) =>
        step.faults.flatMap(({ fault, trouble }) => (trouble === undefined ? [] : [`${fault.name}: ${trouble}`])),
      ),
      unexpectedEnds: Object.fromEntries(world.masters.map(({ name, unexpectedEnds }) => [name, unexpectedEnds])),
    };
  } finally {
    await world.close();
  }
}

/** What became of everything, once the faults are over and nobody changes anything. @param violations are added to. */
async function settleAll(
  world: World,
  lines: readonly ProbeLine[],
  violations: string[],
): Promise<Pick<ChaosOutcome, 'probe' | 'digests'>> {
  await using fs = await world.freshClient();
  const probe = await settle(lines, fs);
  const { lost, duplicated, unexpected } = probe;
  if (lost.length > 0) violations.push(`I1: ${lost.length} acknowledged files are lost, the first: ${lost[0]}`);
  if (duplicated.length > 0) violations.push(`I5: ${duplicated.length} files were made twice, the first: ${duplicated[0]}`);
  if (unexpected.length > 0) violations.push(`probe: ${unexpected.length} errors that nobody should meet, the first: ${unexpected[0]}`);
  const digests = await world.digests();
  if (new Set(digests).size !== 1) violations.push(`I4: the masters' states differ: ${digests.join(', ')}`);
  await world.run('journal', 'verify').catch((error) => violations.push(`journal verify: ${error.stdout ?? ''}${error.message}`));
  return { probe, digests };
}
