/**
 * Lives many worlds, one seed after the other, here or in processes of their own, and hands over the outcome of each.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { World, type WorldOutcome } from './world.js';

export interface Lived {
  readonly outcome: WorldOutcome;
  /** Processor time that it took. */
  readonly cpuMs: number;
}

interface RunSettings {
  readonly from: number;
  /** Processes; 0: the worlds live in this one. */
  readonly jobs: number;
  /** Asked before each world, with how many were begun. */
  goesOn(begun: number): boolean;
}

/** One world of so many is lived twice, to see that it is a function of its seed. Odd: the parity of a seed says where its journal lives. */
const TWICE = 51;

/**
 * A process lives so many worlds, and another goes on. Processes of a world that are killed stand still for good, and Node keeps what waits for a
 * signal made of several (`AbortSignal.any`) as long as somebody listens.
 */
const WORLDS_PER_PROCESS = 200;

/** Lives the world of `seed` in this process. Errors get no stacks, which nobody would see and which take their time. */
export async function live(seed: number): Promise<Lived> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const before = process.cpuUsage();
  const outcome = await World.run(seed);
  Error.stackTraceLimit = stackTraceLimit;
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1_000;
  if (seed % TWICE !== 0) return { outcome, cpuMs };
  const difference = differenceOf(outcome, await World.run(seed));
  return { outcome: difference === undefined ? outcome : { ...outcome, violations: [...outcome.violations, difference] }, cpuMs };
}

/** @returns that a world was not the same when it was lived again; undefined: it was. Stacks are not compared: one life may have had none. */
export function differenceOf(once: WorldOutcome, again: WorldOutcome): string | undefined {
  const told = (outcome: WorldOutcome) =>
    JSON.stringify({ ...outcome, violations: outcome.violations.map((violation) => violation.split('\n', 1)[0]) });
  if (told(once) === told(again)) return undefined;
  return `determinism: seed ${once.seed} is not the same twice: ${told(once)} and ${told(again)}`;
}

/** Lives worlds from seed `from` on while `goesOn`. */
export async function liveMany({ from, jobs, goesOn }: RunSettings, heard: (lived: Lived) => void): Promise<void> {
  let begun = 0;
  const next = () => (goesOn(begun) ? from + begun++ : undefined);
  if (jobs === 0) {
    for (let seed = next(); seed !== undefined; seed = next()) heard(await live(seed));
    return;
  }
  const job = async () => {
    for (let isOver = false; !isOver; ) isOver = await liveInChild(next, heard);
  };
  await Promise.all(Array.from({ length: jobs }, job));
}

/** Lives some worlds. @returns whether there are no more. @throws where the child ends before its work does. */
function liveInChild(next: () => number | undefined, heard: (lived: Lived) => void): Promise<boolean> {
  const child = fork(fileURLToPath(new URL('./job.js', import.meta.url)));
  let seed: number | undefined;
  let given = 0;
  let isOver = false;
  const giveOne = () => {
    seed = given++ < WORLDS_PER_PROCESS ? next() : undefined;
    isOver = seed === undefined && given <= WORLDS_PER_PROCESS;
    if (seed === undefined) child.disconnect();
    else child.send(seed);
  };
  return new Promise((resolve, reject) => {
    child.on('message', (lived) => {
      heard(lived as Lived);
      giveOne();
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (seed === undefined) resolve(isOver);
      else reject(new Error(`a process ended within the world of seed ${seed}: code=${code} signal=${signal}`));
    });
    giveOne();
  });
}
