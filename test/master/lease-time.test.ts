import { expect, it } from 'vitest';
import { LeaseTime } from '../../src/master/lease-time.js';

function begin(leaseTimeoutMs: number) {
  const settings = { leaseTimeoutMs };
  let nowMs = 0;
  const time = new LeaseTime(settings, { monotonicMs: () => nowMs });
  return (atMs: number, setMs = settings.leaseTimeoutMs) => {
    nowMs = atMs;
    settings.leaseTimeoutMs = setMs;
    return time.allowedMs();
  };
}

it('shortened, the longer time counts for as long as it was, from when it is seen', () => {
  const allowed = begin(600);
  expect([allowed(1_000, 30), allowed(1_599), allowed(1_600), allowed(9_000)]).toEqual([600, 600, 30, 30]);
});

it('lengthened, it counts at once', () => {
  const allowed = begin(30);
  expect([allowed(1_000, 600), allowed(1_001)]).toEqual([600, 600]);
});

it('shortened twice, the longest one counts until the last of them is over', () => {
  const allowed = begin(600);
  expect([allowed(1_000, 300), allowed(1_500, 30), allowed(1_799), allowed(1_800)]).toEqual([600, 600, 600, 30]);
});

it('shortened, lengthened and shortened again, the longest one counts anew', () => {
  const allowed = begin(600);
  expect([allowed(100, 30), allowed(200, 500), allowed(300, 30), allowed(799), allowed(800)]).toEqual([600, 600, 600, 600, 30]);
});
