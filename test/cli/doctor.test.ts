import { expect, test } from 'vitest';
import { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { diagnose } from '../../src/cli/fsadmin/doctor.js';
import { masterInfos, UNREACHABLE } from '../../src/client/master-info.js';
import type { MasterReport, ReportedMaster, ReportedSetting } from '../../src/client/master-report.js';
import { type ReplicationShown, shownReplication } from '../../src/client/replication.js';

const GB = 1024 ** 3;
const SETTINGS = { 'master.journal.checkpoint.period.entries': '1000', 'master.clock.skew.max': '30sec', 'master.rpc.port': '1' };

interface Differing {
  readonly status?: understudy.MasterStatusResponse.$Properties;
  readonly told?: Partial<ReportedMaster>;
  readonly settings?: Readonly<Record<string, string>>;
}

/** A sound master, but for what differs. */
function master(address: string, { status = {}, told = {}, settings = {} }: Differing = {}): MasterReport {
  const sound = { state: 'PASSIVE', epoch: 1, appliedSn: 10, committedSn: 10, version: '1', clusterId: 'c', verified: true };
  const bytes = understudy.MasterStatusResponse.encode({ ...sound, ...status }).finish();
  const [info] = masterInfos([{ address, status: understudy.MasterStatusResponse.decode(bytes) }]);
  if (info === undefined) throw new Error('no master');
  const space = { place: '/x', totalBytes: 100 * GB, freeBytes: 50 * GB, error: '' };
  const report: ReportedMaster = {
    incarnationId: 'i',
    serves: true,
    clockAheadMs: 0,
    clockErrorMs: 1,
    settingRows: [],
    settings: new Map(Object.entries({ ...SETTINGS, 'master.rpc.port': address, ...settings })),
    storage: [
      { name: 'metastore', ...space },
      { name: 'journal', ...space },
    ],
    checkpoints: [],
    boundarySn: 0,
    confirmMs: 1,
    canWrite: true,
    metrics: new Map(),
    ...told,
  };
  return { address, info, told: report };
}

const leader = (differing: Differing = {}) => master('a', { ...differing, status: { state: 'ACTIVE', ...differing.status } });
const found = (...reports: MasterReport[]) => diagnose(reports).map(({ level, about, what }) => `${level} ${about}: ${what}`);

test('doctor: sound masters, nothing', () => {
  expect(found(leader(), master('b'))).toEqual([]);
});

test('doctor: one that may lead, a note', () => {
  expect(found(leader())).toEqual(['note masters: only one master is up that may lead: a']);
  expect(found(leader(), master('b', { status: { observer: true } }))).toHaveLength(1);
});

test('doctor: one does not answer, or says what is wrong', () => {
  const [info] = masterInfos([{ address: 'c', error: new UnderstudyError('unavailable', 'refused') }]);
  if (info === undefined) throw new Error('no master');
  expect(info.state).toBe(UNREACHABLE);
  expect(found(leader(), master('b'), { address: 'c', info, told: undefined })).toEqual(['problem masters: c does not answer: refused']);
  expect(found(leader(), master('b', { status: { reason: 'disk on fire' } }))).toEqual(['problem masters: b says: disk on fire']);
  const behind = { behind: { entries: 5, ms: 90_000 } };
  expect(found(leader(), master('b', { status: behind }))).toEqual(['problem masters: b is 0 entries and 90.0 s behind']);
});

test('doctor: nobody leads, one leads and cannot write, several say so', () => {
  expect(found(master('a'), master('b'))).toEqual(['problem leader: no master leads now']);
  expect(found(leader({ told: { canWrite: false } }), master('b'))).toEqual(['problem leader: a leads and cannot write']);
  expect(found(leader(), master('b', { status: { state: 'ACTIVE' } }))).toEqual(['note leader: several masters say that they lead: a b']);
});

test('doctor: versions, clusters and settings that differ; those that each master has of its own may', () => {
  expect(found(leader(), master('b', { status: { version: '2' } }))).toEqual([
    'problem versions: the masters are of several versions: 1 (a), 2 (b)',
  ]);
  expect(found(leader(), master('b', { status: { clusterId: 'd' } }))).toEqual([
    'problem leader: the masters are not of one cluster: c (a), d (b)',
  ]);
  const settings = { 'master.trash.interval': '1h' };
  const other = { 'master.trash.interval': '' };
  expect(found(leader({ settings }), master('b', { settings: other }), master('c', { settings }))).toEqual([
    'problem settings: understudy.master.trash.interval differs from the others: (unset) (b); it is 1h (a c)',
  ]);
  expect(found(leader({ settings }), master('b', { settings: other }))).toEqual([
    'problem settings: understudy.master.trash.interval differs: 1h (a), (unset) (b)',
  ]);
});

const setting = (key: string, row: Partial<ReportedSetting>): Differing => {
  const full = { key, value: '', source: 'file:1', overridden: '', pending: null, mark: '', ...row };
  return { told: { settingRows: [full], settings: new Map([[key, full.value]]) } };
};

test('doctor: secrets that differ are told by their marks; one of a version without marks is taken for alike', () => {
  const secret = (mark: string) => setting('aws.secretKey', { value: '******', mark });
  expect(found(leader(secret('aaaa')), master('b', secret('bbbb')), master('c', secret('aaaa')))).toEqual([
    'problem settings: understudy.aws.secretKey differs from the others: ******, with the mark bbbb (b); it is ******, with the mark aaaa (a c)',
  ]);
  expect(found(leader(secret('aaaa')), master('b', secret('aaaa')))).toEqual([]);
  expect(found(leader(secret('aaaa')), master('b', secret('')))).toEqual([]);
  expect(found(leader(secret('aaaa')), master('b', setting('aws.secretKey', {})))).toEqual([
    'problem settings: understudy.aws.secretKey differs: ******, with the mark aaaa (a), (unset) (b)',
  ]);
});

test('doctor: files that differ below what the journal says, a note', () => {
  const by = (overridden: string) => setting('master.trash.interval', { value: '2h', source: 'journal', overridden });
  expect(found(leader(by('1h (f:1)')), master('b', by('1h (g:7)')))).toEqual([]);
  expect(found(leader(by('1h (f:1)')), master('b', by('')))).toEqual([
    'note settings: understudy.master.trash.interval is alike by the journal, over files that differ: 1h (a), (unset) (b)',
  ]);
});

function replicating(...masters: understudy.ReplicatingMaster.$Properties[]): ReplicationShown {
  return shownReplication({
    by: 'a',
    leader: 'a',
    atMs: 5,
    masters: [{ address: 'a', seen: true, seenMs: 5, digest: 'agree' }, ...masters],
  });
}

test("doctor: a state that is not the leader's comes first, and is shouted", () => {
  const sound = { address: 'b', seen: true, seenMs: 5 };
  const look = (digest: string) => diagnose([leader(), master('b')], [], replicating({ ...sound, digest, digestSn: 7 }));
  expect(look('agree')).toEqual([]);
  expect(look('not compared')).toEqual([]);
  const [first] = look('differ');
  expect(first).toMatchObject({
    level: 'problem',
    about: 'state',
    what: expect.stringMatching(/^THE STATE OF b IS NOT THAT OF a: .* entry 7$/),
  });
});

test('doctor: one that is configured or registered, and that the leader does not see', () => {
  const unseen = { address: 'c', seen: false, seenMs: 0, why: 'refused', knownFrom: 'settings' };
  const look = (master: understudy.ReplicatingMaster.$Properties, ...more: MasterReport[]) =>
    diagnose([leader(), ...more], [], replicating(master)).flatMap(({ level, what }) =>
      what.startsWith('only') ? [] : [`${level}: ${what}`],
    );
  expect(look(unseen)).toEqual(['problem: c is configured, but a does not see it, and never has: refused']);
  expect(look({ ...unseen, knownFrom: 'election', seenMs: 1 })).toEqual([
    'problem: c is registered for the election, but a does not see it, since 1970-01-01T00:00:00.001Z: refused',
  ]);
  expect(look({ ...unseen, knownFrom: 'stream', seenMs: 1 })).toEqual([expect.stringMatching(/^note: c took part, but a does not see it/)]);
  expect(look(unseen, master('c'))).toEqual(['problem: a does not see c, and never has: refused']);
  const [info] = masterInfos([{ address: 'c', error: new UnderstudyError('unavailable', 'refused') }]);
  if (info === undefined) throw new Error('no master');
  expect(look(unseen, { address: 'c', info, told: undefined })).toEqual(['problem: c does not answer: refused']);
});

test('doctor: clocks further apart than allowed and than can be told', () => {
  const [slow, fast] = [leader({ told: { clockAheadMs: -20_000 } }), master('b', { told: { clockAheadMs: 15_000 } })];
  expect(found(slow, fast)).toEqual(['problem clocks: the clocks of a and b are 35.0 s apart, more than master.clock.skew.max allows']);
  expect(found(slow, master('b', { told: { clockAheadMs: 15_000, clockErrorMs: 6_000 } }))).toEqual([]);
});

test('doctor: storage nearly full, or silent; a bucket has no bound', () => {
  const space = (freeBytes: number, totalBytes: number, error = '') => ({
    told: { storage: [{ name: 'journal', place: '/j', freeBytes, totalBytes, error }] },
  });
  expect(found(leader(space(4 * GB, 100 * GB)), master('b'))).toEqual([
    'problem storage: a has 4096.00MB of 100.00GB left for its journal: /j',
  ]);
  expect(found(leader(space(0, 0, 'it does not answer')), master('b'))).toEqual([
    'problem storage: a cannot tell the free space of its journal: it does not answer: /j',
  ]);
  expect(found(leader(space(0, 0)), master('b'))).toEqual([]);
});

test('doctor: a journal that is slow, checkpoints that are overdue or off', () => {
  expect(found(leader({ told: { confirmMs: 1_500 } }), master('b'))).toEqual([
    'problem journal: the journal took 1.5 s to confirm that a still leads',
  ]);
  expect(found(leader({ status: { appliedSn: 3_001 } }), master('b'))).toEqual([
    'problem journal: 3001 entries came after the newest checkpoint, which are due every 1000',
  ]);
  const settings = { 'master.journal.checkpoint.enabled': 'false' };
  expect(found(leader({ settings, status: { appliedSn: 3_001 } }), master('b', { settings }))).toEqual([
    'note journal: no checkpoints are made by themselves',
  ]);
});

test('doctor: mounted storage that refused changes, a problem', () => {
  const mount = {
    path: '/m',
    id: 1,
    uri: '/data',
    options: {},
    readOnly: false,
    shared: false,
    mountedMs: 1,
    queued: 7,
    refused: 0,
    trouble: '',
  };
  expect(diagnose([leader(), master('b')], [mount])).toEqual([]);
  expect(diagnose([leader(), master('b')], [{ ...mount, refused: 2 }])).toMatchObject([
    { level: 'problem', about: 'mounts', what: expect.stringContaining('did not take 2 of the changes') },
  ]);
});

test('doctor: a setting in the journal that counts once a master is started again is a note, and no difference', () => {
  const row = { key: 'x', source: 'journal', overridden: '' };
  const started = master('b', { settings: { x: '2' }, told: { settingRows: [{ ...row, value: '2', pending: null, mark: '' }] } });
  const before = (address: string) =>
    master(address, { settings: { x: '1' }, told: { settingRows: [{ ...row, value: '1', pending: '2', mark: '' }] } });
  expect(found(leader({ settings: { x: '2' } }), started, before('c'), before('d'))).toEqual([
    'note settings: understudy.x is to be 2 on c d once started again',
  ]);
});
