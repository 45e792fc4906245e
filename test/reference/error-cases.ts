/** The rows of error-table.test.ts, and the namespace that they are tried on. */
import { operations } from '../../src/metadata/operations.js';

export interface ErrorCase {
  readonly op: string;
  readonly errno: string;
  readonly who: string;
  /** Null: it is a query. */
  readonly client: number | null;
  readonly request: object;
  readonly why: string;
}

const line = (who: string, client: number, op: string, request: object) => `${who} ${client} ${op} ${JSON.stringify(request)}`;

/** More cannot be. */
function manyCursors(count: number): object[] {
  return Array.from({ length: count }, (_, at) => ({ op: 'setCursor', name: `c${at}`, path: '/d' }));
}

/** Lines that make a file of 1,025 runs of blocks. */
function filesOfManyRuns(path: string): string[] {
  const groups = [0, 1].map((group) => Array.from({ length: 512 }, (_, at) => `${path}-${group}-${at}`));
  const file = (each: string) => ({ op: 'createFile', path: each, completeLength: 1, blockBytes: 1, recursive: true });
  return [
    line('root', 0, 'createFile', { path, completeLength: 1, blockBytes: 1, recursive: true }),
    ...groups.flatMap((sources) => [line('root', 0, 'multi', { steps: sources.map(file) }), line('root', 0, 'concat', { path, sources })]),
  ];
}

const BLOCK = 'user.block.size.bytes.default';

/**
 *     /                 root:wheel   drwxr-xr-x
 *     /d                alice:staff  drwxr-xr-x   with file, short (1 byte), odd (other blocks), locked (rw-------), xattrs (user.a), empty/, full/f, shut/f (d-wx------)
 *     /d/open           alice        incomplete, written through client 1
 *     /d/left           alice        rw-------, incomplete: its writer is gone
 *     /d/bytes          root         1024 bytes at most; with f, which has them, and open, written through client 1
 *     /d/quota          alice        1 name and 10 bytes at most, and it holds f with 10 bytes
 *     /closed           root         drwx------   with f
 *     /noList           root         d-wx-wx-wx   with f
 *     /sticky           root         drwxrwxrwt   with alices (rw-rw-rw-) and bobs
 *     /persisted        root         PERSISTED
 *     /toPersist        root         TO_BE_PERSISTED, inode 9
 *     /huge             root         with a, b and c of 2^52 bytes each
 *     /wide, /narrow    root         incomplete, in blocks of 2^52 bytes and of one
 *     /deep/…           root         20 directories, one below the other
 *     /w                a mount that everybody may write, with f and inner, a mount point
 *     /r                one that is read-only, with f, d/ and toPersist (inode 11, TO_BE_PERSISTED)
 */
