/**
 * The election that the settings ask for.
 */
import path from 'node:path';
import type { UnderstudyError } from '../base/errors.js';
import { systemFiles } from '../base/system-file.js';
import type { Settings } from '../config/settings.js';
import type { Election } from '../election/election.js';
import { EmbeddedElection, type EmbeddedElectionDeps } from '../election/embedded-election.js';
import { FolderTerms } from '../election/folder-terms.js';
import { ManualElection } from '../election/manual-election.js';
import { ObjectTerms } from '../election/object-terms.js';
import { ZooKeeperElection } from '../election/zookeeper-election.js';
import { journalPlace, openBucket } from './open-journal.js';

/** A leader that resigned or died is noticed within this time. */
const EMBEDDED_POLL_MS = 25;
/** As that, where each look is two requests that are paid for. One that died is noticed at its port, without a look. */
const EMBEDDED_POLL_S3_MS = 250;

export interface ElectionDeps extends Omit<EmbeddedElectionDeps, 'terms'> {
  /** Of the journal. */
  readonly clusterId: string;
  /** Told where masters of another cluster stand in the same place: this one may not go on. */
  readonly foreign: (error: UnderstudyError) => void;
}

/** @throws `invalid_argument`: ZooKeeper's address is none. */
export async function openElection(settings: Settings, deps: ElectionDeps): Promise<Election> {
  if (settings.masterRole === 'observer') return new ManualElection('never');
  const isManual = settings.masterElectionMode === 'manual';
  switch (settings.masterElection) {
    case 'zookeeper': {
      const zookeeper = await ZooKeeperElection.open(
        {
          servers: settings.zookeeperAddress ?? '',
          sessionTimeoutMs: settings.zookeeperSessionTimeoutMs,
          electionPath: settings.zookeeperElectionPath,
          leaderPath: settings.zookeeperLeaderPath,
          clusterId: deps.clusterId,
        },
        deps,
        deps.foreign,
      );
      return isManual ? new ManualElection('never', zookeeper) : zookeeper;
    }
    case 'embedded': {
      // It publishes nothing: there is nothing left of it.
      if (isManual) return new ManualElection('never');
      const place = journalPlace(settings);
      const isFolder = place.kind === 'folder';
      const terms = isFolder
        ? new FolderTerms(path.join(place.settings.folder, 'election'), systemFiles)
        : new ObjectTerms(await openBucket(settings, place, deps));
      const pollIntervalMs = isFolder ? EMBEDDED_POLL_MS : EMBEDDED_POLL_S3_MS;
      return EmbeddedElection.open({ timeoutMs: settings.masterEmbeddedElectionTimeoutMs, pollIntervalMs }, { ...deps, terms });
    }
    case 'none':
      return new ManualElection(settings.masterRole === 'leader' ? 'at start' : 'never');
  }
}
