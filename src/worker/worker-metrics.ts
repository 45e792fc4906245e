/** What a worker counts of itself for operators. Figures are read when somebody looks. */
import type { Metrics } from '../base/metrics.js';
import type { BlockStore } from '../blocks/block-store.js';

/** What was read, by where it came from. */
interface ReadCounts {
  /** Blocks that were here. */
  readonly cache: { readonly reads: number; readonly bytes: number };
  /** Blocks that were not. */
  readonly underStore: { readonly reads: number; readonly bytes: number };
  /** Files of blocks that clients of this host were given the names of. */
  readonly shortCircuit: { readonly reads: number };
}

/** What is measured of a worker. */
export interface MeasuredWorker {
  readonly store: Pick<BlockStore, 'tiers' | 'blockCount' | 'counts' | 'watch'>;
  readonly data: { readonly reads: number; readonly writings: number; readonly queuedBytes: number; readonly counts: ReadCounts };
  /** It has a session with. */
  readonly masters: readonly string[];
  readonly connections: number;
  readonly identity: { readonly version: string };
}

export function measureWorker(worker: MeasuredWorker, metrics: Metrics): void {
  const { store, data, identity } = worker;
  const gauge = metrics.gauge.bind(metrics);
  gauge('understudy_build_info', 'Which version this is; always 1.', () => [[{ version: identity.version }, 1]]);
  const ofTiers = (read: (tier: BlockStore['tiers'][number]) => number) => () =>
    store.tiers.map((tier) => [{ tier: tier.name }, read(tier)] as const);
  gauge(
    'understudy_worker_capacity_bytes',
    'Room for blocks, of directories that work.',
    ofTiers(({ capacityBytes }) => capacityBytes),
  );
  gauge(
    'understudy_worker_used_bytes',
    'Of that, what blocks take and what is kept for them.',
    ofTiers(({ usedBytes }) => usedBytes),
  );
  gauge(
    'understudy_worker_failed_directories',
    'Directories whose disk fails.',
    ofTiers(({ failedDirectories }) => failedDirectories),
  );
  gauge('understudy_worker_blocks', 'Blocks that are here.', () => store.blockCount);
  gauge('understudy_worker_blocks_being_read', 'Streams of bytes to readers.', () => data.reads);
  gauge('understudy_worker_blocks_being_written', 'Blocks that are not sealed yet.', () => data.writings);
  gauge('understudy_worker_queued_bytes', 'Bytes that were sent to be written, and are not yet.', () => data.queuedBytes);
  metrics.count('understudy_worker_reads_total', 'Reads of blocks: that were here, that were not, and by clients themselves.', () => [
    [{ source: 'cache' }, data.counts.cache.reads],
    [{ source: 'under_store' }, data.counts.underStore.reads],
    [{ source: 'short_circuit' }, data.counts.shortCircuit.reads],
  ]);
  metrics.count('understudy_worker_read_bytes_total', 'Bytes that were sent to readers, by where they came from.', () => [
    [{ source: 'cache' }, data.counts.cache.bytes],
    [{ source: 'under_store' }, data.counts.underStore.bytes],
  ]);
  metrics.count('understudy_worker_evicted_blocks_total', 'Blocks that made room.', () => store.counts.evictedBlocks);
  metrics.count('understudy_worker_evicted_bytes_total', 'Bytes of blocks that made room.', () => store.counts.evictedBytes);
  metrics.count(
    'understudy_worker_damaged_blocks_total',
    'Blocks that were found damaged, as they were read or scrubbed, and dropped.',
    () => store.counts.damagedBlocks,
  );
  gauge('understudy_worker_masters', 'Masters that know this worker.', () => worker.masters.length);
  gauge('understudy_rpc_connections', 'Clients and other workers that are connected.', () => worker.connections);
  const came = metrics.counter('understudy_worker_block_changes_total', 'Blocks that came, went or changed.', { change: 'came' });
  const went = metrics.counter('understudy_worker_block_changes_total', 'Blocks that came, went or changed.', { change: 'gone' });
  store.watch(({ gone }) => (gone ? went : came).add());
}
