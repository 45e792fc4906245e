/**
 * Tells operators how this master is: its state, its settings, its storage, its journal, its figures. Answers in every state, and looks at
 * nothing that could wait for long.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import { asError } from '../base/errors.js';
import type { ShownMetrics } from '../base/metrics.js';
import { operations } from '../metadata/operations.js';
import type { CallHandler } from '../rpc/rpc.js';
import type { Leadership } from './leadership.js';
import type { Replica } from './replica.js';
import type { Replication } from './replication.js';
import { NO_SURROUNDINGS, type Surroundings } from './surroundings.js';

export interface Reported {
  readonly leadership: Leadership | null;
  readonly replica: Replica | null;
  readonly replication: Replication;
  status(): understudy.MasterStatusResponse.$Properties;
}

interface ReportDeps {
  readonly clock: Clock;
  readonly metrics?: Pick<ShownMetrics, 'values'>;
  readonly surroundings?: Surroundings;
}

/** A journal that takes longer to confirm is told as taking that long. */
const CONFIRM_MAX_MS = 2_000;

/** @returns the handlers by method number. */
export function reportMethods(master: Reported, deps: ReportDeps): ReadonlyMap<number, CallHandler> {
  const { method, response } = operations.masterReport;
  return new Map<number, CallHandler>([
    [
      method,
      (call) =>
        void report(master, deps).then(
          (told) => call.reply(encodeMessage(response, told)),
          (error) => call.fail(asError(error)),
        ),
    ],
  ]);
}

async function report(
  master: Reported,
  { clock, metrics, surroundings = NO_SURROUNDINGS }: ReportDeps,
): Promise<understudy.MasterReportResponse.$Properties> {
  const figuring = metrics?.values() ?? new Map<string, number>();
  const [confirmUs, storage, figures] = await Promise.all([confirmTime(master.leadership, clock), surroundings.storage(), figuring]);
  const retention = master.replica?.state.retention();
  return {
    status: master.status(),
    clockMs: Math.floor(clock.wallMs()),
    settings: surroundings.settings.map((setting) => ({ ...setting })),
    storage: storage.map((space) => ({ ...space })),
    journal: {
      checkpoints: [...(retention?.checkpoints ?? [])],
      boundarySn: retention?.boundarySn ?? 0,
      confirmUs,
      canWrite: master.leadership?.canWrite ?? false,
    },
    metrics: [...figures].map(([name, value]) => ({ name, value })),
    replication: master.replication.remembered(),
  };
}

/** @returns microseconds, 0 where nobody leads here. A held leader is about to hand over, and is not asked. */
function confirmTime(leadership: Leadership | null, clock: Clock): Promise<number> {
  if (leadership === null || leadership.isHeld) return Promise.resolve(0);
  const startedMs = clock.monotonicMs();
  return new Promise((resolve) => {
    const tell = () => resolve(Math.max(1, Math.round((clock.monotonicMs() - startedMs) * 1_000)));
    const timer = clock.setTimer(CONFIRM_MAX_MS, tell);
    leadership.release(() => {
      timer.cancel();
      tell();
    });
  });
}
