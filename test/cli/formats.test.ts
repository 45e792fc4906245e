import { expect, test } from 'vitest';
import { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { formatBytes, formatLsLine, formatTime, heldPercent } from '../../src/cli/fs/ls-format.js';
import { formatMasters } from '../../src/cli/fs/masters-format.js';
import { formatStat, formatStatus } from '../../src/cli/fs/stat-format.js';
import { type FileStatus, fileStatus } from '../../src/client/file-status.js';
import { masterInfos } from '../../src/client/master-info.js';
import { formatMode } from '../../src/metadata/mode-text.js';

const local = (...fields: [number, number, number, number, number, number, number]) => new Date(...fields).getTime();

const directory: FileStatus = {
  ...fileStatus('/a', { id: 2, directory: true, owner: 'root', group: 'root', mode: 0o755, childCount: 1 }),
  modifiedMs: local(2026, 10, 21, 8, 0, 6, 671),
};
const file: FileStatus = {
  ...directory,
  path: '/a/f',
  name: 'f',
  directory: false,
  mode: 0o644,
  modifiedMs: local(2026, 10, 21, 8, 0, 6, 814),
  complete: true,
  persistence: 'TO_BE_PERSISTED',
};

test('ls: directory and file, lines as alluxio fs ls printed them', () => {
  // Both lines were copied from Alluxio 2.9.6.
  expect(formatLsLine(directory, false)).toBe(
    'drwxr-xr-x  root           root                         1   NOT_PERSISTED 11-21-2026 08:00:06:671  DIR /a   ',
  );
  expect(formatLsLine(file, false)).toBe(
    '-rw-r--r--  root           root                         0 TO_BE_PERSISTED 11-21-2026 08:00:06:814 100% /a/f ',
  );
});

test('ls: file with contents, sizes in bytes or for people', () => {
  const long = { ...file, length: 6 * 1024 * 1024 };
  expect(formatLsLine(long, false)).toContain(`${'6291456'.padStart(15)} TO_BE_PERSISTED`);
  expect(formatLsLine(long, true)).toContain(`${'6.00MB'.padStart(15)} TO_BE_PERSISTED`);
  expect(formatLsLine(long, false)).toContain('  0% /a/f');
});

test.each([
  [0, '0B'],
  [5120, '5120B'],
  [5121, '5.00KB'],
  [5 * 1024 ** 2, '5120.00KB'],
  [5 * 1024 ** 2 + 1024, '5.00MB'],
  [2 ** 53 - 1, '8.00PB'],
])('sizes for people: %d bytes, %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [0o0, '----------'],
  [0o777, '-rwxrwxrwx'],
  [0o1777, '-rwxrwxrwt'],
  [0o1666, '-rw-rw-rwT'],
  [0o6755, '-rwsr-sr-x'],
  [0o6000, '---S--S---'],
])('permissions: %o, %s', (mode, text) => expect(formatMode({ directory: false, mode })).toBe(text));

test('times: local, with all digits', () => {
  expect(formatTime(local(2026, 0, 2, 3, 4, 5, 6))).toBe('01-02-2026 03:04:05:006');
});

test('stat: a format, each letter is replaced and the rest stays', () => {
  const status = { ...file, length: 130, blockBytes: 64, modifiedMs: 1_000, owner: 'ada' };
  expect(formatStat('%n|%N|%z|%b|%o|%u|%a|%A|%F|%y|%Y|100%%|%q|%', status)).toBe(
    '/a/f|f|130|3|64|ada|644|-rw-r--r--|regular file|1970-01-01 00:00:01|1000|100%|%q|%',
  );
});

test('stat: no format, everything line by line', () => {
  const utc = { modifiedMs: Date.UTC(2026, 10, 21, 8), createdMs: 0, accessedMs: 0 };
  expect(formatStatus({ ...directory, ...utc })).toMatchInlineSnapshot(`
    "/a is a directory path.
      id:          2
      owner:       root
      group:       root
      mode:        drwxr-xr-x (0755)
      created:     1970-01-01 00:00:00
      modified:    2026-11-21 08:00:00
      accessed:    1970-01-01 00:00:00
      entries:     1
      persistence: NOT_PERSISTED"
  `);
  expect(formatStatus({ ...file, ...utc, length: 130, blockBytes: 64 })).toMatchInlineSnapshot(`
    "/a/f is a file path.
      id:          2
      owner:       root
      group:       root
      mode:        -rw-r--r-- (0644)
      created:     1970-01-01 00:00:00
      modified:    2026-11-21 08:00:00
      accessed:    1970-01-01 00:00:00
      length:      130
      blocks:      3 of 64 bytes
      complete:    yes
      at workers:  0%
      persistence: TO_BE_PERSISTED"
  `);
});

test('masterInfo: leader, standby and one that does not answer, the leader first and the lag from the highest entry', () => {
  const status = (fields: Partial<understudy.MasterStatusResponse>) =>
    understudy.MasterStatusResponse.decode(understudy.MasterStatusResponse.encode(fields).finish());
  const standby = { state: 'PASSIVE', epoch: 3, appliedSn: 95, committedSn: 95, webAddress: 'a:2', version: '0.1.0' };
  const masters = masterInfos([
    { address: 'c:1', error: new UnderstudyError('unavailable', 'cannot connect') },
    { address: 'a:1', status: status({ ...standby, behind: { entries: 5, ms: 12 }, observer: true }) },
    {
      address: 'b:1',
      status: status({ state: 'ACTIVE', epoch: 3, appliedSn: 100, committedSn: 100, webAddress: 'b:2', version: '0.1.0' }),
    },
  ]);
  expect(formatMasters(masters)).toMatchInlineSnapshot(`
    "Current leader master: b:1
    Master Address  State             Epoch  Applied  Lag  Behind ms  Web Address  Version  Remark
    b:1             ACTIVE            3      100      0    0          b:2          0.1.0
    a:1             PASSIVE OBSERVER  3      95       5    12         a:2          0.1.0
    c:1             UNREACHABLE       -      -        -    -          -            -        cannot connect"
  `);
  expect(formatMasters([])).toContain('Current leader master: none');
});

test('bytes at workers: of a file that was cut meanwhile no more than all of it', () => {
  const percent = (length: number, heldBytes: number) => heldPercent({ directory: false, length, heldBytes });
  expect([percent(10, 20), percent(10, 5), percent(0, 0)]).toEqual([100, 50, 100]);
});
