/**
 * The election that the settings ask for.
 */
import path from 'node:path';
import { UnderstudyError } from '../base/errors.js';
import type { Settings } from '../config/settings.js';
import type { Election } from '../election/election.js';
import { EmbeddedElection, type EmbeddedElectionDeps } from '../election/embedded-election.js';
import { ManualElection } from '../election/manual-election.js';
import { ZooKeeperElection } from '../election/zookeeper-election.js';
import { journalPlace } from './open-journal.js';

/** A leader that resigned or died is noticed within this time. */
const EMBEDDED_POLL_MS = 25;

/** @throws `failed_precondition`: ZooKeeper is asked for and its package is missing. @throws `invalid_argument`: its address is none. */
export async function openElection(settings: Settings, deps: EmbeddedElectionDeps): Promise<Election> {
  if (settings.masterRole === 'observer') return new ManualElection('never');
  switch (settings.masterElection) {
    case 'zookeeper':
      return ZooKeeperElection.open(
        {
          servers: settings.zookeeperAddress ?? '',
          sessionTimeoutMs: settings.zookeeperSessionTimeoutMs,
          electionPath: settings.zookeeperElectionPath,
          leaderPath: settings.zookeeperLeaderPath,
        },
        deps,
      );
    case 'embedded': {
      const place = journalPlace(settings);
      if (place.kind !== 'folder') throw new UnderstudyError('unimplemented', 'the embedded election needs a journal in a folder');
      return EmbeddedElection.open(
        {
          folder: path.join(place.settings.folder, 'election'),
          timeoutMs: settings.masterEmbeddedElectionTimeoutMs,
          pollIntervalMs: EMBEDDED_POLL_MS,
        },
        deps,
      );
    }
    case 'none':
      return new ManualElection(settings.masterRole === 'leader' ? 'at start' : 'never');
  }
}