export const FIXTURE: readonly string[] = [
  line('root', 0, 'createDirectory', { path: '/d', mode: 0o755 }),
  line('root', 0, 'setAttributes', { path: '/d', owner: 'alice', group: 'staff' }),
  line('alice', 0, 'createFile', { path: '/d/file', completeLength: 2048, mode: 0o644 }),
  line('alice', 0, 'createFile', { path: '/d/short', completeLength: 1, mode: 0o644 }),
  line('alice', 0, 'createFile', { path: '/d/odd', completeLength: 1024, blockBytes: 512, mode: 0o644 }),
  line('alice', 0, 'createFile', { path: '/d/locked', completeLength: 1, mode: 0o600 }),
  line('alice', 0, 'createFile', { path: '/d/xattrs', completeLength: 1, mode: 0o644 }),
  line('alice', 0, 'setXattr', { path: '/d/xattrs', name: 'user.a', value: 'x' }),
  line('alice', 1, 'createFile', { path: '/d/open', mode: 0o666 }),
  line('root', 0, 'createFile', { path: '/toPersist', completeLength: 1 }),
  line('root', 0, 'setAttributes', { path: '/toPersist', persistence: 1 }),
  line('root', 0, 'mount', { path: '/r', uri: '/under/r', shared: true }),
  line('root', 0, 'createFile', { path: '/r/toPersist', completeLength: 1, persist: true }),
  line('alice', 0, 'createDirectory', { path: '/d/empty' }),
  line('alice', 0, 'createFile', { path: '/d/full/f', completeLength: 1, recursive: true }),
  line('root', 0, 'createDirectory', { path: '/d/quota' }),
  line('root', 0, 'setAttributes', { path: '/d/quota', owner: 'alice' }),
  line('alice', 0, 'createFile', { path: '/d/quota/f', completeLength: 10 }),
  line('root', 0, 'setQuota', { path: '/d/quota', namesMax: 1, bytesMax: { low: 10 } }),
  line('root', 0, 'createDirectory', { path: '/d/bytes' }),
  line('root', 1, 'createFile', { path: '/d/bytes/open' }),
  line('root', 1, 'addBlocks', { path: '/d/bytes/open', blocks: 1 }),
  line('root', 0, 'createFile', { path: '/d/bytes/f', completeLength: 1024 }),
  line('root', 0, 'setQuota', { path: '/d/bytes', bytesMax: { low: 1024 } }),
  line('alice', 2, 'createFile', { path: '/d/left', mode: 0o600 }),
  'client 2',
  line('root', 0, 'createFile', { path: '/narrow', blockBytes: 1 }),
  line('root', 0, 'createDirectory', { path: '/deep'.repeat(20), recursive: true }),
  line('root', 0, 'createFile', { path: '/closed/f', completeLength: 1, recursive: true }),
  line('root', 0, 'setAttributes', { path: '/closed', mode: 0o700 }),
  line('root', 0, 'createFile', { path: '/noList/f', completeLength: 1, recursive: true }),
  line('root', 0, 'setAttributes', { path: '/noList', mode: 0o333 }),
  line('root', 0, 'createDirectory', { path: '/sticky', mode: 0o1777 }),
  line('alice', 0, 'createFile', { path: '/sticky/alices', completeLength: 2048, mode: 0o666 }),
  line('bob', 0, 'createFile', { path: '/sticky/bobs', completeLength: 1024 }),
  line('alice', 0, 'createFile', { path: '/d/shut/f', completeLength: 1, recursive: true }),
  line('alice', 0, 'setAttributes', { path: '/d/shut', mode: 0o300 }),
  line('root', 0, 'createFile', { path: '/persisted', completeLength: 1024 }),
  line('root', 0, 'setAttributes', { path: '/persisted', persistence: 1 }),
  line('root', 0, 'setAttributes', { path: '/persisted', persistence: 2 }),
  ...['a', 'b', 'c'].map((name) =>
    line('root', 0, 'createFile', { path: `/huge/${name}`, completeLength: 2 ** 52, blockBytes: 2 ** 40, recursive: true }),
  ),
  line('root', 0, 'createFile', { path: '/wide', blockBytes: 2 ** 52 }),
  line('root', 0, 'setCursor', { name: 'cursor', path: '/d' }),
  line('root', 0, 'multi', { steps: manyCursors(999) }),
  ...Array.from({ length: 1_000 }, (_, at) =>
    line('root', 0, 'setConfig', { forPath: `/conf/${at}`, set: [{ key: BLOCK, value: '4KB' }] }),
  ),
  ...['a', 'b'].flatMap((name) => filesOfManyRuns(`/runs/${name}`)),
  line('root', 0, 'mount', { path: '/w', uri: '/under/w', shared: true }),
  line('root', 0, 'mount', { path: '/w/inner', uri: 's3://bucket/w', shared: true }),
  line('alice', 0, 'createFile', { path: '/w/f', completeLength: 1024 }),
  line('root', 0, 'createFile', { path: '/r/f', completeLength: 1024 }),
  line('root', 1, 'createFile', { path: '/r/open' }),
  line('root', 0, 'createFile', { path: '/r/d/f', completeLength: 1024, recursive: true }),
  line('root', 0, 'setXattr', { path: '/r/f', name: 'user.a', value: 'x' }),
  line('root', 0, 'updateMount', { path: '/r', readOnly: true, shared: true }),
];

const LONG_NAME = 'n'.repeat(256);

/** What takes a path takes no bad one; of what is not there, or out of reach, nothing is told. */
function pathCases(op: string, request: object, field = 'path', needsThere = true): ErrorCase[] {
  const cases: [path: string, who: string, errno: string, why: string][] = [
    ['d/file', 'root', 'EINVAL', 'a path without a slash at its beginning'],
    ['/d//file', 'root', 'EINVAL', 'two slashes'],
    ['/d/../d', 'root', 'EINVAL', 'two dots'],
    ['/d/\0', 'root', 'EINVAL', 'a NUL'],
    [`/d/${LONG_NAME}`, 'root', 'ENAMETOOLONG', 'a name of 256 bytes'],
    [`/d/${'é'.repeat(128)}`, 'root', 'ENAMETOOLONG', 'a name of 128 characters that are 256 bytes'],
    ['/d/n'.repeat(1025), 'root', 'ENAMETOOLONG', 'a path of 4,100 bytes'],
    ['/d'.repeat(513), 'root', 'ENAMETOOLONG', 'a path of 513 components'],
    ['/closed/f', 'bob', 'EACCES', 'in a directory that may not be searched'],
    ['/closed/none', 'bob', 'EACCES', 'missing in a directory that may not be searched'],
    ...(op === 'exists' ? [] : ([['/d/file/none', 'root', 'ENOTDIR', 'below a file']] as [string, string, string, string][])),
    ...(needsThere ? ([['/d/none', 'root', 'ENOENT', 'missing']] as [string, string, string, string][]) : []),
    ...(op === 'exists' ? [] : ([['/none/none', 'root', 'ENOENT', 'the parent is missing']] as [string, string, string, string][])),
  ];
  const isSuperusers = ['mount', 'unmount', 'updateMount'].includes(op);
  return cases
    .filter(([, who]) => !isSuperusers || who === 'root')
    .map(([path, who, errno, why]) => of(op, errno, who, { ...request, [field]: path }, `${field} ${why}`));
}

