/**
 * Runs a scenario on the program and on the reference model, and says where they disagree.
 *
 * A scenario is a list of lines, kept as text so that what was found stays readable:
 *
 *   alice 1 createFile {"path":"/a"}   a call of a mutation, by a user, through client 1
 *   alice ? getStatus {"path":"/a"}    a query
 *   again 2                            the last call but two once more, as its next attempt
 *   seal | commit | lose | keep        the pending batch is sent | is committed | never was | was, but nobody heard
 *   restart closed | killed 3 | power 3    the leader begins again with its store; after a crash with a part of what was not written yet
 *   wait 1000                          milliseconds
 *   house                              all housekeeping that is due
 *   client 1                           client 1 is forgotten, and registers anew
 *   trash 600000                       what is removed is kept in the trash for so many milliseconds; 0: not at all
 */
import { encodeMessage } from '../../src/base/encode-message.js';
import type { UnderstudyError } from '../../src/base/errors.js';
import type { Outcome as Answered } from '../../src/metadata/apply.js';
import { operations } from '../../src/metadata/operations.js';
import type { NamespaceSettings } from '../../src/metadata/plan.js';
import { type Inode, inodeMessage } from '../../src/metadata/records.js';
import { NAMESPACE_SETTINGS } from '../metadata/identities.js';
import { audit } from './audit.js';
import { Leader } from './leader.js';
import { ReferenceNamespace, type Step } from './namespace.js';
import { foundBy } from './questions.js';
import { shownOfMessage } from './shown.js';
import { identityOf, whoIs } from './users.js';
import type { Answer, Kept } from './world.js';

const START_MS = 1_700_000_000_000;
const CLIENTS = 3;
/** Calls behind the newest whose answers a client still waits for. */
const UNANSWERED = 8;

interface Called {
  readonly user: string;
  readonly clientId: number;
  readonly callId: number;
  readonly lowestUnanswered: number;
  readonly op: string;
  readonly request: object;
  attempt: number;
}

interface Awaited {
  readonly line: string;
  /** Null: it was lost. */
  expected: Answer | null;
}

export class Disagreement extends Error {
  readonly what: string;

