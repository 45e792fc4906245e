/**
 * What is asked of every master once nothing is broken any more: that it leads or follows, lags behind nothing, has nothing to complain of, and
 * says the same digest as the others.
 */
import type { Cluster } from './cluster.js';
import type { SimClient } from './sim-client.js';

/** @returns what keeps the cluster from being well; undefined when nothing does. */
export async function complaint(cluster: Cluster, client: SimClient): Promise<string | undefined> {
  const told = await Promise.all(cluster.masters.map((host) => client.statusOf(cluster.address(host))));
  const leaders = told.filter((status) => status?.state === 'ACTIVE').length;
  if (leaders !== 1) return `${leaders} masters lead`;
  const published = cluster.election.published();
  if (published.length !== 1) return `${published.length} masters are published: ${published.join(' ')}`;
  for (const [at, status] of told.entries()) {
    const host = cluster.masters[at];
    if (status === undefined) return `${host} does not answer`;
    const { state, reason, verified, behind } = status;
    if (state === 'ACTIVE' && !published.includes(cluster.address(host ?? ''))) return `${host} leads, and is not published`;
    if (state !== 'ACTIVE' && state !== 'PASSIVE') return `${host} is ${state}`;
    if (reason && !isExpected(reason, cluster)) return `${host} says: ${reason}`;
    if (!verified) return `${host} has not verified its store`;
    if (behind?.entries) return `${host} is ${behind.entries} entries behind`;
  }
  return undefined;
}

/** A damaged checkpoint is complained of until it is given up, and a time that is ahead until clocks have come there. */
function isExpected(reason: string, { checkpointsDamaged, clocksMoved }: Cluster): boolean {
  if (reason.includes('a checkpoint cannot be used')) return checkpointsDamaged > 0;
  return reason.includes("the cluster's time") && clocksMoved;
}
