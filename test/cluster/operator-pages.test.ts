/**
 * The pages for operators, followed as they are written on three masters beside a real ZooKeeper. `npm run golden` writes down what is printed now.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { mustBeBuilt, ROOT } from '../servers/built.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { follow, OperatorHosts } from './operator-pages.js';

const PAGES = path.join(ROOT, 'docs', 'operations');
const LIMIT_MS = 240_000;
/** Each leaves three masters that serve, one of them as leader, to the next one. */
const IN_ORDER = ['README.md', 'try-an-upgrade.md', 'fail-over.md'];

let folder: string;
let zooKeeper: ZooKeeperEnsemble;
let hosts: OperatorHosts;

beforeAll(async () => {
  mustBeBuilt();
  zooKeeper = await startZooKeeper(1);
  folder = mkdtempSync(path.join(tmpdir(), 'understudy-pages-'));
  const [, site = ''] = /```properties\n([\s\S]*?)```/.exec(readFileSync(path.join(PAGES, 'README.md'), 'utf8')) ?? [];
  const settings = { 'security.login.username': 'understudy', 'zookeeper.session.timeout': '2s' };
  hosts = await OperatorHosts.make(folder, 3, site, { places: { '10.0.0.10:2181': zooKeeper.connectString }, settings });
});

afterEach(({ task }) => {
  if (task.result?.state === 'fail') for (const host of hosts.names) console.error(`--- ${host}\n${hosts.log(host).slice(-8_000)}`);
});

afterAll(async () => {
  hosts?.close();
  await zooKeeper?.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const name of IN_ORDER) {
  test(
    `docs/operations/${name}: followed as it is written, prints what it shows`,
    async () => {
      const file = path.join(PAGES, name);
      const page = readFileSync(file, 'utf8');
      const followed = await follow(page, hosts);
      if (process.env.WRITE_GOLDEN !== undefined) writeFileSync(file, followed);
      else expect(followed).toBe(page);
    },
    LIMIT_MS,
  );
}
