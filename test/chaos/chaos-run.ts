/**
 * One run: a world, clients that write and read, a nemesis for a time; then the faults end, and it is looked at what became of everything.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { waitUntil } from '../servers/wait-until.js';
import { availability, type GapsOfKind, gapsByKind } from './availability.js';
import { ClientChild } from './client-child.js';
import { faultsFor } from './faults.js';
import type { JournalKind } from './journal-store.js';
import { machineClock } from './monotonic-clock.js';
import { type DoneStep, runNemesis, SERVICE_LIMIT_MS } from './nemesis.js';
import { type ProbeAccount, readProbeLines, settle } from './probe-account.js';
import { drawSteps } from './schedule.js';
import { SUPERUSER, World } from './world.js';

export interface ChaosOptions {
  readonly journal: JournalKind;
  readonly seed: number;
  readonly forMs: number;
  /** For histories, logs and configuration. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

export interface ChaosOutcome {
  /** Each of them makes the run a failure; empty where all was well. */
  readonly violations: readonly string[];
  readonly availability: number;
  readonly gaps: readonly GapsOfKind[];
  readonly probe: Omit<ProbeAccount, 'ackedAt'>;
  readonly faults: number;
  /** Faults that could not be made, and why. */
  readonly troubles: readonly string[];
  /** Masters that ended without having been told to, by host. */
  readonly unexpectedEnds: Readonly<Record<string, number>>;
  readonly digests: readonly string[];
}

export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const { journal, seed, forMs, folder, log } = options;
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
    const faults = faultsFor(world);
    for (const { fault, lack } of faults.lacking) log(`not here: ${fault.name}: this journal lacks ${lack}`);
    const fromAt = machineClock.monotonicMs();
    const steps: DoneStep[] = [];
    await runNemesis(drawSteps(seed, faults.possible), forMs, { world, servedSince, log, done: (step) => steps.push(step) }).catch(
      (error) => violations.push(`liveness: ${error.message}`),
    );
    const toAt = machineClock.monotonicMs();
    await Promise.all([probe.stop(), history.stop()]);

    const { ackedAt, ...account } = await settle(await readProbeLines(probeFile), world.fs);
    if (account.lost.length > 0) violations.push(`I1: ${account.lost.length} acknowledged files are lost, the first: ${account.lost[0]}`);
    if (account.duplicated.length > 0)
      violations.push(`I5: ${account.duplicated.length} files were made twice, the first: ${account.duplicated[0]}`);
    const digests = await world.digests();
    if (new Set(digests).size !== 1) violations.push(`I4: the masters' states differ: ${digests.join(', ')}`);
    await world.run('journal', 'verify').catch((error) => violations.push(`journal verify: ${error.stdout ?? ''}${error.message}`));
    return {
      violations,
      availability: availability(ackedAt, fromAt, toAt),
      gaps: gapsByKind(ackedAt, steps),
      probe: account,
      faults: steps.flatMap((step) => step.faults).length,
      troubles: steps.flatMap((step) =>
        step.faults.flatMap(({ fault, trouble }) => (trouble === undefined ? [] : [`${fault.name}: ${trouble}`])),
      ),
      unexpectedEnds: Object.fromEntries(world.masters.map(({ name, unexpectedEnds }) => [name, unexpectedEnds])),
      digests,
    };
  } finally {
    await world.close();
  }
}
