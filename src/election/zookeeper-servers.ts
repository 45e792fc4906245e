/**
 * The list of ZooKeeper servers as operators write it, `h1:2181,h2:2181/chroot`. Names are resolved with each connection. The chroot is put
 * before each path by this program, so that it can be made where it is missing.
 */
import { UnderstudyError } from '../base/errors.js';

const DEFAULT_PORT = 2181;

export interface ZooKeeperServers {
  /** `host:port` of each. */
  readonly servers: readonly string[];
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
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  });
  return { servers, chroot };
}

function bad(text: string): UnderstudyError {
  return new UnderstudyError('invalid_argument', `not a list of zookeeper servers like h1:2181,h2:2181/chroot: servers=${text}`);
}
