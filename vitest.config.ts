/**
 * Four lanes. `npm test` runs the quick one: what needs nothing but Node, within two minutes. `scripts/test` runs all of them.
 *
 * A test that imports what starts real servers, or needs the programs built, is in the lane `servers`: most of its time it waits, so two files run
 * at a time, with ports, folders and networks of their own each. Those that measure, or whose nemesis wants the whole machine, are `alone`: one file
 * at a time. Others that take their time are in the lane `long`.
 */
import { readFileSync } from 'node:fs';
import glob from 'fast-glob';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const NEEDS_SERVERS =
  /(\/servers|'\.)\/(built|gluster|hadoop-client|haproxy|network-host|promtool|python-clients|s3|s3-fault-proxy|tcp-proxy|tests-with-clients|virtual-network|zookeeper)\.js'|\/zookeeper-world\.js'/;
const ON_SERVERS = /^test\/(cluster|servers)\//;
const ALONE = [
  /^test\/(chaos\/chaos|containers\/|scale\/)/,
  /^test\/cluster\/(hand-over|haproxy|lost-host|stream|takeover)\./,
  /^test\/election\/killed-process/,
  /^test\/journal\/two-mounts/,
  /^test\/simulation\/program/,
];
const TAKES_ITS_TIME = [
  /^test\/fuzz\/(bit-flips-\w+|fuzz|garbage-at-\w+)\./,
  /^test\/client\/data\//,
  /^test\/election\/embedded-election/,
  /^test\/history\/lies/,
  /^test\/journal\/directory-(crash|damage|journal)/,
  /^test\/metadata\/(access-real|acl-real|copies)/,
  /^test\/master\/(persist-files|watch|workers\/)/,
  /^test\/blocks\/block-(file|table)/,
  /^test\/model\//,
  /^test\/reference\/random-commands/,
  /^test\/web\/hostile-connections/,
  /^test\/worker\/store-/,
  /^test\/simulation\/(defects|sim-files)/,
];

const tests = glob.sync('test/**/*.test.ts');
const matches = (file: string, patterns: readonly RegExp[]) => patterns.some((pattern) => pattern.test(file));
const laneOf = (file: string) => {
  if (matches(file, ALONE)) return 'alone';
  if (ON_SERVERS.test(file) || NEEDS_SERVERS.test(readFileSync(file, 'utf8'))) return 'servers';
  return matches(file, TAKES_ITS_TIME) ? 'long' : 'quick';
};
const lane = (name: string, options: TestProjectInlineConfiguration['test']) => ({
  extends: true as const,
  test: { name, include: tests.filter((file) => laneOf(file) === name), ...options },
});

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      // Files of the quick lane share what they import: loading it for each of them takes a third of the time.
      lane('quick', { maxWorkers: 2, isolate: false, sequence: { groupOrder: 0 } }),
      lane('long', { maxWorkers: 2, sequence: { groupOrder: 0 } }),
      // What others do beside takes time: limits are for what hangs.
      lane('servers', { maxWorkers: 2, sequence: { groupOrder: 1 }, testTimeout: 90_000, hookTimeout: 120_000 }),
      lane('alone', { maxWorkers: 1, sequence: { groupOrder: 2 } }),
    ],
  },
});
