/**
 * A master that claims, appends and answers reads. Whether what it acknowledges or answers breaks a promise is judged here.
 */
import type { Branches } from '../explore.js';
import { beStandby, startAgain } from './reader.js';
import type { Bounds, Rules } from './rules.js';
import { isClaim, isWriter, type MasterState, masterAt, NOTHING, noRead, objectOf, type S3State, show } from './state.js';

type Mine = (label: string, change: (me: MasterState, next: S3State) => void) => void;

/** Everything about one master that its steps need. */
interface Turn {
  readonly s: S3State;
  readonly m: MasterState;
  readonly index: number;
  /** The slot behind the last it has applied. */
  readonly next: number;
  /** What stands there. */
  readonly there: number;
  readonly rules: Rules;
  readonly bounds: Bounds;
  readonly branches: Branches<S3State>;
  readonly mine: Mine;
}

export function branchWriter(s: S3State, index: number, rules: Rules, bounds: Bounds, branches: Branches<S3State>): void {
  const m = masterAt(s, index);
  const next = m.applied + 1;
  const mine: Mine = (label, change) => branches.step(`${index} ${label}`, (n) => change(masterAt(n, index), n));
  const turn: Turn = { s, m, index, next, there: s.at[next] ?? NOTHING, rules, bounds, branches, mine };
  if (m.doing === 'standby') branchClaim(turn);
  if (m.doing === 'putting') branchOutcome(turn);
  if (m.doing === 'claimed') branchClaimed(turn);
  if (m.doing === 'leading') branchLead(turn);
  if (m.doing === 'gaveUp') mine('closes its writer', beStandby);
  if (bounds.reads && isWriter(m)) branchReads(turn);
}

/** The PUT is under way from now on, and may arrive as often as it likes: sending the same bytes again changes nothing. */
function send(me: MasterState, next: S3State, index: number, slot: number): void {
  me.put = objectOf(index, me.claims, me.batches);
  me.made = false;
  me.doing = 'putting';
  next.net.push([slot, me.put]);
}

function branchClaim({ s, m, index, next, rules, bounds, mine }: Turn): void {
  if (next > bounds.slots || m.claims >= (bounds.claims[index] ?? 0)) return;
  // Masters are alike: they claim for the first time in their order.
  if (m.claims === 0 && index > 0 && masterAt(s, index - 1).claims === 0) return;
  mine(`sends its claim for slot ${next}`, (me, n) => {
    beStandby(me);
    me.claims += 1;
    me.batches = rules.claimFirst ? 0 : 1;
    send(me, n, index, next);
  });
}

/** A PUT was sent: its answer comes, or the slot is read, or the same bytes are sent again, or it is given up. */
function branchOutcome(turn: Turn): void {
  const { m, index, next, there, rules, bounds, mine } = turn;
  const isOwn = m.made || (rules.compareIds ? there === m.put : there !== NOTHING);
  if (isOwn && isClaim(m.put))
    mine(`learns that ${show(m.put)} is in slot ${next}`, (me) => {
      me.doing = 'claimed';
    });
  else if (isOwn) branchAcknowledge(turn);
  if (there !== NOTHING && there !== m.put && rules.compareIds) mine(`finds ${show(there)} in slot ${next}: lost`, beStandby);
  if (isClaim(m.put)) {
    mine('gives its claim up', beStandby);
    return;
  }
  mine('gives up, the outcome unknown', (me) => {
    me.doing = 'gaveUp';
    me.made = false;
    me.read = me.read.saw === next ? noRead() : { ...me.read, rides: false };
  });
  if (!rules.firstSendCounts && m.read.saw > 0 && !m.read.rides)
    mine('sends the same bytes again', (me) => {
      me.read.rides = true;
    });
  if (!rules.sameBytes && m.batches < 3)
    mine(`sends other bytes to slot ${next}`, (me, n) => {
      me.batches += 1;
      send(me, n, index, next);
    });
  if (!rules.neverSkip && next < bounds.slots)
    mine(`goes on to slot ${next + 1}`, (me, n) => {
      me.applied = next;
      me.batches += 1;
      send(me, n, index, next + 1);
    });
}

