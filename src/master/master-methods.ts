/** All that a master answers, by method number: the namespace, and what concerns the master itself. */
import type { CallHandler } from '../rpc/rpc.js';
import { type Controlled, controlMethods } from './control-service.js';
import { type Featured, FeatureService } from './feature-service.js';
import { freezeMethods } from './freeze-service.js';
import type { HandOver } from './hand-over.js';
import { LoadService } from './load-service.js';
import { logLevelMethods } from './log-level-service.js';
import type { MasterDeps } from './master-deps.js';
import type { MasterSettings } from './master-settings.js';
import { MountCheck } from './mount-check.js';
import { NamespaceService } from './namespace-service.js';
import { type Reported, reportMethods } from './report-service.js';
import type { LeadTaker } from './take-lead.js';
import { transferMethods } from './transfer-service.js';
import { WatchService } from './watch-service.js';
import { freeMethods } from './workers/free-service.js';
import { measureWorkers } from './workers/worker-metrics.js';
import { workerMethods } from './workers/worker-service.js';

interface Parts {
  readonly handOver: HandOver;
  readonly taker: LeadTaker;
  readonly settings: MasterSettings;
  readonly deps: MasterDeps;
}

export function masterMethods(
  master: Controlled & Reported & Featured,
  { handOver, taker, settings: { namespace: settings }, deps }: Parts,
): CallHandler {
  measureWorkers(master.workers, () => master.serving?.troubles ?? null, deps.metrics);
  const control = new Map([
    ...controlMethods(master),
    ...reportMethods(master, deps),
    ...master.replication.methods(),
    ...logLevelMethods(master.identities, deps.logLevel),
    ...freezeMethods(master, deps),
    ...workerMethods({
      ...deps,
      roster: master.workers,
      clusterId: deps.journal.clusterId,
      incarnationId: deps.journal.incarnationId,
      ownAddress: () => master.rpcAddress,
      leads: () => master.leadership !== null,
      masters: () => master.replication.addresses(),
    }),
    ...freeMethods(master, settings),
    ...transferMethods({ handOver, taker, identities: master.identities }),
    ...new FeatureService(master, deps).methods(),
    ...new WatchService({ served: master, ...deps, settings }).methods(),
    ...new LoadService({ served: master, clock: deps.clock, settings }).methods(),
  ]);
  return new NamespaceService(settings, master, new MountCheck(settings, deps), control, deps.audit).handle;
}
