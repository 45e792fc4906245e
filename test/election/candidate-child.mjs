/**
 * A candidate in a process of its own, to be killed for real: `candidate-child.mjs zookeeper|embedded <servers or folder> <host:port>`.
 * Prints each event on a line.
 */
import { createServer } from 'node:net';
import { silentLog } from '../../dist/base/log.js';
import { systemClock } from '../../dist/base/system-clock.js';
import { systemFiles } from '../../dist/base/system-file.js';
import { systemRandom } from '../../dist/base/system-random.js';
import { EmbeddedElection } from '../../dist/election/embedded-election.js';
import { FolderTerms } from '../../dist/election/folder-terms.js';
import { ZooKeeperElection } from '../../dist/election/zookeeper-election.js';
import { tcpNetwork } from '../../dist/rpc/tcp-network.js';

const [kind, where = '', rpcAddress = ''] = process.argv.slice(2);
const deps = { clock: systemClock, random: systemRandom, log: silentLog, network: tcpNetwork };
const paths = { electionPath: '/understudy/election', leaderPath: '/understudy/leader' };

await new Promise((resolve) => createServer().listen(Number(rpcAddress.split(':')[1]), '127.0.0.1', resolve));
const election =
  kind === 'zookeeper'
    ? await ZooKeeperElection.open({ servers: where, sessionTimeoutMs: 1_000, clusterId: 'cluster-a', ...paths }, deps)
    : await EmbeddedElection.open({ timeoutMs: 20_000, pollIntervalMs: 25 }, { ...deps, terms: new FolderTerms(where, systemFiles) });
election.join(rpcAddress, ({ type }) => process.stdout.write(`${type}\n`));
process.once('SIGTERM', () => void election.close().then(() => process.exit(0)));