function branchAcknowledge({ s, m, next, branches, index, mine }: Turn): void {
  const label = `${index} acknowledges ${show(m.put)} in slot ${next}`;
  const truth = s.truth[next] ?? NOTHING;
  const hole = s.truth.slice(1, next).indexOf(NOTHING) + 1;
  if (truth !== m.put) branches.violation(label, 'I2', `acknowledged ${show(m.put)} in slot ${next}, where the log has ${show(truth)}`);
  else if (hole > 0) branches.violation(label, 'I1', `acknowledged slot ${next}, and slot ${hole} is empty`);
  else
    mine(`acknowledges ${show(m.put)} in slot ${next}`, (me, n) => {
      n.acknowledged = Math.max(n.acknowledged, next);
      me.applied = next;
      me.doing = 'leading';
      me.put = NOTHING;
      me.made = false;
      if (me.read.rides) me.read.confirmed = true;
      me.read.rides = false;
    });
}

function branchClaimed({ s, m, index, next, rules, branches, mine }: Turn): void {
  const truth = s.truth[next] ?? NOTHING;
  if (rules.checkAfterClaim && s.boundary > next) mine(`reads the boundary ${s.boundary}, above its claim, and gives up`, startAgain);
  else if (truth !== m.put) branches.violation(`${index} leads`, 'I2', `leads from slot ${next}, where the log has ${show(truth)}`);
  else
    mine(`leads from slot ${next}`, (me) => {
      me.doing = 'leading';
      me.applied = next;
      me.put = NOTHING;
      me.made = false;
    });
}

function branchLead({ m, index, next, there, bounds, mine }: Turn): void {
  if (there !== NOTHING) mine(`finds ${show(there)} in slot ${next}: fenced`, beStandby);
  if (next > bounds.slots || m.batches === 3) return;
  mine(`sends a batch for slot ${next}`, (me, n) => {
    me.batches += 1;
    send(me, n, index, next);
    me.read.looked = false;
    me.read.rides = me.read.saw > 0 && !me.read.confirmed;
  });
}

/** One read at a time: it sees what is pending, waits until that is committed and for a confirm that began after it came, and is answered. */
function branchReads(turn: Turn): void {
  const { s, m, index, next, rules, branches, mine } = turn;
  const { read } = m;
  if (read.saw === 0) {
    const saw = m.doing === 'putting' ? next : m.applied;
    mine(`gets a read, which sees up to slot ${saw}`, (me) => {
      const stale = s.acknowledged > saw;
      const kept = rules.confirmAfterRequest ? noRead() : me.read;
      me.read = { ...kept, saw, stale, rides: !rules.joinOnlyLater && me.doing === 'putting' };
    });
  }
  if (m.doing !== 'putting' && !read.confirmed && (read.saw > 0 || !rules.confirmAfterRequest)) branchConfirm(turn);
  if (read.saw === 0 || (rules.confirm && !read.confirmed) || read.saw > m.applied) return;
  if (read.stale)
    branches.violation(
      `${index} answers the read`,
      'I6',
      `shows slot ${read.saw}, ${s.acknowledged} was known to the world before the read came`,
    );
  else
    mine('answers the read', (me, n) => {
      n.acknowledged = Math.max(n.acknowledged, read.saw);
      me.read = noRead();
    });
}

function branchConfirm({ s, m, next, there, rules, mine }: Turn): void {
  const confirm = (me: MasterState): void => {
    me.read.looked = false;
    me.read.confirmed = true;
  };
  const isUnknown = m.doing === 'gaveUp';
  if (m.read.looked) {
    if (s.boundary > next) mine(`reads the boundary ${s.boundary}, above slot ${next}: not confirmed`, beStandby);
    else mine(`reads the boundary ${s.boundary}: confirmed`, confirm);
  } else if (there === NOTHING && isUnknown && rules.confirmBoundary)
    mine(`finds slot ${next} empty`, (me) => {
      me.read.looked = true;
    });
  else if (there === NOTHING || (!rules.confirmOwnFails && there === m.put))
    mine(`finds nothing of others in slot ${next}: confirmed`, confirm);
}
