/** WebHDFS as any HTTP client sees it: what is asked, and what a NameNode of Hadoop 3.4 answers to it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedWebHdfs, type Told } from './served-web-hdfs.js';

let hdfs: ServedWebHdfs;
beforeAll(async () => {
  hdfs = await ServedWebHdfs.open();
  const fs = hdfs.namespace.client();
  await fs.createFile('/files/f', { recursive: true, blockBytes: 4, completeLength: 10 });
  await fs.createFile('/files/g', { blockBytes: 4, completeLength: 5 });
});
afterAll(() => hdfs[Symbol.asyncDispose]());

/** What is asked, and the answer: a JSON value, `''` for an answer without one, or an exception by its name with a part of its message. */
type Row = readonly [asked: string, answer: unknown];

class Thrown {
  readonly status: number;
  readonly exception: string;
  readonly message: string;

  constructor(status: number, exception: string, message: string) {
    this.status = status;
    this.exception = exception;
    this.message = message;
  }
}

const thrown = (status: number, exception: string, message = '') => new Thrown(status, exception, message);
const illegal = (message: string) => thrown(400, 'java.lang.IllegalArgumentException', message);
const ACCESS = 'org.apache.hadoop.security.AccessControlException';
const TRUE = { boolean: true };
const FALSE = { boolean: false };

function check(told: Told, answer: unknown): void {
  if (answer instanceof Thrown) {
    expect(told.status).toBe(answer.status);
    expect(told.exception).toBe(answer.exception.replace(/.*[.$]/, ''));
    expect(told.json).toEqual({
      RemoteException: { exception: told.exception, javaClassName: answer.exception, message: expect.stringContaining(answer.message) },
    });
    return;
  }
  expect([told.status, told.text]).toEqual([200, expect.any(String)]);
  if (answer === '') expect(told).toMatchObject({ text: '', type: 'application/octet-stream' });
  else expect([told.type, told.json]).toEqual(['application/json; charset=utf-8', answer]);
}

