import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { type FileSystem, UnderstudyError } from '../../src/cli/understudy.js';
import { madeUpBytes } from '../cluster/made-up-bytes.js';
import { ownFolder } from '../servers/own-folder.js';
import { tracked } from '../servers/processes.js';
import { waitUntil } from '../servers/wait-until.js';
import { availability, gapsByKind } from './availability.js';
import { BlockCopies } from './block-copies.js';
import type { ChaosWorker } from './chaos-worker.js';
import type { Fault } from './fault.js';
import { brokenCalls, fileCalls, settleFiles } from './file-account.js';
import type { FileLine } from './file-lines.js';
import { KeptProcess } from './kept-process.js';
import type { DoneStep } from './nemesis.js';
import { settle } from './probe-account.js';
import { drawSteps } from './schedule.js';
import type { WorkerDisk } from './worker-disk.js';

const fault = (name: string): Fault => ({ name, lastsMs: [0, 0], begin: async () => () => {} });

function step(beganAt: number, endedAt: number, ...names: string[]): DoneStep {
  return { beganAt, endedAt, faults: names.map((name) => ({ fault: fault(name), beganAt, healedAt: endedAt })) };
}

test('the plan is a function of the seed, and never does one thing twice at once', () => {
  const plan = (seed: number, ...names: string[]) => {
    const steps = drawSteps(seed, names.map(fault));
    return Array.from({ length: 200 }, () => steps.next().value.faults.map((each) => `${each.fault.name} ${each.lastsMs}`));
  };
  expect(plan(7, 'a', 'b')).toEqual(plan(7, 'a', 'b'));
  expect(plan(7, 'a', 'b')).not.toEqual(plan(8, 'a', 'b'));
  expect(plan(7, 'a').filter(({ length }) => length !== 1)).toEqual([]);
  const both = plan(7, 'a', 'b').filter(({ length }) => length === 2);
  expect(both.length).toBeGreaterThan(0);
  expect(both.filter(([one, other]) => one?.[0] === other?.[0])).toEqual([]);
});

test('availability: the share of slots with an acknowledgement, however many each has; none outside counts', () => {
  expect(availability([5, 100, 101, 109, 115, 139, 140], 100, 140)).toBe(3 / 4);
  expect(availability([], 100, 140)).toBe(0);
});

test('gaps: the longest between acknowledgements counts for the step in which it lies; one over a boundary, for both, each its part', () => {
  const acknowledged = [10, 20, 90, 300, 310, 320, 900, 905];
  const steps = [step(100, 310, 'one'), step(310, 1_000, 'other')];
  const found = gapsByKind(acknowledged, steps).map(({ name, count, maxMs }) => [name, count, maxMs]);
  expect(found).toEqual([
    ['other', 1, 580],
    ['one', 1, 200],
  ]);
  const over = gapsByKind([0, 100, 150, 900], [step(50, 200, 'calm'), step(300, 1_000, 'rough')]);
  expect(over.map(({ name, maxMs }) => [name, maxMs])).toEqual([
    ['rough', 600],
    ['calm', 150],
  ]);
});

test('gaps: a step of two faults is neither of them, one whose fault did not work is none', () => {
  const failed = { ...step(500, 600), faults: [{ fault: fault('x'), beganAt: 500, healedAt: 600, trouble: 'broken' }] };
  const found = gapsByKind([0, 100, 200, 700], [step(50, 400, 'a', 'b'), failed]);
  expect(found.map(({ name }) => name)).toEqual(['two at once']);
});

test('the probe: what was acknowledged is to be there as that file; what was refused is not, and for a passing reason', async () => {
  const listed = ['/probe/0/0 3', '/probe/0/1 9', '/probe/0/4 5', '/probe/0/7 8'].map((line) => line.split(' '));
  const fs = {
    async *list() {
      for (const [path, id] of listed) yield { path, id: Number(id), directory: false };
    },
  } as unknown as FileSystem;
  const line = (number: number, more: object) => ({ path: `/probe/0/${number}`, at: 0, answeredAt: 1, ...more });
  const account = await settle(
    [
      line(0, { id: 3 }),
      line(1, { id: 4 }),
      line(2, { id: 6 }),
      line(3, { code: 'unavailable', error: 'x', unknown: false }),
      line(4, { code: 'unavailable', error: 'x', unknown: false }),
      line(5, { code: 'deadline_exceeded', error: 'x', unknown: true }),
      line(6, { code: 'internal', error: 'x', unknown: false }),
    ],
    fs,
  );
  expect(account).toMatchObject({ acknowledged: 3, refused: 3, unknown: 1 });
  expect(account.lost).toEqual(['/probe/0/1 id=4 found=9', '/probe/0/2 id=6 found=undefined']);
  expect(account.duplicated).toEqual(['/probe/0/4: x', '/probe/0/7: nobody made it']);
  expect(account.unexpected).toEqual(['/probe/0/6: x']);
});

