/**
 * Three lanes. `npm test` runs the quick one: what needs nothing but Node, within two minutes. `scripts/test` runs all of them.
 *
 * A test that imports what starts real servers, or needs the programs built, is in the lane `whole`, and so are those that measure: one file at a
 * time. Others that take their time are in the lane `long`.
 */
import { readFileSync } from 'node:fs';
import glob from 'fast-glob';
import { defineConfig } from 'vitest/config';

const NEEDS_SERVERS =
  /(\/servers|'\.)\/(built|gluster|hadoop-client|haproxy|network-host|promtool|python-clients|s3|s3-fault-proxy|tcp-proxy|tests-with-clients|virtual-network|zookeeper)\.js'|\/zookeeper-world\.js'/;
const ALONE = /^test\/(chaos|cluster|containers|scale|servers)\//;
const TAKES_ITS_TIME = [
  /^test\/fuzz\/(bit-flips-\w+|fuzz|garbage-at-master)\./,
  /^test\/client\/data\//,
  /^test\/election\/embedded-election/,
  /^test\/history\/lies/,
  /^test\/journal\/directory-(crash|damage|journal)/,
  /^test\/metadata\/(access-real|acl-real|copies)/,
  /^test\/master\/(persist-files|watch|workers\/)/,
  /^test\/blocks\/block-table/,
  /^test\/model\//,
  /^test\/reference\/random-commands/,
  /^test\/web\/hostile-connections/,
  /^test\/worker\/store-/,
  /^test\/simulation\/(defects|sim-files)/,
];

const tests = glob.sync('test/**/*.test.ts');
const laneOf = (file: string) => {
  if (ALONE.test(file) || NEEDS_SERVERS.test(readFileSync(file, 'utf8'))) return 'whole';
  return TAKES_ITS_TIME.some((pattern) => pattern.test(file)) ? 'long' : 'quick';
};
const lane = (name: string, maxWorkers: number, groupOrder: number, isolate: boolean) => ({
  extends: true as const,
  test: { name, include: tests.filter((file) => laneOf(file) === name), maxWorkers, isolate, sequence: { groupOrder } },
});

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Files of the quick lane share what they import: loading it for each of them takes a third of the time.
    projects: [lane('quick', 2, 0, false), lane('long', 2, 0, true), lane('whole', 1, 1, true)],
  },
});