  constructor(what: string, lines: readonly string[]) {
    super(`${what}\nin:\n${lines.join('\n')}`);
    this.what = what;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Mutations = Extract<(typeof operations)[keyof typeof operations], { kind: 'mutation' }>;

export class Both {
  readonly model: ReferenceNamespace;
  readonly leader: Leader;
  /** Lines that were run. */
  readonly lines: string[] = [];
  /** How often each outcome came: `createFile ok`, `createFile EEXIST`. */
  readonly outcomes = new Map<string, number>();
  readonly #settings: { trashIntervalMs: number };
  readonly #clientIds: number[] = [];
  readonly #callIds: number[] = [];
  #calls: Called[] = [];
  readonly #awaited = new Set<Awaited>();
  readonly #wrong: string[] = [];
  #committed: Kept;
  #sealed: Kept | null = null;

  private constructor(leader: Leader, settings: Mutable<NamespaceSettings>) {
    this.leader = leader;
    this.#settings = settings;
    this.model = new ReferenceNamespace(settings, 'root', 'wheel', leader.nowMs);
    this.#committed = this.model.remember();
  }

  static async begin(flushRows = 50): Promise<Both> {
    const settings = { ...NAMESPACE_SETTINGS };
    const both = new Both(await Leader.open(settings, flushRows, START_MS), settings);
    for (let slot = 0; slot < CLIENTS; slot++) both.#register(slot);
    await both.#commitAll();
    return both;
  }

  /** @returns through which client the lease is held that this one has; null: it is gone. */
  slotOf(clientId: number): number | null {
    const slot = this.#clientIds.indexOf(clientId);
    return slot < 0 ? null : slot;
  }

  /** Runs a whole scenario and audits what it leaves. @throws Disagreement. */
  static async run(lines: readonly string[]): Promise<Both> {
    const both = await Both.begin();
    try {
      for (const line of lines) await both.line(line);
      await both.end();
      return both;
    } finally {
      await both.leader.close();
    }
  }

  /** @throws Disagreement, with the lines up to here. */
  async line(line: string): Promise<void> {
    this.lines.push(line);
    const [first = '', second = '', third = ''] = line.split(' ', 3);
    const rest = line.slice(line.indexOf('{'));
    // What is submitted while there is no room for more changes waits, and is planned later.
    while (this.leader.replica.writeBehind.full) await this.#commit();
    if (second === '?') await this.#ask(first, third, JSON.parse(rest));
    else if (line.includes('{')) this.#call(first, Number(second), third, JSON.parse(rest));
    else await this.#event(first, second, Number(third || second || 0));
    if (this.#wrong.length > 0) this.#disagree(this.#wrong.splice(0).join('\n'));
    if (this.leader.failures.length > 0) this.#disagree(`the replica failed: ${this.leader.failures[0]}`);
  }

  /** Commits everything, and compares everything that there is. @throws Disagreement. */
  async end(): Promise<void> {
    await this.line('house');
    for (const { line } of this.#awaited) this.#wrong.push(`never answered: ${line}`);
    this.#wrong.push(...(await audit(this.model, this.leader)));
    if (this.#wrong.length > 0) this.#disagree(this.#wrong.splice(0).join('\n'));
  }

  #disagree(what: string): never {
    throw new Disagreement(what, this.lines);
  }

  async #event(what: string, how: string, number: number): Promise<void> {
    if (what === 'again') return this.#again(number);
    if (what === 'client') return this.#register(number);
    if (what === 'trash') {
      this.#settings.trashIntervalMs = number;
      return;
    }
    if (what === 'wait') {
      this.leader.nowMs += number;
      return;
    }
    await this.#seal();
    if (what === 'commit') await this.#commit();
    else if (what === 'lose' || what === 'keep') await this.#fail(what === 'keep');
    else if (what === 'restart') await this.#restart(how as 'closed' | 'killed' | 'power', number);
    else if (what === 'house') await this.#keepHouse();
    else if (what !== 'seal') throw new Error(`no such line: ${what}`);
  }

  #call(user: string, slot: number, op: string, request: object): void {
    const callId = (this.#callIds[slot] ?? 0) + 1;
    this.#callIds[slot] = callId;
    const lowestUnanswered = Math.max(1, callId - UNANSWERED);
    const call = { user, clientId: this.#clientIds[slot] ?? 0, callId, lowestUnanswered, op, request, attempt: 0 };
    this.#calls.push(call);
    this.#attempt(call);
  }

  #again(back: number): void {
    const call = this.#calls.at(-1 - back);
    if (call !== undefined) this.#attempt(call);
  }

  #attempt(call: Called): void {
    call.attempt += 1;
    const { user, clientId, callId, lowestUnanswered, attempt, op, request } = call;
    this.leader.nowMs += 1;
    if (op === 'unmount') this.#workOff();
    const { state } = this.leader.replica;
    const before = state.sn;
    const awaited: Awaited = { line: this.lines.at(-1) ?? '', expected: null };
    this.#awaited.add(awaited);
    const { plan } = (operations[op as keyof typeof operations] as Mutations).prepare(bodyOf(op, request));
    this.leader.submit({
      caller: { clientId, callId, attempt, lowestUnanswered, identity: identityOf(whoIs(user)) },
      plan,
      settle: (refused, { inode, inodes }) => {
        this.#awaited.delete(awaited);
        this.#compare(op, awaited, refused, countedAnswer(op, request, { inode, inodes }));
      },
    });
    const isJournaled = state.sn > before;
    const asked = {
      who: whoIs(user),
      client: clientId,
      callId,
      attempt,
      lowestUnanswered,
      op,
      request,
      nowMs: this.leader.nowMs,
      sn: before,
    };
    const expected = this.model.call(asked);
    awaited.expected = expected.answer;
    if (expected.isJournaled !== isJournaled) {
      this.#wrong.push(`${awaited.line.slice(0, 300)}: ${isJournaled ? 'an entry' : 'no entry'}, expected ${shownAnswer(expected.answer)}`);
    }
  }

  #compare(op: string, { line, expected }: Awaited, refused: UnderstudyError | null, found: Answered) {
    const lost = ['outcome_unknown', 'unavailable', 'cancelled'];
    if (expected === null) {
      if (refused === null || !lost.includes(refused.code)) this.#wrong.push(`${line}: answered, though it was lost`);
      return;
    }
    const told = refused === null ? 'ok' : (refused.errno ?? refused.code);
    this.#count(`${op} ${told}`);
    if (refused !== null) {
      if (!('refused' in expected) || !expected.refused.has(told)) {
        this.#wrong.push(`${line}: refused with ${told} (${refused.message}), expected ${shownAnswer(expected)}`);
      }
      return;
    }
    const shown = (inode: Inode | null) => inode && shownOfMessage(inodeMessage(inode));
    const answer = JSON.stringify({ inode: shown(found.inode), inodes: found.inodes.map(shown) });
    if (answer !== shownAnswer(expected)) this.#wrong.push(`${line}: answered\n  ${answer}, expected\n  ${shownAnswer(expected)}`);
  }

  async #ask(user: string, op: string, request: object): Promise<void> {
    const expected = this.model.ask(whoIs(user), op, request);
    if (op === 'listStatus') await this.#seal();
    const { replica } = this.leader;
    const found = await foundBy(op, request, replica, {
      identity: identityOf(whoIs(user)),
      settings: NAMESPACE_SETTINGS,
      noteRead() {},
      copies: { copiesOf: () => undefined, isComplete: false, settledMs: 0, blocksAtOnce: 10_000, turn: async () => {} },
      troubles: { ofFile: () => '', ofMount: () => '' },
    });
    const line = this.lines.at(-1) ?? '';
    this.#count(`${op} ${'refused' in found ? found.refused : 'ok'}`);
    if ('refused' in found) {
      if (!('refused' in expected) || !expected.refused.has(found.refused)) {
        this.#wrong.push(`${line}: refused with ${found.refused}, expected ${shownFound(expected)}`);
      }
    } else if (shownFound(found) !== shownFound(expected)) {
      this.#wrong.push(`${line}: found\n  ${shownFound(found)}, expected\n  ${shownFound(expected)}`);
    }
  }

