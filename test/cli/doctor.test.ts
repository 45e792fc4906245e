import { expect, test } from 'vitest';
import { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { diagnose } from '../../src/cli/fsadmin/doctor.js';
import { masterInfos, UNREACHABLE } from '../../src/client/master-info.js';
import type { MasterReport, ReportedMaster } from '../../src/client/master-report.js';

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
    'problem settings: understudy.master.trash.interval differs: 1h (a c), (unset) (b)',
  ]);
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
  const mount = { path: '/m', id: 1, uri: '/data', options: {}, readOnly: false, shared: false, mountedMs: 1, queued: 7, refused: 0 };
  expect(diagnose([leader(), master('b')], [mount])).toEqual([]);
  expect(diagnose([leader(), master('b')], [{ ...mount, refused: 2 }])).toMatchObject([
    { level: 'problem', about: 'mounts', what: expect.stringContaining('did not take 2 of the changes') },
  ]);
});
