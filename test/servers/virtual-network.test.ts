import { spawn, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { closedWithTest } from './closed-with-test.js';
import { describeAsRoot } from './describe-as-root.js';
import { tracked } from './processes.js';
import { cut, type VirtualHost, VirtualNetwork } from './virtual-network.js';
import { waitUntil } from './wait-until.js';

const PORT = 7000;
const SERVE = `require('node:net').createServer((socket) => socket.pipe(socket)).listen(${PORT}, () => console.log('listens'))`;
/** Prints `answered`, `refused` or `silent`. */
const ASK = `const socket = require('node:net').connect({ host: process.argv[1], port: ${PORT} });
const end = (what) => { console.log(what); process.exit(); };
socket.on('error', () => end('refused'));
socket.on('connect', () => end('answered'));
setTimeout(() => end('silent'), 400);`;

describeAsRoot('hosts of a virtual network', () => {
  test('hosts reach each other until they are cut, in one direction or both, by silence or by a reset, and are mended', async () => {
    const network = closedWithTest(new VirtualNetwork());
    const [one, two] = [network.addHost('one'), network.addHost('two')];
    for (const host of [one, two]) await serve(host);
    expect([ask(one, two), ask(two, one)]).toEqual(['answered', 'answered']);

    const mendReset = cut([one], [two], 'reject');
    expect([ask(one, two)]).toEqual(['refused']);
    const mendBoth = cut([two], [one], 'reject');
    expect([ask(one, two), ask(two, one)]).toEqual(['refused', 'refused']);
    for (const mend of [mendReset, mendBoth]) mend();
    const mend = cut([one], [two], 'drop');
    // Neither gets an answer: what one sends, answers too, does not arrive at two.
    expect([ask(one, two), ask(two, one)]).toEqual(['silent', 'silent']);
    mend();
    expect([ask(one, two), ask(two, one)]).toEqual(['answered', 'answered']);
  });

  test('a network of another process that is gone is removed, one whose process lives is left alone', () => {
    const network = closedWithTest(new VirtualNetwork());
    const dead = spawnSync('true').pid;
    spawnSync('ip', ['netns', 'add', `understudy-net-${dead}-left`]);
    closedWithTest(new VirtualNetwork());
    const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
    expect(stdout).not.toContain(`understudy-net-${dead}-left`);
    expect(stdout).toMatch(new RegExp(`understudy-net-${process.pid}-\\d+-switch`));
    expect(network.gateway).toMatch(/^10\./);
  });
});

async function serve(host: VirtualHost): Promise<void> {
  const [program = '', ...rest] = [...host.wrapper, process.execPath, '-e', SERVE];
  const child = tracked(spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] }));
  let output = '';
  child.stdout?.on('data', (text) => {
    output += text;
  });
  await waitUntil(`${host.address} listens`, () => output.includes('listens'));
}

function ask(from: VirtualHost, to: VirtualHost): string {
  const [program = '', ...rest] = [...from.wrapper, process.execPath, '-e', ASK, to.address];
  return spawnSync(program, rest, { encoding: 'utf8' }).stdout.trim();
}