  #count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  #register(slot: number): void {
    const { leadership } = this.leader;
    const old = this.#clientIds[slot];
    if (old !== undefined) {
      this.model.forgetClient(old);
      leadership.append(() => ({ expireClients: { clientIds: [old] } })).catch(() => {});
    }
    const clientId = this.model.registerClient();
    // Where a registration of that number was lost, nobody was ever told it: nobody tries its calls again.
    this.#calls = this.#calls.filter((call) => call.clientId !== clientId);
    leadership.append(() => ({ registerClient: { clientId } })).catch(() => {});
    this.#clientIds[slot] = clientId;
    this.#callIds[slot] = 0;
  }

  /** The storage of every mount has seen all changes. */
  #workOff(): void {
    for (const { id, workSeq, workDone } of this.leader.replica.state.allMounts()) {
      if (workDone === workSeq) continue;
      this.leader.leadership.append(() => ({ workDone: { mountId: id, through: workSeq } })).catch(() => {});
    }
  }

  async #seal(): Promise<void> {
    if ((await this.leader.seal()) && this.#sealed === null) this.#sealed = this.model.remember();
  }

  async #commit(): Promise<void> {
    await this.leader.commit();
    this.#committed = this.#sealed ?? this.#committed;
    this.#sealed = (await this.leader.seal()) ? this.model.remember() : null;
  }

  async #commitAll(): Promise<void> {
    for (await this.#seal(); this.#sealed !== null; ) await this.#commit();
    this.#committed = this.model.remember();
  }

  async #fail(isKept: boolean): Promise<void> {
    for (const each of this.#awaited) each.expected = null;
    await this.leader.fail(isKept);
    this.#comeBackTo(isKept ? (this.#sealed ?? this.#committed) : this.#committed);
  }

  async #restart(how: 'closed' | 'killed' | 'power', pick: number): Promise<void> {
    for (const each of this.#awaited) each.expected = null;
    await this.leader.restart(how, pick);
    this.#comeBackTo(this.#committed);
  }

  #comeBackTo(kept: Kept): void {
    this.model.comeBackTo(kept);
    this.#committed = this.model.remember();
    this.#sealed = null;
    const lost = [...this.#clientIds.keys()].filter((slot) => !this.model.knowsClient(this.#clientIds[slot] ?? 0));
    for (const slot of lost) this.#registerAgain(slot);
  }

  /** Its registration was lost: it has never heard of it, so whatever it called was never called. */
  #registerAgain(slot: number): void {
    const lost = this.#clientIds[slot];
    this.#calls = this.#calls.filter(({ clientId }) => clientId !== lost);
    delete this.#clientIds[slot];
    this.#register(slot);
  }

  async #keepHouse(): Promise<void> {
    await this.#commitAll();
    await this.leader.keepHouse();
    this.model.keepHouse(this.leader.nowMs);
    this.#committed = this.model.remember();
  }
}

/** What a removal answers with is nothing, or where it went: that does not count. */
function countedAnswer(op: string, request: object, { inode, inodes }: Answered): Answered {
  if (op === 'remove') return { inode: null, inodes };
  const { steps = [] } = request as { steps?: readonly Step[] };
  const all = inodes.map((each, at) => (steps[at]?.op === 'remove' ? null : each));
  return { inode: op === 'multi' ? (all[0] ?? null) : inode, inodes: all };
}

function bodyOf(op: string, request: object): Uint8Array {
  return encodeMessage(operations[op as keyof typeof operations].request, messageBodyOf(request) as never);
}

/** Scenarios hold no bytes: values of attributes are texts, and the steps of a multi are told by name. */
function messageBodyOf(request: object): object {
  const { value, steps, ...rest } = request as { value?: string; steps?: Step[] };
  const stepOf = ({ op, ...step }: Step) => ({
    method: operations[op as keyof typeof operations]?.method ?? 0,
    request: stepBody(op, step),
  });
  return {
    ...rest,
    ...(value === undefined ? {} : { value: Buffer.from(value) }),
    ...(steps === undefined ? {} : { steps: steps.map(stepOf) }),
  };
}

function stepBody(op: string, step: object): Uint8Array {
  return op in operations ? bodyOf(op, step) : new Uint8Array(0);
}

function shownAnswer(answer: Answer): string {
  return 'refused' in answer ? [...answer.refused].join(' or ') : JSON.stringify(answer);
}

function shownFound(found: { found: unknown } | { refused: ReadonlySet<string> | string }): string {
  if ('refused' in found) return [...found.refused].join(' or ');
  return JSON.stringify(found.found);
}
