/** What a master measures of the workers that it knows. */
import { type Metrics, noMetrics } from '../../base/metrics.js';
import type { StorageTroubles } from '../storage-troubles.js';
import type { KnownWorker, WorkerState } from './known-worker.js';
import type { WorkerRoster } from './worker-roster.js';

const STATES: readonly WorkerState[] = ['LIVE', 'LEAVING', 'DECOMMISSIONING', 'DECOMMISSIONED', 'LOST'];

/** @param seen while this master leads. */
export function measureWorkers(roster: WorkerRoster, seen: () => StorageTroubles | null, metrics: Metrics = noMetrics): void {
  metrics.gauge(
    'understudy_files_to_persist',
    'Files that wait to be written to mounted storage, as the leader saw last.',
    () => seen()?.filesWaiting ?? null,
  );
  metrics.gauge(
    'understudy_under_replicated_blocks',
    'Blocks with fewer copies than they are to have, as the leader saw last.',
    () => seen()?.blocksUnderReplicated ?? null,
  );
  metrics.gauge(
    'understudy_files_to_persist_wait_seconds',
    'For how long the one of those files has waited that has waited longest, as far as this leader has seen.',
    () => seen()?.waitSeconds() ?? null,
  );
  metrics.gauge(
    'understudy_lost_blocks',
    'Blocks of files that no worker that is there has, and mounted storage does not have either, as the leader counted last.',
    () => seen()?.blocksLost ?? null,
  );
  const there = () => roster.list().filter(({ isLost }) => !isLost);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const isGone = ({ isLost, isDecommissioned }: KnownWorker) => isLost && isDecommissioned;
  const inState = (state: WorkerState) => roster.list().filter((worker) => worker.state === state && !isGone(worker)).length;
  metrics.gauge(
    'understudy_workers',
    'Workers that this master knows, by state; without those that were taken out of use and are gone.',
    () => STATES.map((state) => [{ state: state.toLowerCase() }, inState(state)] as const),
  );
  metrics.gauge(
    'understudy_decommissioning_blocks_left',
    'Blocks on workers that are taken out of use that have to be on others first, as the leader saw last.',
    () => {
      const left = roster.list().flatMap(({ blocksLeft }) => blocksLeft ?? []);
      return left.length === 0 ? null : sum(left);
    },
  );
  metrics.gauge('understudy_worker_block_copies', 'Copies of blocks on workers that are there, as far as this master knows.', () =>
    sum(there().map(({ blocks }) => blocks.count)),
  );
  metrics.gauge('understudy_worker_capacity_bytes', 'Room of the tiers of workers that are there.', () =>
    sum(there().map(({ capacityBytes }) => capacityBytes)),
  );
  metrics.gauge('understudy_worker_used_bytes', 'Bytes that blocks take there.', () => sum(there().map(({ usedBytes }) => usedBytes)));
  metrics.count(
    'understudy_balanced_bytes_total',
    'Bytes of blocks that this master has had moved from full workers to others.',
    () => roster.balancedBytes,
  );
  metrics.count('understudy_orphan_blocks_total', 'Blocks of no file that this master has had freed while it led.', () => roster.orphans);
}