test('files: only what faults took altogether, and storage never had, may be lost; bytes that differ never', async () => {
  const written = (name: string, length: number, more: Partial<FileLine> = {}): FileLine => {
    return { call: 'write', path: name, at: 0, answeredAt: 1, length, writeType: 'MUST_CACHE', id: Number(name.slice(1)), ...more };
  };
  const failed = { error: 'it failed', code: 'unavailable' };
  const calls = fileCalls([
    written('/1', 10),
    written('/2', 10),
    written('/3', 10),
    written('/4', 10, { writeType: 'CACHE_THROUGH' }),
    written('/5', 10),
    written('/6', 10),
    written('/7', 10, failed),
    written('/8', 10),
    { ...written('/8', 30), call: 'append', ...failed },
    written('/9', 10),
    { ...written('/9', 0), call: 'remove' },
    written('/10', 10, { writeType: 'THROUGH' }),
    { ...written('/10', 20), call: 'append' },
    written('/11', 10, { writeType: 'THROUGH' }),
    { ...written('/11', 20), call: 'append' },
    { ...written('/1', 0), call: 'read', bytes: 10, wrong: 'a byte differs' },
    { ...written('/1', 0), call: 'read', error: 'no such file', code: 'not_found' },
    { ...written('/9', 0), call: 'read', error: 'no such file', code: 'not_found' },
  ]);
  expect(calls.figures).toMatchObject({ written: 12, read: 1, bytesRead: 10, failed: 4 });
  expect(calls.figures.wrong).toEqual(['read /1: a byte differs']);
  expect(calls.figures.unexpected).toEqual(['read /1: no such file']);
  expect(brokenCalls(calls.figures)).toHaveLength(2);
  const there: Readonly<Record<string, Buffer | undefined>> = {
    '/1': madeUpBytes('/1', 0, 10),
    '/5': madeUpBytes('/6', 0, 10),
    '/8': madeUpBytes('/8', 0, 20),
    '/9': madeUpBytes('/9', 0, 10),
  };
  const fs = {
    async getStatus(name: string) {
      if (name === '/6' || name === '/7') throw new UnderstudyError('not_found', 'no such file');
      const length = there[name]?.length ?? (name.length > 2 ? 20 : 10);
      return { id: Number(name.slice(1)), length, complete: true, blockBytes: 8, persistence: 'NOT_PERSISTED' };
    },
    async readFile(name: string) {
      if (there[name] === undefined) throw new UnderstudyError('unavailable', 'no worker holds it');
      return there[name];
    },
  } as unknown as FileSystem;
  const lost = ['3-0', '4-0', '5-0', '10-0', '11-1'];
  const copies = {
    lossOf: (inodeId: number, blocks: readonly number[]) => {
      const isLost = blocks.some((index) => lost.includes(`${inodeId}-${index}`));
      return isLost ? (inodeId === 3 ? 'freed' : 'taken') : undefined;
    },
  };
  const { bytes, accounted, freed, unaccounted } = await settleFiles(calls.files, fs, copies);
  expect(bytes).toBe(30);
  const names = (lines: readonly string[]) => lines.map((line) => line.split(':')[0]).sort();
  expect(names(accounted)).toEqual(['/11', '/3']);
  expect(freed).toBe(1);
  expect(names(unaccounted)).toEqual(['/10', '/2', '/4', '/5', '/6', '/9']);
});

test('blocks: lost are those of which a fault took the last copy, or the one for which the other was just being freed', async () => {
  const own = ownFolder('block-copies');
  vi.useFakeTimers();
  try {
    const disk = (name: string, ...blocks: string[]) => {
      const place = path.join(own.path, name);
      mkdirSync(place);
      for (const block of blocks) writeFileSync(path.join(place, block), '');
      return { place, replace: () => rmSync(place, { recursive: true }) } as unknown as WorkerDisk;
    };
    const both = ['1-0-0.5', '2-0-0.5', '3-0-0.5'];
    const [one, other] = [disk('one', ...both, '4-0-0.5', '5-0-1.5'), disk('other', ...both, '5-0-0.5')];
    const copies = new BlockCopies([{ disks: [one] }, { disks: [other] }] as unknown as ChaosWorker[], 9_000);
    const losses = () => [1, 2, 3, 4, 5].map((inodeId) => copies.lossOf(inodeId, [0]));
    const free = (name: string) => rmSync(path.join(other.place, name));
    copies.replace(one);
    expect(losses()).toEqual([undefined, undefined, undefined, 'taken', 'taken']);
    free('3-0-0.5');
    let isSettled = false;
    const settled = copies.settled().then(() => {
      isSettled = true;
    });
    await vi.advanceTimersByTimeAsync(6_000);
    expect(isSettled).toBe(false);
    expect(losses()).toEqual([undefined, undefined, 'freed', 'taken', 'taken']);
    free('2-0-0.5');
    await vi.advanceTimersByTimeAsync(9_000);
    await settled;
    free('1-0-0.5');
    vi.advanceTimersByTime(60_000);
    expect(losses()).toEqual([undefined, 'freed', 'freed', 'taken', 'taken']);
    expect(copies.lossOf(2, [1])).toBeUndefined();
    expect(copies.takenCount).toBe(2);
  } finally {
    vi.useRealTimers();
    own.remove();
  }
});

test('a kept process: one that ends by itself and says why is counted; one that crashed is told', async () => {
  const started: ChildProcess[] = [];
  const ends = [
    'process.exit(1)',
    'process.kill(process.pid, "SIGKILL")',
    'process.exit(134)',
    'process.exit(0)',
    'process.exit(1)',
    'setInterval(() => {}, 1000)',
  ];
  const program = {
    isRunning: false,
    spawn() {
      const child = tracked(spawn(process.execPath, ['-e', ends[started.length] ?? ''], { stdio: 'ignore' }));
      started.push(child);
      this.isRunning = true;
      child.once('exit', () => {
        this.isRunning = false;
      });
      return child;
    },
    signal(signal: NodeJS.Signals) {
      started.at(-1)?.kill(signal);
    },
  };
  const kept = new KeptProcess('m1', program);
  kept.release();
  await waitUntil('the last one runs', () => started.length === ends.length && program.isRunning, 20_000);
  const gone = once(started.at(-1) as ChildProcess, 'exit');
  await kept.close();
  await gone;
  expect(kept.unexpectedEnds).toBe(5);
  expect(kept.crashes).toEqual(['m1 was ended by SIGKILL', 'm1 ended with 134', 'm1 ended with 0']);
});
