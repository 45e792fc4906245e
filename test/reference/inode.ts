/**
 * The reference model's picture of a file or directory: one object a name, children in a map, nothing kept twice.
 *
 * The reference model is written from the meaning of the operations alone, to be obvious rather than quick: the whole tree is walked for
 * every question. It shares no code with src/. What the program and the model disagree about is a defect in one of them.
 */

export interface Node {
  id: number;
  directory: boolean;
  owner: string;
  group: string;
  /** setuid 04000, setgid 02000, sticky 01000. */
  special: number;
  /** A whole access control list by `kind:name`: `user:`, `group:`, `other:`; perhaps `mask:`, `user:NAME`, `group:NAME`. */
  acl: Map<string, number>;
  /** The same for what is made below a directory; empty: none. */
  defaultAcl: Map<string, number>;
  createdMs: number;
  modifiedMs: number;
  accessedMs: number;
  length: number;
  blockBytes: number;
  complete: boolean;
  persistence: number;
  generation: number;
  pinned: boolean;
  replicationMin: number;
  replicationMax: number;
  ttlMs: number | null;
  expiryAction: number;
  quota: { namesMax: number; bytesMax: bigint };
  xattrs: Map<string, string>;
  lease: { client: number; blocks: number } | null;
  /** Runs of blocks of a file that was joined out of others; empty: its own, from 0. */
  extents: { inodeId: number; first: number; blocks: number }[];
  mount: MountPoint | null;
  children: Map<string, Node>;
}

export interface MountPoint {
  id: number;
  uri: string;
  options: { key: string; value: string }[];
  readOnly: boolean;
  shared: boolean;
  mountedMs: number;
}

/** @returns the nine permission bits and the three above them. */
export function modeOf({ special, acl }: Node): number {
  return special | ((acl.get('user:') ?? 0) << 6) | ((acl.get('mask:') ?? acl.get('group:') ?? 0) << 3) | (acl.get('other:') ?? 0);
}

/** chmod: the group's bits are the mask's where there is one. */
export function setMode(node: Node, mode: number): void {
  node.special = mode & 0o7000;
  node.acl.set('user:', (mode >> 6) & 7);
  node.acl.set(node.acl.has('mask:') ? 'mask:' : 'group:', (mode >> 3) & 7);
  node.acl.set('other:', mode & 7);
}

export function aclOfMode(mode: number): Map<string, number> {
  return new Map([
    ['user:', (mode >> 6) & 7],
    ['group:', (mode >> 3) & 7],
    ['other:', mode & 7],
  ]);
}

export function copyOf(node: Node): Node {
  return {
    ...node,
    acl: new Map(node.acl),
    defaultAcl: new Map(node.defaultAcl),
    quota: { ...node.quota },
    xattrs: new Map(node.xattrs),
    lease: node.lease && { ...node.lease },
    extents: node.extents.map((extent) => ({ ...extent })),
    mount: node.mount && { ...node.mount },
    children: new Map([...node.children].map(([name, child]) => [name, copyOf(child)])),
  };
}

/** What is below a directory, itself not counted. */
export function usageOf(node: Node): { files: number; directories: number; bytes: bigint } {
  const usage = { files: 0, directories: 0, bytes: 0n };
  for (const child of node.children.values()) {
    const below = usageOf(child);
    usage.files += below.files + (child.directory ? 0 : 1);
    usage.directories += below.directories + (child.directory ? 1 : 0);
    usage.bytes += below.bytes + BigInt(child.length);
  }
  return usage;
}

/** Every inode with its path, a directory before what is in it, siblings in byte order of their names. */
export function allPaths(node: Node, path = ''): { path: string; node: Node }[] {
  const names = [...node.children.keys()].sort(byBytes);
  return [{ path: path || '/', node }, ...names.flatMap((name) => allPaths(node.children.get(name) as Node, `${path}/${name}`))];
}

export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