/** One after the other: each stands on those before it. */
function rows(name: string, table: readonly Row[]): void {
  it(name, async () => {
    for (const [asked, answer] of table) {
      try {
        check(await hdfs.ask(asked), answer);
      } catch (error) {
        throw new Error(`${asked}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
}

const directory = (pathSuffix: string, more: object = {}) => ({
  accessTime: 0,
  blockSize: 0,
  childrenNum: 0,
  fileId: expect.any(Number),
  group: 'o',
  length: 0,
  modificationTime: expect.any(Number),
  owner: 'o',
  pathSuffix,
  permission: '755',
  replication: 0,
  storagePolicy: 0,
  type: 'DIRECTORY',
  ...more,
});

const file = (pathSuffix: string, more: object = {}) =>
  directory(pathSuffix, {
    accessTime: expect.any(Number),
    blockSize: 4,
    length: 10,
    permission: '644',
    replication: 1,
    type: 'FILE',
    ...more,
  });

describe('webhdfs: directories', () => {
  rows('are made, with what is missing above them, again and again', [
    ['PUT /d/sub?op=MKDIRS&user.name=o', TRUE],
    ['PUT /d/sub?op=MKDIRS&user.name=o', TRUE],
    ['PUT /d/own?op=mkdirs&User.Name=o&PERMISSION=1750', TRUE],
    ['GET /d?op=GETFILESTATUS', { FileStatus: directory('', { childrenNum: 2 }) }],
    ['GET /d/own?op=GetFileStatus', { FileStatus: directory('', { permission: '1750' }) }],
    ['GET /d?op=GETFILELINKSTATUS', { FileStatus: directory('', { childrenNum: 2 }) }],
    ['GET //d//?op=GETFILESTATUS', { FileStatus: directory('', { childrenNum: 2 }) }],
    ['GET ?op=GETFILESTATUS', { FileStatus: directory('', { childrenNum: 2, group: 'g' }) }],
    ['PUT /d/x?op=MKDIRS&user.name=eve', thrown(403, 'org.apache.hadoop.security.AccessControlException', 'user=eve')],
  ]);

  rows('are listed', [
    ['GET /d?op=LISTSTATUS', { FileStatuses: { FileStatus: [directory('own', { permission: '1750' }), directory('sub')] } }],
    ['GET /d/sub?op=LISTSTATUS', { FileStatuses: { FileStatus: [] } }],
    ['GET /d/none?op=LISTSTATUS', thrown(404, 'java.io.FileNotFoundException', '/d/none')],
    ['GET /d/none?op=GETFILESTATUS', thrown(404, 'java.io.FileNotFoundException', 'path does not exist: path=/d/none')],
    [
      'GET /d?op=LISTSTATUS_BATCH&startAfter=own',
      { DirectoryListing: { partialListing: { FileStatuses: { FileStatus: [directory('sub')] } }, remainingEntries: 0 } },
    ],
    [
      'GET /d?op=LISTSTATUS_BATCH&startAfter=sub',
      { DirectoryListing: { partialListing: { FileStatuses: { FileStatus: [] } }, remainingEntries: 0 } },
    ],
  ]);
});

describe('webhdfs: rename', () => {
  const rename = (from: string, to: string, options?: string) =>
    `PUT ${from}?op=RENAME&destination=${to}&user.name=o${options === undefined ? '' : `&renameoptions=${options}`}`;

  rows('without options says true or false', [
    ['PUT /r/a?op=MKDIRS&user.name=o', TRUE],
    ['PUT /r/into?op=MKDIRS&user.name=o', TRUE],
    [rename('/r/a', '/r/b'), TRUE],
    [rename('/r/none', '/r/c'), FALSE],
    [rename('/r/b', '/r/b/below'), FALSE],
    [rename('/r/b', '/none/b'), FALSE],
    [rename('/', '/r/root'), FALSE],
    [rename('/r/b', '/r/into'), TRUE],
    ['GET /r/into?op=LISTSTATUS', { FileStatuses: { FileStatus: [directory('b')] } }],
    ['PUT /r/b?op=MKDIRS&user.name=o', TRUE],
    [rename('/r/b', '/r/into'), FALSE],
  ]);

  rows('with options throws', [
    ['PUT /r/b?op=MKDIRS&user.name=o', TRUE],
    [rename('/r/b', '/r/c', 'NONE'), ''],
    [rename('/r/none', '/r/b', 'NONE'), thrown(404, 'java.io.FileNotFoundException')],
    [rename('/r/c', '/none/c', 'NONE'), thrown(404, 'java.io.FileNotFoundException')],
    [rename('/r/c', '/r/into', 'NONE'), thrown(403, 'org.apache.hadoop.fs.FileAlreadyExistsException')],
    [rename('/r/c', '/r/c', 'NONE'), thrown(403, 'org.apache.hadoop.fs.FileAlreadyExistsException')],
    [rename('/r/c', '/r/c/below', 'overwrite'), thrown(403, 'java.io.IOException')],
    [rename('/r/c', '/r/into', 'OVERWRITE'), thrown(403, 'java.io.IOException', 'not empty')],
    [rename('/r/c', '/r/into/b', 'overwrite,to_trash'), ''],
    ['GET /r?op=LISTSTATUS', { FileStatuses: { FileStatus: [directory('into', { childrenNum: 1 })] } }],
    ['PUT /r?op=RENAME&user.name=o', thrown(400, 'java.lang.IllegalArgumentException', 'Required param destination for op: RENAME')],
    [rename('/r', 'relative'), thrown(400, 'java.lang.IllegalArgumentException', 'destination = "relative" is not an absolute path.')],
    [rename('/r', '/q', 'FAST'), thrown(400, 'java.lang.IllegalArgumentException', 'parameter "renameoptions"')],
  ]);
});

describe('webhdfs: delete', () => {
  rows('says whether there was anything', [
    ['PUT /x/y?op=MKDIRS&user.name=o', TRUE],
    ['DELETE /x?op=DELETE&user.name=o', thrown(403, 'org.apache.hadoop.fs.PathIsNotEmptyDirectoryException')],
    ['DELETE /x?op=DELETE&user.name=eve&recursive=true', thrown(403, 'org.apache.hadoop.security.AccessControlException')],
    ['DELETE /x?op=DELETE&user.name=o&recursive=True', TRUE],
    ['DELETE /x?op=DELETE&user.name=o', FALSE],
    ['DELETE /?op=DELETE&user.name=o&recursive=true', FALSE],
    ['DELETE /?op=DELETE&recursive=maybe', thrown(400, 'java.lang.IllegalArgumentException', 'parameter "recursive"')],
  ]);
});

describe('webhdfs: attributes', () => {
  rows('are set by whom they belong to', [
    ['PUT /a/d?op=MKDIRS&user.name=o', TRUE],
    ['PUT /a/d?op=SETPERMISSION&permission=1777&user.name=o', ''],
    ['PUT /a/d?op=SETPERMISSION&user.name=bob', thrown(403, ACCESS, 'user=bob')],
    ['PUT /a/d?op=SETPERMISSION&permission=999&user.name=o', illegal('Failed to parse "999" as a radix-8 short integer.')],
    ['PUT /a/none?op=SETPERMISSION&permission=777&user.name=o', thrown(404, 'java.io.FileNotFoundException')],
    ['PUT /a/d?op=SETOWNER&owner=bob&group=staff&user.name=o', ''],
    ['PUT /a/d?op=SETOWNER&user.name=o', illegal('Both owner and group are empty.')],
    ['PUT /a/d?op=SETTIMES&modificationtime=1320171722771&accesstime=-1&user.name=o', ''],
    ['PUT /a/d?op=SETTIMES&user.name=o', ''],
    ['PUT /a/d?op=SETTIMES&modificationtime=abc&user.name=o', illegal('Failed to parse "abc" as a radix-10 long integer.')],
    ['PUT /a/d?op=SETTIMES&modificationtime=-2&user.name=o', illegal('Invalid parameter range: modificationtime = -2 < -1')],
    [
      'GET /a/d?op=GETFILESTATUS',
      { FileStatus: directory('', { owner: 'bob', group: 'staff', permission: '1777', modificationTime: 1320171722771 }) },
    ],
    ['PUT /a/d?op=SETPERMISSION&user.name=o', ''],
    ['GET /a/d?op=GETACLSTATUS', { AclStatus: { entries: [], owner: 'bob', group: 'staff', permission: '755', stickyBit: false } }],
  ]);

  rows('of a file, copies among them', [
    ['PUT /files/f?op=SETREPLICATION&replication=2&user.name=o', TRUE],
    ['PUT /files?op=SETREPLICATION&replication=2&user.name=o', FALSE],
    ['PUT /files/none?op=SETREPLICATION&replication=2&user.name=o', FALSE],
    ['PUT /files/f?op=SETREPLICATION&replication=0&user.name=o', illegal('Invalid parameter range: replication = 0 < 1')],
    ['PUT /files/f?op=SETTIMES&accesstime=7&modificationtime=8&user.name=o', ''],
    ['GET /files/f?op=GETFILESTATUS', { FileStatus: file('', { replication: 2, accessTime: 7, modificationTime: 8 }) }],
    ['GET /files/f?op=LISTSTATUS', { FileStatuses: { FileStatus: [file('', { replication: 2, accessTime: 7, modificationTime: 8 })] } }],
    ['GET /files/f/x?op=GETFILESTATUS', thrown(404, 'java.io.FileNotFoundException', 'not a directory')],
    ['PUT /files/f/x?op=MKDIRS&user.name=o', thrown(403, 'org.apache.hadoop.fs.ParentNotDirectoryException')],
    ['PUT /files/f?op=MKDIRS&user.name=o', thrown(403, 'org.apache.hadoop.fs.FileAlreadyExistsException')],
  ]);

  rows('say who may do what', [
    ['PUT /a/own?op=MKDIRS&permission=750&user.name=o', TRUE],
    ['GET /a/own?op=CHECKACCESS&fsaction=rwx&user.name=o', ''],
    ['GET /a/own?op=CHECKACCESS&fsaction=r--&user.name=eve', thrown(403, ACCESS, 'user=eve')],
    ['GET /a?op=CHECKACCESS&fsaction=r-x&user.name=eve', ''],
    ['GET /a/none?op=CHECKACCESS&fsaction=r--&user.name=eve', thrown(404, 'java.io.FileNotFoundException')],
    ['GET /a?op=CHECKACCESS&fsaction=foo', illegal('"foo" does not belong to the domain [r-][w-][x-]')],
    ['GET /a?op=CHECKACCESS', illegal('Required param fsaction for op: CHECKACCESS is null or empty')],
  ]);
});

describe('webhdfs: masks', () => {
  rows('what a client took from a mode is not taken where a default list stands', [
    ['PUT /m?op=MKDIRS&user.name=o', TRUE],
    ['PUT /m/plain?op=MKDIRS&permission=700&unmaskedpermission=777&user.name=o', TRUE],
    ['GET /m/plain?op=GETFILESTATUS&user.name=o', { FileStatus: directory('', { permission: '700' }) }],
    ['PUT /m?op=MODIFYACLENTRIES&aclspec=default:user:alice:rwx&user.name=o', ''],
    ['PUT /m/listed?op=MKDIRS&permission=700&unmaskedpermission=775&user.name=o', TRUE],
    ['GET /m/listed?op=GETFILESTATUS&user.name=o', { FileStatus: directory('', { aclBit: true, permission: '775' }) }],
  ]);
});

describe('webhdfs: access control lists', () => {
  const status = (entries: string[], permission: string) => ({
    AclStatus: { entries, owner: 'o', group: 'o', permission, stickyBit: permission.length === 4 },
  });
  rows('are told without what the mode says', [
    ['PUT /acl?op=MKDIRS&permission=1755&user.name=o', TRUE],
    ['GET /acl?op=GETACLSTATUS', status([], '1755')],
    ['PUT /acl?op=MODIFYACLENTRIES&aclspec=user%3Aalice%3Arwx,default:user:alice:r-x&user.name=o', ''],
    [
      'GET /acl?op=GETACLSTATUS',
      status(
        [
          'user:alice:rwx',
          'group::r-x',
          'default:user::rwx',
          'default:user:alice:r-x',
          'default:group::r-x',
          'default:mask::r-x',
          'default:other::r-x',
        ],
        '1775',
      ),
    ],
    ['GET /acl?op=GETFILESTATUS', { FileStatus: directory('', { aclBit: true, permission: '1775' }) }],
    ['PUT /acl?op=REMOVEDEFAULTACL&user.name=o', ''],
    ['PUT /acl?op=REMOVEACLENTRIES&aclspec=user:alice:&user.name=o', ''],
    ['GET /acl?op=GETACLSTATUS', status(['group::r-x'], '1755')],
    ['PUT /acl?op=SETACL&aclspec=user::rwx,group::r-x,other::---,user:carl:r--&user.name=o', ''],
    ['GET /acl?op=GETACLSTATUS', status(['user:carl:r--', 'group::r-x'], '1750')],
    ['PUT /acl?op=REMOVEACL&user.name=o', ''],
    ['GET /acl?op=GETACLSTATUS', status([], '1750')],
    ['PUT /acl?op=SETACL&aclspec=user:carl:r--&user.name=o', thrown(403, 'org.apache.hadoop.hdfs.protocol.AclException')],
    [
      'PUT /files/f?op=MODIFYACLENTRIES&aclspec=default:user:a:r--&user.name=o',
      thrown(403, 'org.apache.hadoop.hdfs.protocol.AclException'),
    ],
    ['PUT /acl?op=MODIFYACLENTRIES&aclspec=garbage&user.name=o', illegal('parameter "aclspec"')],
    ['PUT /acl?op=MODIFYACLENTRIES&user.name=o', illegal('Required param aclspec for op: MODIFYACLENTRIES is null or empty')],
    ['PUT /acl?op=REMOVEACL&user.name=eve', thrown(403, ACCESS)],
  ]);
});

describe('webhdfs: extended attributes', () => {
  const missing = thrown(403, 'org.apache.hadoop.hdfs.protocol.XAttrNotFoundException');
  const set = (query: string) => `PUT /x?op=SETXATTR&user.name=o&xattr.name=${query}`;
  rows('are taken and told in three encodings', [
    ['PUT /x?op=MKDIRS&user.name=o', TRUE],
    [set('user.k&xattr.value=%22v1%22&flag=CREATE'), ''],
    [set('user.k&xattr.value=%22v1%22&flag=CREATE'), thrown(403, 'java.io.IOException', 'exists')],
    [set('USER.k&xattr.value=0x3132&flag=replace'), ''],
    [set('user.none&xattr.value=0x31&flag=REPLACE'), thrown(403, 'java.io.IOException', 'does not exist')],
    [set('user.b&xattr.value=0sMTIz&flag=CREATE,REPLACE'), ''],
    [set('user.e&flag=CREATE'), ''],
    [set('trusted.t&xattr.value=plain+text&flag=CREATE'), ''],
    [set('k&xattr.value=1&flag=CREATE'), thrown(400, 'org.apache.hadoop.HadoopIllegalArgumentException', 'must be prefixed')],
    [set('system.k&xattr.value=1&flag=CREATE'), thrown(400, 'java.lang.UnsupportedOperationException')],
    [set('user.z&xattr.value=1'), illegal('Required param flag for op: SETXATTR')],
    [set('user.z&xattr.value=1&flag=MAYBE'), illegal('parameter "flag"')],
    [set('user.z&xattr.value=0x3&flag=CREATE'), illegal('parameter "xattr.value"')],
    [set('user.z&xattr.value=0s*&flag=CREATE'), illegal('parameter "xattr.value"')],
    [
      'GET /x?op=GETXATTRS&encoding=TEXT',
      {
        XAttrs: [
          { name: 'user.b', value: '"123"' },
          { name: 'user.e', value: null },
          { name: 'user.k', value: '"12"' },
        ],
      },
    ],
    ['GET /x?op=GETXATTRS&encoding=hex&xattr.name=user.k', { XAttrs: [{ name: 'user.k', value: '0x3132' }] }],
    [
      'GET /x?op=GETXATTRS&encoding=Base64&xattr.name=user.k&xattr.name=user.b',
      {
        XAttrs: [
          { name: 'user.b', value: '0sMTIz' },
          { name: 'user.k', value: '0sMTI=' },
        ],
      },
    ],
    ['GET /x?op=GETXATTRS&encoding=TEXT&xattr.name=trusted.t&user.name=o', { XAttrs: [{ name: 'trusted.t', value: '"plain text"' }] }],
    ['GET /x?op=GETXATTRS&encoding=TEXT&xattr.name=trusted.t', thrown(403, ACCESS)],
    ['GET /x?op=GETXATTRS&encoding=TEXT&xattr.name=user.zzz', missing],
    ['GET /x?op=GETXATTRS', illegal('Required param encoding for op: GETXATTRS is null or empty')],
    ['GET /x?op=GETXATTRS&encoding=rot13', illegal('parameter "encoding"')],
    ['GET /x?op=LISTXATTRS', { XAttrNames: '["user.b","user.e","user.k"]' }],
    ['PUT /x?op=REMOVEXATTR&xattr.name=user.k&user.name=o', ''],
    ['PUT /x?op=REMOVEXATTR&xattr.name=user.k&user.name=o', thrown(403, 'java.io.IOException')],
  ]);
});

describe('webhdfs: usage', () => {
  const summary = (more: object) => ({
    ContentSummary: {
      directoryCount: 1,
      ecPolicy: '',
      fileCount: 0,
      length: 0,
      quota: -1,
      snapshotDirectoryCount: 0,
      snapshotFileCount: 0,
      snapshotLength: 0,
      snapshotSpaceConsumed: 0,
      spaceConsumed: 0,
      spaceQuota: -1,
      typeQuota: {},
      ...more,
    },
  });
  const usage = (more: object) => ({
    QuotaUsage: { fileAndDirectoryCount: 1, quota: -1, spaceConsumed: 0, spaceQuota: -1, typeQuota: {}, ...more },
  });
  rows('is counted, and bounded', [
    ['GET /files?op=GETCONTENTSUMMARY', summary({ fileCount: 2, length: 15, spaceConsumed: 15 })],
    [
      'GET /files/f?op=GETCONTENTSUMMARY',
      summary({ directoryCount: 0, fileCount: 1, ecPolicy: 'Replicated', length: 10, spaceConsumed: 10 }),
    ],
    ['GET /files?op=GETQUOTAUSAGE', usage({ fileAndDirectoryCount: 3, spaceConsumed: 15 })],
    ['PUT /q/a?op=MKDIRS&user.name=o', TRUE],
    ['PUT /q?op=SETQUOTA&namespacequota=2&storagespacequota=9007199254740993&user.name=o', ''],
    ['GET /q?op=GETQUOTAUSAGE', usage({ fileAndDirectoryCount: 2, quota: 2, spaceQuota: 9007199254740992 })],
    ['PUT /q?op=SETQUOTA&storagespacequota=9223372036854775807&user.name=o', ''],
    ['PUT /q/b?op=MKDIRS&user.name=o', TRUE],
    ['PUT /q/c?op=MKDIRS&user.name=o', thrown(403, 'org.apache.hadoop.hdfs.protocol.NSQuotaExceededException', 'names_max=2')],
    [
      'PUT /files/f?op=RENAME&destination=/q/b/f&renameoptions=NONE&user.name=o',
      thrown(403, 'org.apache.hadoop.hdfs.protocol.NSQuotaExceededException'),
    ],
    ['PUT /q?op=SETQUOTA&namespacequota=-1&storagespacequota=1&user.name=o', ''],
    [
      'PUT /files/f?op=RENAME&destination=/q/b/f&renameoptions=NONE&user.name=o',
      thrown(403, 'org.apache.hadoop.hdfs.protocol.DSQuotaExceededException'),
    ],
    ['GET /q?op=GETCONTENTSUMMARY', summary({ directoryCount: 3, spaceQuota: 1 })],
    ['PUT /q?op=SETQUOTA&namespacequota=0&user.name=o', illegal('Invalid values for quota')],
    ['PUT /q?op=SETQUOTA&namespacequota=-2&user.name=o', illegal('namespacequota = -2 < -1')],
    ['PUT /q?op=SETQUOTA&namespacequota=5&user.name=eve', thrown(403, ACCESS)],
  ]);

  it('a quota of bytes that a number does not hold is told exactly', async () => {
    await hdfs.ask('PUT /q?op=SETQUOTA&storagespacequota=9007199254740993&user.name=o');
    expect((await hdfs.ask('GET /q?op=GETQUOTAUSAGE')).text).toContain('"spaceQuota":9007199254740993,');
  });
});

describe('webhdfs: contents', () => {
  const block = (offset: number, length: number) => ({
    cachedHosts: [],
    corrupt: false,
    hosts: [],
    length,
    names: [],
    offset,
    storageTypes: [],
    topologyPaths: [],
  });
  const located = (index: number, startOffset: number, numBytes: number) => ({
    block: { blockId: index, blockPoolId: expect.stringMatching(/^\d+$/), generationStamp: expect.any(Number), numBytes },
    blockToken: { urlString: 'AAAAAA' },
    cachedLocations: [],
    isCorrupt: false,
    locations: [],
    startOffset,
    storageTypes: [],
  });
  const notFile = thrown(404, 'java.io.FileNotFoundException', 'a directory');
  rows('are told block by block', [
    ['GET /files/f?op=GETFILEBLOCKLOCATIONS', { BlockLocations: { BlockLocation: [block(0, 4), block(4, 4), block(8, 2)] } }],
    ['GET /files/f?op=GETFILEBLOCKLOCATIONS&offset=5&length=1', { BlockLocations: { BlockLocation: [block(4, 4)] } }],
    ['GET /files/f?op=GETFILEBLOCKLOCATIONS&offset=50', { BlockLocations: { BlockLocation: [] } }],
    [
      'GET /files/f?op=GET_BLOCK_LOCATIONS&length=5',
      {
        LocatedBlocks: {
          fileLength: 10,
          isLastBlockComplete: true,
          isUnderConstruction: false,
          lastLocatedBlock: located(2, 8, 2),
          locatedBlocks: [located(0, 0, 4), located(1, 4, 4)],
        },
      },
    ],
    ['GET /files?op=GETFILEBLOCKLOCATIONS', notFile],
    ['GET /files?op=GET_BLOCK_LOCATIONS', notFile],
    ['GET /files/f?op=GETFILEBLOCKLOCATIONS&offset=-1', illegal('offset = -1 < 0')],
    ['GET /files/f?op=GETFILEBLOCKLOCATIONS&offset=99999999999999999999', illegal('Failed to parse')],
  ]);

  rows('are cut and joined', [
    ['POST /files/f?op=TRUNCATE&newlength=8&user.name=o', TRUE],
    ['POST /files/f?op=TRUNCATE&newlength=9&user.name=o', thrown(400, 'org.apache.hadoop.HadoopIllegalArgumentException', 'shorter')],
    ['POST /files/f?op=TRUNCATE&user.name=o', illegal('Required param newlength for op: TRUNCATE is null or empty')],
    ['POST /files?op=TRUNCATE&newlength=0&user.name=o', thrown(404, 'java.io.FileNotFoundException')],
    ['POST /files/none?op=TRUNCATE&newlength=0&user.name=o', thrown(404, 'java.io.FileNotFoundException')],
    ['POST /files/f?op=CONCAT&sources=/files/g&user.name=o', ''],
    ['GET /files?op=GETCONTENTSUMMARY', expect.objectContaining({ ContentSummary: expect.objectContaining({ fileCount: 1, length: 13 }) })],
    ['POST /files/f?op=CONCAT&sources=/files/f&user.name=o', thrown(400, 'org.apache.hadoop.HadoopIllegalArgumentException')],
    ['POST /files/f?op=CONCAT&sources=/files/none&user.name=o', thrown(404, 'java.io.FileNotFoundException')],
    ['POST /files/f?op=CONCAT&sources=g&user.name=o', illegal('"g" is not an absolute path.')],
    ['POST /files/f?op=CONCAT&user.name=o', illegal('Required param sources for op: CONCAT is null or empty')],
  ]);

  const workers = thrown(403, 'java.io.IOException', 'needs a worker');
  rows('are not read or written without workers', [
    ['PUT /files/new?op=CREATE&user.name=o&overwrite=true', workers],
    ['GET /files/new?op=GETFILESTATUS', thrown(404, 'java.io.FileNotFoundException')],
    ['GET /files/f?op=OPEN', workers],
    ['GET /files/none?op=OPEN', thrown(404, 'java.io.FileNotFoundException')],
    ['GET /files?op=OPEN', thrown(404, 'java.io.FileNotFoundException', 'Path is not a file: /files')],
    ['GET /files/f?op=GETFILECHECKSUM', workers],
    ['POST /files/f?op=APPEND&user.name=o', workers],
    ['POST /files/f?op=APPEND&user.name=eve', thrown(403, ACCESS)],
  ]);

  it('bytes that are sent with CREATE are let go by, whatever they say they are', async () => {
    for (const type of ['application/octet-stream', 'application/json', 'text/plain', 'multipart/form-data']) {
      check(await hdfs.ask('PUT /files/new?op=CREATE&user.name=o', 0, '{ no json', { 'content-type': type }), workers);
    }
    check(await hdfs.ask('PUT /files/made?op=MKDIRS&user.name=o', 0, 'a body'), TRUE);
  });
});

describe('webhdfs: the server', () => {
  const policy = {
    copyOnCreateFile: false,
    creationFallbacks: [],
    id: 7,
    name: 'HOT',
    replicationFallbacks: [],
    storageTypes: ['DISK'],
  };
  rows('tells where users are at home, and its defaults', [
    ['GET /?op=GETHOMEDIRECTORY&user.name=eve', { Path: '/user/eve' }],
    ['GET /?op=GETHOMEDIRECTORY', { Path: '/user/nobody' }],
    ['GET /d?op=GETTRASHROOT&user.name=eve', { Path: '/user/eve/.Trash' }],
    [
      'GET /?op=GETSERVERDEFAULTS',
      {
        FsServerDefaults: {
          replication: 1,
          encryptDataTransfer: false,
          defaultStoragePolicyId: 7,
          writePacketSize: 65536,
          fileBufferSize: 4096,
          checksumType: 2,
          trashInterval: 0,
          keyProviderUri: '',
          blockSize: 1,
          bytesPerChecksum: 512,
        },
      },
    ],
    ['GET /?op=GETSTATUS', { FsStatus: { used: 0, remaining: 0, capacity: 0 } }],
    ['GET /?op=GETDELEGATIONTOKEN&renewer=x&user.name=o', { Token: null }],
    ['PUT /?op=RENEWDELEGATIONTOKEN&token=AAAAAA', thrown(403, 'org.apache.hadoop.security.token.SecretManager$InvalidToken')],
    ['PUT /?op=CANCELDELEGATIONTOKEN', illegal('Required param token for op: CANCELDELEGATIONTOKEN is null or empty')],
  ]);

  rows('has one storage policy, and no erasure coding', [
    ['GET /?op=GETALLSTORAGEPOLICY', { BlockStoragePolicies: { BlockStoragePolicy: [policy] } }],
    ['GET /files?op=GETSTORAGEPOLICY', { BlockStoragePolicy: policy }],
    ['GET /none?op=GETSTORAGEPOLICY', thrown(404, 'java.io.FileNotFoundException')],
    ['PUT /files?op=SETSTORAGEPOLICY&storagepolicy=HOT&user.name=o', ''],
    [
      'PUT /files?op=SETSTORAGEPOLICY&storagepolicy=COLD&user.name=o',
      thrown(400, 'org.apache.hadoop.HadoopIllegalArgumentException', 'COLD'),
    ],
    ['PUT /files?op=SETSTORAGEPOLICY&user.name=o', illegal('Storage policy name is empty.')],
    ['POST /files?op=UNSETSTORAGEPOLICY&user.name=o', ''],
    ['POST /files?op=UNSETSTORAGEPOLICY&user.name=eve', thrown(403, ACCESS)],
    ['PUT /files?op=SATISFYSTORAGEPOLICY&user.name=o', thrown(400, 'java.lang.UnsupportedOperationException')],
    ['GET /files?op=GETECPOLICY', null],
    ['GET /?op=GETECPOLICIES', { ErasureCodingPolicies: { ErasureCodingPolicyInfo: [] } }],
    ['PUT /files?op=SETECPOLICY&ecpolicy=RS-6-3-1024k&user.name=o', thrown(400, 'java.lang.UnsupportedOperationException')],
  ]);

  const snapshots = ['GET GETSNAPSHOTDIFF', 'GET GETSNAPSHOTTABLEDIRECTORYLIST', 'GET GETSNAPSHOTLIST', 'PUT ALLOWSNAPSHOT'];
  const others = ['PUT DISALLOWSNAPSHOT', 'PUT CREATESNAPSHOT', 'PUT RENAMESNAPSHOT', 'DELETE DELETESNAPSHOT'];
  rows('has no snapshots and no symbolic links', [
    ...[...snapshots, ...others].map(
      (asked): Row => [
        `${asked.replace(' ', ' /files?op=')}&user.name=o`,
        thrown(403, 'org.apache.hadoop.hdfs.protocol.SnapshotException', 'there are no snapshots'),
      ],
    ),
    ['PUT /files?op=CREATESYMLINK&user.name=o', thrown(400, 'java.lang.UnsupportedOperationException', 'Symlinks not supported')],
  ]);
});

describe('webhdfs: what makes no sense', () => {
  rows('is refused as Hadoop refuses it', [
    ['GET /', thrown(400, 'java.lang.UnsupportedOperationException', 'op=NULL is not supported')],
    ['GET /?op=NOSUCH', illegal('Invalid value for webhdfs parameter "op": NOSUCH is not a valid GET operation.')],
    ['GET /?op=constructor', illegal('CONSTRUCTOR is not a valid GET operation.')],
    ['GET /?op=MKDIRS', illegal('MKDIRS is not a valid GET operation.')],
    ['PUT /?op=GETFILESTATUS', illegal('GETFILESTATUS is not a valid PUT operation.')],
    ['GET /?op=GETFILESTATUS&user.name=!bad', illegal('parameter "user.name"')],
    ['GET /?op=GETFILESTATUS&user.name=o&doas=eve', thrown(403, 'org.apache.hadoop.security.authorize.AuthorizationException', 'eve')],
    ['GET /d%2fsub?op=GETFILESTATUS', thrown(400, 'org.apache.hadoop.fs.InvalidPathException', 'slash')],
    ['GET /d/../b?op=GETFILESTATUS', thrown(400, 'org.apache.hadoop.fs.InvalidPathException')],
    ['GET /d/%2e%2e/b?op=GETFILESTATUS', thrown(400, 'org.apache.hadoop.fs.InvalidPathException')],
    ['GET /%00?op=GETFILESTATUS', thrown(400, 'org.apache.hadoop.fs.InvalidPathException')],
    ['GET /%c3?op=GETFILESTATUS', illegal('/%c3')],
    ['GET /%zz?op=GETFILESTATUS', illegal('/%zz')],
    ['GET /?op=GETFILESTATUS&user.name=%zz', illegal('UTF-8')],
    [
      `PUT /${'n'.repeat(256)}?op=MKDIRS&user.name=o`,
      thrown(403, 'org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException'),
    ],
    ['PUT /p?op=MKDIRS&permission=8', illegal('Failed to parse "8" as a radix-8 short integer.')],
    ['PUT /p?op=MKDIRS&permission=2777', illegal('Invalid parameter range: permission = 2777 > 1777')],
  ]);
});