function of(op: string, errno: string, who: string, request: object, why: string, client = 0): ErrorCase {
  const { kind } = operations[op as keyof typeof operations];
  return { op, errno, who, client: kind === 'mutation' ? client : null, request, why };
}

const longOption = () => ({ key: 'underfs.s3.endpoint', value: `http://${'x'.repeat(20_000)}` });

/** Of the files by these ids, as the fixture makes them; as it ought to be, but for what `more` says. */
function commit(inodeId: number, more: object = {}): object {
  const part = `.understudy-parts/cluster-${inodeId}-0.part`;
  return { inodeId, generation: 0, length: 1, mountId: 1, part, ...more };
}

function deepSteps(count: number): object[] {
  return Array.from({ length: count }, (_, at) => ({ op: 'setAttributes', path: '/deep'.repeat(20), mode: at % 8 }));
}

export const ERROR_CASES: readonly ErrorCase[] = [
  ...pathCases('createFile', {}, 'path', false),
  of('createFile', 'EEXIST', 'alice', { path: '/d/file' }, 'there is a file'),
  of('createFile', 'ENOTSUP', 'alice', { path: '/d/file', overwrite: true, mustPersist: true }, 'to be persisted, below no mount point'),
  of('createFile', 'EEXIST', 'alice', { path: '/d' }, 'there is a directory'),
  of('createFile', 'EEXIST', 'root', { path: '/' }, 'the root'),
  of('createFile', 'EISDIR', 'alice', { path: '/d/empty', overwrite: true }, 'over a directory'),
  of('createFile', 'EACCES', 'bob', { path: '/d/new' }, 'no write permission on the directory'),
  of('createFile', 'EACCES', 'bob', { path: '/d/file', overwrite: true }, 'nor to replace what is there'),
  of('createFile', 'EACCES', 'bob', { path: '/d/a/b/c', recursive: true }, 'nor to make the parents'),
  of('createFile', 'EPERM', 'bob', { path: '/sticky/alices', overwrite: true }, "another user's in a sticky directory"),
  of('createFile', 'EBUSY', 'alice', { path: '/d/open', overwrite: true }, 'another client writes what is there'),
  of('createFile', 'EROFS', 'root', { path: '/r/new' }, 'read-only mount'),
  of('createFile', 'EDQUOT', 'alice', { path: '/d/quota/g' }, 'quota of names'),
  of('createFile', 'EDQUOT', 'root', { path: '/d/bytes/g', completeLength: 1 }, 'quota of bytes'),
  of('createFile', 'EDQUOT', 'root', { path: '/d/bytes/f', completeLength: 1025, overwrite: true }, 'longer than what it replaces'),
  of('createFile', 'EFBIG', 'root', { path: '/new', completeLength: 2 ** 40, blockBytes: 1 }, 'more blocks than can be numbered'),
  of('createFile', 'EINVAL', 'root', { path: '/new', mode: 0o10000 }, 'a mode of thirteen bits'),
  of('createFile', 'EINVAL', 'root', { path: '/new', replicationMin: 2, replicationMax: 1 }, 'fewer copies at most than at least'),

  ...pathCases('completeFile', {}),
  of('completeFile', 'ENOENT', 'root', { inodeId: 999_999 }, 'by an id that is gone'),
  of('completeFile', 'EISDIR', 'root', { path: '/d' }, 'a directory'),
  of('completeFile', 'ETXTBSY', 'root', { path: '/d/file' }, 'complete already'),
  of('completeFile', 'EBUSY', 'bob', { path: '/d/open' }, 'another client writes it'),
  of('completeFile', 'EACCES', 'bob', { path: '/d/left' }, 'its writer is gone, and no write permission'),
  of('completeFile', 'EDQUOT', 'root', { path: '/d/bytes/open', length: 1 }, 'quota of bytes', 1),
  of('completeFile', 'EFBIG', 'root', { path: '/narrow', length: 2 ** 40 }, 'more blocks than can be numbered'),
  of('completeFile', 'EROFS', 'root', { path: '/r/open' }, 'read-only mount', 1),

  ...pathCases('addBlocks', { blocks: 1 }),
  of('addBlocks', 'EINVAL', 'root', { path: '/d/open', blocks: 0 }, 'no blocks'),
  of('addBlocks', 'EINVAL', 'root', { path: '/d/open', blocks: 65_537 }, 'too many at once'),
  of('addBlocks', 'EISDIR', 'root', { path: '/d', blocks: 1 }, 'a directory'),
  of('addBlocks', 'ETXTBSY', 'root', { path: '/d/file', blocks: 1 }, 'complete'),
  of('addBlocks', 'EBUSY', 'bob', { path: '/d/open', blocks: 1 }, 'another client writes it'),
  of('addBlocks', 'EFBIG', 'root', { path: '/wide', blocks: 2 }, '2^53 bytes'),
  of('addBlocks', 'ENOENT', 'root', { inodeId: 999_999, blocks: 1 }, 'by an id that is gone'),
  of('addBlocks', 'EACCES', 'bob', { path: '/d/left', blocks: 1 }, 'its writer is gone, and no write permission'),
  of('addBlocks', 'EINVAL', 'root', { path: '/wide', blocks: 1, length: 2 ** 52 + 1 }, 'longer than its blocks'),
  of('addBlocks', 'EDQUOT', 'root', { path: '/d/bytes/open', blocks: 1, length: 1 }, 'quota of bytes', 1),
  of('addBlocks', 'EROFS', 'root', { path: '/r/open', blocks: 1 }, 'read-only mount', 1),

  ...pathCases('appendFile', {}),
  of('appendFile', 'EISDIR', 'root', { path: '/d' }, 'a directory'),
  of('appendFile', 'EACCES', 'bob', { path: '/d/file' }, 'no write permission'),
  of('appendFile', 'EBUSY', 'alice', { path: '/d/open' }, 'it is being written'),
  of('appendFile', 'EROFS', 'root', { path: '/r/f' }, 'read-only mount'),

  ...pathCases('truncateFile', {}),
  of('truncateFile', 'EISDIR', 'root', { path: '/d' }, 'a directory'),
  of('truncateFile', 'EACCES', 'bob', { path: '/d/file' }, 'no write permission'),
  of('truncateFile', 'EBUSY', 'alice', { path: '/d/open' }, 'it is being written'),
  of('truncateFile', 'EINVAL', 'alice', { path: '/d/file', length: 2049 }, 'longer than the file'),
  of('truncateFile', 'EROFS', 'root', { path: '/r/f' }, 'read-only mount'),

  ...pathCases('concat', { sources: ['/d/file'] }),
  of('concat', 'EINVAL', 'alice', { path: '/d/file' }, 'no sources'),
  of('concat', 'EINVAL', 'alice', { path: '/d/file', sources: Array.from({ length: 1025 }, () => '/d/short') }, 'too many sources'),
  of('concat', 'EINVAL', 'alice', { path: '/d/file', sources: ['/d/file'] }, 'with itself'),
  of('concat', 'EINVAL', 'alice', { path: '/d/file', sources: ['/d/short', '/d/short'] }, 'a source twice'),
  of('concat', 'EINVAL', 'root', { path: '/d/file', sources: ['/d/short', '/d/full/f'] }, 'sources of two directories'),
  of('concat', 'EINVAL', 'alice', { path: '/d/file', sources: ['/d/odd'] }, 'blocks of another size'),
  of('concat', 'EINVAL', 'alice', { path: '/d/short', sources: ['/d/file'] }, 'a file that does not end where a block ends'),
  of('concat', 'ENOENT', 'alice', { path: '/d/file', sources: ['/d/none'] }, 'a source is missing'),
  of('concat', 'EISDIR', 'alice', { path: '/d/file', sources: ['/d/empty'] }, 'a source is a directory'),
  of('concat', 'EACCES', 'bob', { path: '/d/file', sources: ['/d/short'] }, 'no write permission'),
  of('concat', 'EPERM', 'bob', { path: '/sticky/bobs', sources: ['/sticky/alices'] }, "another user's in a sticky directory"),
  of('concat', 'EBUSY', 'root', { path: '/d/file', sources: ['/d/open'] }, 'a source is being written'),
  of('concat', 'EXDEV', 'root', { path: '/d/file', sources: ['/w/f'] }, 'another mount'),
  of('concat', 'EROFS', 'root', { path: '/r/f', sources: ['/r/d/f'] }, 'read-only mount'),
  of('concat', 'ENOTSUP', 'root', { path: '/d/file', sources: ['/persisted'] }, 'the storage has it'),
  of('concat', 'EDQUOT', 'root', { path: '/d/bytes/f', sources: ['/d/file'] }, 'quota of bytes'),
  of('concat', 'EFBIG', 'root', { path: '/huge/a', sources: ['/huge/b', '/huge/c'] }, 'past 2^53 bytes'),

  of('concat', 'E2BIG', 'root', { path: '/runs/a', sources: ['/runs/b'] }, 'made of more than 2,048 runs of blocks'),

  ...pathCases('createDirectory', {}, 'path', false),
  of('createDirectory', 'EEXIST', 'alice', { path: '/d/empty' }, 'there is a directory'),
  of('createDirectory', 'EEXIST', 'alice', { path: '/d/file', allowExists: true }, 'there is a file'),
  of('createDirectory', 'EEXIST', 'root', { path: '/' }, 'the root'),
  of('createDirectory', 'EACCES', 'bob', { path: '/d/new' }, 'no write permission on the directory'),
  of('createDirectory', 'EROFS', 'root', { path: '/r/new' }, 'read-only mount'),
  of('createDirectory', 'EDQUOT', 'alice', { path: '/d/quota/new' }, 'quota of names'),
  of('createDirectory', 'EINVAL', 'root', { path: '/new', mode: 0o10000 }, 'a mode of thirteen bits'),

  ...pathCases('rename', { to: '/d/new' }, 'from'),
  ...pathCases('rename', { from: '/d/file' }, 'to', false),
  of('rename', 'EINVAL', 'root', { from: '/', to: '/new' }, 'the root'),
  of('rename', 'EINVAL', 'root', { from: '/d/file', to: '/', overwrite: true }, 'over the root'),
  of('rename', 'EINVAL', 'root', { from: '/d', to: '/d/empty/d' }, 'below itself'),
  of('rename', 'EINVAL', 'root', { from: '/d', to: '/d', into: true }, 'into itself'),
  of('rename', 'EEXIST', 'alice', { from: '/d/file', to: '/d/short' }, 'there is a file'),
  of('rename', 'EEXIST', 'alice', { from: '/d/file', to: '/d/empty' }, 'there is a directory'),
  of('rename', 'EISDIR', 'alice', { from: '/d/file', to: '/d/empty', overwrite: true }, 'a file over a directory'),
  of('rename', 'ENOTDIR', 'alice', { from: '/d/empty', to: '/d/file', overwrite: true }, 'a directory over a file'),
  of('rename', 'ENOTEMPTY', 'alice', { from: '/d/empty', to: '/d/full', overwrite: true }, 'over a directory that is not empty'),
  of('rename', 'EACCES', 'bob', { from: '/d/file', to: '/sticky/new' }, 'no write permission on its directory'),
  of('rename', 'EACCES', 'alice', { from: '/d/file', to: '/new' }, 'no write permission on the new directory'),
  of('rename', 'EPERM', 'bob', { from: '/sticky/alices', to: '/sticky/bobs2' }, "another user's in a sticky directory"),
  of(
    'rename',
    'EPERM',
    'bob',
    { from: '/sticky/bobs', to: '/sticky/alices', overwrite: true },
    "over another user's in a sticky directory",
  ),
  of('rename', 'EBUSY', 'root', { from: '/w', to: '/v' }, 'a mount point'),
  of('rename', 'EXDEV', 'root', { from: '/d/file', to: '/w/g' }, 'into a mount'),
  of('rename', 'EXDEV', 'root', { from: '/w/f', to: '/g' }, 'out of a mount'),
  of('rename', 'EROFS', 'root', { from: '/r/f', to: '/r/g' }, 'read-only mount'),
  of('rename', 'EDQUOT', 'alice', { from: '/d/short', to: '/d/quota/g' }, 'quota of names'),
  of('rename', 'EDQUOT', 'root', { from: '/d/short', to: '/d/bytes/g' }, 'quota of bytes'),

  ...pathCases('remove', {}),
  of('remove', 'EINVAL', 'root', { path: '/', recursive: true }, 'the root'),
  of('remove', 'ENOTEMPTY', 'alice', { path: '/d/full' }, 'not empty, and not recursive'),
  of('remove', 'EACCES', 'bob', { path: '/d/file' }, 'no write permission on its directory'),
  of('remove', 'EACCES', 'alice', { path: '/d/shut', recursive: true }, 'a full directory that its owner may not read'),
  of('remove', 'EPERM', 'bob', { path: '/sticky/alices' }, "another user's in a sticky directory"),
  of('remove', 'EBUSY', 'root', { path: '/w/inner' }, 'a mount point'),
  of('remove', 'EBUSY', 'root', { path: '/w', recursive: true }, 'a tree with a mount point'),
  of('remove', 'EROFS', 'root', { path: '/r/f' }, 'read-only mount'),

  ...pathCases('setAttributes', { mode: 0o700 }),
  of('setAttributes', 'EPERM', 'alice', { path: '/d/file', owner: 'bob' }, 'an owner gives it away'),
  of('setAttributes', 'EPERM', 'alice', { path: '/d/file', group: 'wheel' }, 'to a group that the owner is not in'),
  of('setAttributes', 'EPERM', 'bob', { path: '/d/file', mode: 0o777 }, 'a mode, by another user'),
  of('setAttributes', 'EPERM', 'bob', { path: '/d/file', modifiedMs: 1 }, 'a time, by another user'),
  of('setAttributes', 'EPERM', 'bob', { path: '/d/file', ttlMs: 1 }, 'a time to live, by another user'),
  of('setAttributes', 'EPERM', 'bob', { path: '/d/file', pinned: true }, 'a pin, by another user'),
  of('setAttributes', 'EPERM', 'alice', { path: '/d/file', persistence: 1 }, 'persistence, by its owner'),
  of('setAttributes', 'EACCES', 'bob', { path: '/d/file', replicationMin: 1 }, 'copies, without write permission'),
  of('setAttributes', 'EISDIR', 'alice', { path: '/d', replicationMin: 1 }, 'copies of a directory'),
  of('setAttributes', 'EINVAL', 'root', { path: '/d/file', mode: 0o10000 }, 'a mode of thirteen bits'),
  of('setAttributes', 'EINVAL', 'root', { path: '/d/file', owner: '' }, 'an empty owner'),
  of('setAttributes', 'EINVAL', 'root', { path: '/d/file', group: 'g'.repeat(256) }, 'a group of 256 bytes'),
  of('setAttributes', 'EINVAL', 'root', { path: '/d/file', replicationMin: 2, replicationMax: 1 }, 'fewer copies at most than at least'),
  of('setAttributes', 'EINVAL', 'root', { path: '/d/file', persistence: 2 }, 'persisted, and was not to be'),
  of('setAttributes', 'EINVAL', 'root', { path: '/d/file', ttlMs: 1, clearTtl: true }, 'a time to live set and cleared'),
  of('setAttributes', 'EINVAL', 'root', { path: '/', ttlMs: 1 }, 'the root expires'),
  of('setAttributes', 'EROFS', 'root', { path: '/r/f', mode: 0o600 }, 'read-only mount'),

  ...pathCases('setQuota', { namesMax: 1 }),
  of('setQuota', 'ENOTDIR', 'root', { path: '/d/file', namesMax: 1 }, 'of a file'),
  of('setQuota', 'EPERM', 'alice', { path: '/d', namesMax: 1 }, 'not a superuser'),
  of('setQuota', 'EINVAL', 'root', { path: '/d', bytesMax: { high: 2 ** 31 } }, '2^63 bytes'),

  ...pathCases('setAcl', { action: 3 }),
  of('setAcl', 'EPERM', 'bob', { path: '/d', action: 3 }, 'by another user'),
  of('setAcl', 'EINVAL', 'alice', { path: '/d/file', entries: [{ default: true, kind: 0, permissions: 7 }] }, 'a default list of a file'),
  of('setAcl', 'EINVAL', 'alice', { path: '/d', entries: [{ kind: 2, name: 'm', permissions: 7 }] }, 'a mask with a name'),
  of('setAcl', 'EINVAL', 'alice', { path: '/d', entries: [{ permissions: 8 }] }, 'permissions of four bits'),
  of('setAcl', 'EINVAL', 'alice', { path: '/d', entries: [{ permissions: 7 }, { permissions: 7 }] }, 'an entry twice'),
  of('setAcl', 'EINVAL', 'alice', { path: '/d', action: 1, entries: [{ permissions: 7 }] }, 'a list without group and others'),
  of('setAcl', 'EINVAL', 'alice', { path: '/d', action: 2, entries: [{ kind: 3 }] }, 'others taken out'),
  of('setAcl', 'EINVAL', 'alice', { path: '/d', action: 5 }, 'no such edit'),
  of('setAcl', 'EROFS', 'root', { path: '/r/f', entries: [{ name: 'bob', permissions: 7 }] }, 'read-only mount'),

  ...pathCases('setXattr', { name: 'user.b', value: 'x' }),
  of('setXattr', 'EACCES', 'bob', { path: '/d/file', name: 'user.b' }, 'no write permission'),
  of('setXattr', 'EPERM', 'alice', { path: '/d/file', name: 'trusted.a' }, "a superuser's attribute"),
  of('setXattr', 'EPERM', 'bob', { path: '/sticky', name: 'user.a' }, "of another user's sticky directory"),
  of('setXattr', 'ENOTSUP', 'root', { path: '/d/file', name: 'system.a' }, "a kernel's attribute"),
  of('setXattr', 'EINVAL', 'root', { path: '/d/file', name: 'a' }, 'a name without a namespace'),
  of('setXattr', 'EINVAL', 'root', { path: '/d/file', name: `user.${'a'.repeat(251)}` }, 'a name of 256 bytes'),
  of('setXattr', 'EEXIST', 'alice', { path: '/d/xattrs', name: 'user.a', flag: 1 }, 'it exists'),
  of('setXattr', 'ENODATA', 'alice', { path: '/d/xattrs', name: 'user.b', flag: 2 }, 'there is none to replace'),
  of('setXattr', 'E2BIG', 'alice', { path: '/d/xattrs', name: 'user.b', value: 'x'.repeat(16_384) }, 'more than 16 KiB'),
  of('setXattr', 'EROFS', 'root', { path: '/r/f', name: 'user.b', value: 'x' }, 'read-only mount'),

  ...pathCases('removeXattr', { name: 'user.a' }),
  of('removeXattr', 'ENODATA', 'alice', { path: '/d/xattrs', name: 'user.b' }, 'there is none'),
  of('removeXattr', 'EACCES', 'bob', { path: '/d/xattrs', name: 'user.a' }, 'no write permission'),
  of('removeXattr', 'EPERM', 'alice', { path: '/d/xattrs', name: 'trusted.a' }, "a superuser's attribute"),
  of('removeXattr', 'ENOTSUP', 'root', { path: '/d/xattrs', name: 'security.a' }, "a kernel's attribute"),
  of('removeXattr', 'EINVAL', 'root', { path: '/d/xattrs', name: 'a' }, 'a name without a namespace'),
  of('removeXattr', 'EROFS', 'root', { path: '/r/f', name: 'user.a' }, 'read-only mount'),

  of('multi', 'EINVAL', 'root', {}, 'no steps'),
  of('multi', 'EINVAL', 'root', { steps: Array.from({ length: 1001 }, () => ({ op: 'renewLease' })) }, 'too many steps'),
  of('multi', 'EINVAL', 'root', { steps: [{ op: 'multi', steps: [] }] }, 'a multi as a step'),
  of('multi', 'EINVAL', 'root', { steps: [{ op: 'mount', path: '/m', uri: '/under/m' }] }, 'a mount as a step'),
  of(
    'multi',
    'ENOENT',
    'root',
    {
      steps: [
        { op: 'createFile', path: '/new' },
        { op: 'remove', path: '/none' },
      ],
    },
    'a step is refused',
  ),
  of('multi', 'EEXIST', 'root', { steps: [1, 2].map(() => ({ op: 'createFile', path: '/new' })) }, 'a step that an earlier one rules out'),
  of('multi', 'E2BIG', 'root', { steps: deepSteps(1000) }, 'more than 16,384 components'),

  ...pathCases('mount', { uri: '/under/m' }, 'path', false),
  of('mount', 'EPERM', 'alice', { path: '/d/m', uri: '/under/m' }, 'not a superuser'),
  of('mount', 'EEXIST', 'root', { path: '/d', uri: '/under/m' }, 'there is a directory'),
  of('mount', 'ENOTEMPTY', 'root', { path: '/', uri: '/under/m' }, 'the root, which is not empty'),
  of('mount', 'EBUSY', 'root', { path: '/m', uri: '/under/w/a' }, 'storage that is mounted already'),
  of('mount', 'EINVAL', 'root', { path: '/m', uri: 'hdfs://host/' }, 'storage of no kind that is known'),
  of('mount', 'EINVAL', 'root', { path: '/m', uri: '/under/m', options: [{ key: 'none', value: 'x' }] }, 'no such option'),

  of('mount', 'E2BIG', 'root', { path: '/m', uri: '/under/m', options: [longOption()] }, 'options of more than 16 KiB'),

  ...pathCases('unmount', {}),
  of('unmount', 'EPERM', 'alice', { path: '/w/inner' }, 'not a superuser'),
  of('unmount', 'EINVAL', 'root', { path: '/d' }, 'not a mount point'),
  of('unmount', 'EBUSY', 'root', { path: '/w' }, 'a mount point is below it'),

  ...pathCases('updateMount', {}),
  of('updateMount', 'EPERM', 'alice', { path: '/w' }, 'not a superuser'),
  of('updateMount', 'EINVAL', 'root', { path: '/d' }, 'not a mount point'),

  of('updateMount', 'EINVAL', 'root', { path: '/w', options: [{ key: 'none', value: 'x' }] }, 'no such option'),
  of('updateMount', 'E2BIG', 'root', { path: '/w', options: [longOption()] }, 'options of more than 16 KiB'),

  ...pathCases('setCursor', { name: 'new' }, 'path', false).filter(({ errno }) => !['ENOENT', 'ENOTDIR'].includes(errno)),
  of('setCursor', 'EINVAL', 'root', { path: '/d' }, 'no name'),
  of('setCursor', 'EINVAL', 'root', { name: 'c'.repeat(256), path: '/d' }, 'a name of 256 bytes'),
  of('setCursor', 'EINVAL', 'root', { name: 'cursor', path: '/sticky' }, 'another path than it watches'),
  of('setCursor', 'EINVAL', 'root', { name: 'cursor', sn: 1_000_000 }, 'an entry that there is not yet'),
  of('setCursor', 'ENOENT', 'root', { name: 'none' }, 'none of that name, and no path for it'),
  of('setCursor', 'ENOENT', 'root', { name: 'none', path: '/d', remove: true }, 'none of that name to be removed'),
  of('setCursor', 'EACCES', 'bob', { name: 'new', path: '/noList' }, 'no read permission'),
  of('setCursor', 'E2BIG', 'root', { name: 'new', path: '/d' }, 'there are 1,000'),

  of('commitPersist', 'EPERM', 'alice', commit(9), 'not a superuser'),
  of('commitPersist', 'ENOENT', 'root', commit(999_999), 'it is gone'),
  of('commitPersist', 'EISDIR', 'root', commit(1), 'a directory'),
  of('commitPersist', 'ETXTBSY', 'root', commit(8), 'it is being written'),
  of('commitPersist', 'EBUSY', 'root', commit(11, { generation: 1, part: '.understudy-parts/cluster-11-1.part' }), 'other contents'),
  of('commitPersist', 'ENOTSUP', 'root', commit(3, { length: 2048 }), 'nobody wants it persisted'),
  of('commitPersist', 'EINVAL', 'root', commit(11, { length: 2 }), 'another length'),
  of('commitPersist', 'EINVAL', 'root', commit(11, { part: '.understudy-parts/cluster-9-0.part' }), "another file's part"),
  of('commitPersist', 'EINVAL', 'root', commit(11, { part: 'f-11-0.part' }), 'no part'),
  of('commitPersist', 'EXDEV', 'root', commit(9), 'below no mount point'),
  of('commitPersist', 'EXDEV', 'root', commit(11, { mountId: 2 }), 'below another mount point'),
  of('commitPersist', 'EROFS', 'root', commit(11), 'read-only mount'),

  ...pathCases('setConfig', { unsetAll: true }, 'forPath', false).filter(({ errno }) => ['EINVAL', 'ENAMETOOLONG'].includes(errno)),
  of('setConfig', 'EPERM', 'alice', { forPath: '/d', unsetAll: true }, 'not a superuser'),
  of('setConfig', 'EINVAL', 'root', { forPath: '/d', set: [{ key: 'user.block.size', value: '1MB' }] }, 'no such setting'),
  of('setConfig', 'EINVAL', 'root', { forPath: '/d', unset: ['user.block.size'] }, 'no such setting to take away'),
  of(
    'setConfig',
    'EINVAL',
    'root',
    { forPath: '/d', set: [{ key: 'master.trash.interval', value: '1h' }] },
    'a setting that is not for paths',
  ),
  of('setConfig', 'EINVAL', 'root', { forPath: '/d', set: [{ key: 'user.block.size.bytes.default', value: '1' }] }, 'a value out of range'),
  of('setConfig', 'EINVAL', 'root', { forPath: '/d', unset: [BLOCK, BLOCK] }, 'a setting twice'),
  of('setConfig', 'E2BIG', 'root', { forPath: '/1001', set: [{ key: BLOCK, value: '4KB' }] }, 'too many paths'),

  ...pathCases('getStatus', {}),
  of('getStatus', 'ENOENT', 'root', { inodeId: 999_999 }, 'by an id that is gone'),
  ...pathCases('exists', {}, 'path', false),
  ...pathCases('listStatus', {}),
  of('listStatus', 'EACCES', 'bob', { path: '/noList' }, 'no read permission'),
  of('listStatus', 'EACCES', 'bob', { path: '/', recursive: true }, 'below it is what may not be read'),
  of('listStatus', 'EINVAL', 'root', { path: '/', pageEntries: 10_001 }, 'pages that are too large'),
  ...pathCases('getXattrs', {}),
  of('getXattrs', 'EACCES', 'bob', { path: '/d/locked' }, 'no read permission'),
  of('getXattrs', 'EPERM', 'alice', { path: '/d/xattrs', names: ['trusted.a'] }, "a superuser's attribute"),
  of('getXattrs', 'ENODATA', 'alice', { path: '/d/xattrs', names: ['user.b'] }, 'there is none'),
  of('getXattrs', 'ENOTSUP', 'root', { path: '/d/xattrs', names: ['system.a'] }, "a kernel's attribute"),
  of('getXattrs', 'EINVAL', 'root', { path: '/d/xattrs', names: ['a'] }, 'a name without a namespace'),
  ...pathCases('checkAccess', {}),
  of('checkAccess', 'EACCES', 'bob', { path: '/d/file', wanted: 2 }, 'no write permission'),
  of('checkAccess', 'EINVAL', 'root', { path: '/d/file', wanted: 8 }, 'more than three bits'),
  ...pathCases('contentSummary', {}),
  of('contentSummary', 'EACCES', 'bob', { path: '/noList' }, 'no read permission'),
  ...pathCases('getBlockLocations', {}),
  of('getBlockLocations', 'EISDIR', 'root', { path: '/d' }, 'a directory'),
  of('getBlockLocations', 'EACCES', 'bob', { path: '/d/locked' }, 'no read permission'),
];
