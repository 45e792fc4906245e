/**
 * Two lanes. `npm test` runs the quick one: what needs nothing but Node, within two minutes. `scripts/test` runs both.
 *
 * A test is in the other lane if it imports what starts real servers or needs the programs built, or if it takes its time.
 */
import { readFileSync } from 'node:fs';
import glob from 'fast-glob';
import { defineConfig } from 'vitest/config';

const NEEDS_SERVERS = /\/servers\/(built|gluster|network-host|s3|s3-fault-proxy|tcp-proxy|zookeeper)\.js'|\/zookeeper-world\.js'/;
const TAKES_ITS_TIME = [
  /^test\/(chaos|cluster|containers|model|scale)\//,
  /^test\/reference\/random-commands/,
  /^test\/journal\/directory-crash/,
  /^test\/simulation\/defects/,
];

const tests = glob.sync('test/**/*.test.ts');
const isQuick = (file: string) => !TAKES_ITS_TIME.some((pattern) => pattern.test(file)) && !NEEDS_SERVERS.test(readFileSync(file, 'utf8'));

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'quick', include: tests.filter(isQuick) } },
      { extends: true, test: { name: 'whole', include: tests.filter((file) => !isQuick(file)) } },
    ],
  },
});
