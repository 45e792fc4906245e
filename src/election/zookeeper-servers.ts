/**
 * The list of ZooKeeper servers as operators write it, `h1:2181,h2:2181/chroot`, and what its names resolve to.
 *
 * Names are resolved here, not by the C client, which would stop the event loop for it and dies silently of a name that does not resolve.
 * A name that fails is reported and left out while another resolves. The chroot is put before each path by this program, so that it can be
 * made where it is missing.
 */
import { lookup } from 'node:dns/promises';
import { UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';

const DEFAULT_PORT = 2181;

export interface ZooKeeperServers {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** Empty, or begins with a slash and ends without. */
  readonly chroot: string;
}

/** @throws `invalid_argument`. A server without a port has 2181. */
export function parseServers(text: string): ZooKeeperServers {
  const slash = text.indexOf('/');
  const list = slash < 0 ? text : text.slice(0, slash);
  const chroot = slash < 0 ? '' : text.slice(slash).replace(/\/+$/, '');
  if (/\/\/|\/\.{1,2}(?:\/|$)/.test(chroot)) throw bad(text);
  const servers = list.split(',').map((part) => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(part.trim());
    const host = match?.[1] ?? match?.[2];
    const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
    if (host === undefined || port < 1 || port > 65_535) throw bad(text);
    return { host, port };
  });
  return { servers, chroot };
}

/** @returns `ip:port,ip:port`, as the C client reads it. @throws `unavailable` naming the hosts, when none resolves. */
export async function resolveServers(servers: ZooKeeperServers['servers'], log: Log): Promise<string> {
  const found = await Promise.allSettled(servers.map((server) => lookup(server.host, { all: true })));
  const addresses: string[] = [];
  const failed: string[] = [];
  let cause: unknown;
  for (const [index, result] of found.entries()) {
    const server = servers[index];
    if (server === undefined) continue;
    // The C client takes the text before the last colon: an IPv6 address stands without brackets.
    if (result.status === 'fulfilled') addresses.push(...result.value.map(({ address }) => `${address}:${server.port}`));
    else {
      failed.push(server.host);
      cause = result.reason;
    }
  }
  if (addresses.length === 0)
    throw new UnderstudyError('unavailable', `zookeeper host does not resolve: hosts=${failed.join(',')}`, { cause });
  if (failed.length > 0) log.warn({ hosts: failed }, 'a zookeeper host does not resolve; going on with the others');
  return [...new Set(addresses)].join(',');
}

function bad(text: string): UnderstudyError {
  return new UnderstudyError('invalid_argument', `not a list of zookeeper servers like h1:2181,h2:2181/chroot: servers=${text}`);
}
