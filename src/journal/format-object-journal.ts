/**
 * Makes a journal on an object store: nothing but FORMAT, exclusively, once the bucket has been proved fit.
 *
 * - Without force nothing is removed: where there is a FORMAT, or what may be the rest of a journal that lost it, nothing is made.
 * - With force a claim comes first, so that a live leader is fenced; then FORMAT goes, then what the old journal held, then the new FORMAT is
 *   made. The old journal's claims stay: a writer of it that wakes late must find its slot taken. A new journal's objects have names that no
 *   older one's writer sends anything to.
 */
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { probeBucket } from './bucket-probe.js';
import { encodeFormat, type FormatFile } from './format-file.js';
import type { ClaimRequest } from './journal.js';
import type { JournalContents } from './journal-contents.js';
import { ObjectCollector } from './object-collector.js';
import { importObjects } from './object-import.js';
import { ObjectJournal, readFormatObject } from './object-journal.js';
import { FORMAT_KEY, type ObjectContext, type ObjectJournalDeps, type ObjectJournalSettings, objectContext } from './object-layout.js';
import { objectParts } from './object-parts.js';
import { listAll } from './object-store.js';
import { insistently } from './persistence.js';

export interface FormatObjectOptions {
  /** Also where there is a journal: its leader is fenced first, by a claim with this entry, then everything in it but claims is deleted. */
  readonly force?: Pick<ClaimRequest, 'entry'>;
  /** What the journal is to begin with, instead of nothing. Its cluster id counts, unless the settings name one. */
  readonly contents?: JournalContents;
  /** Default: a new one. */
  readonly incarnationId?: string;
}

/** Names below a journal's location that are its own: those of an incarnation. */
const INCARNATION = /^([0-9a-f]{32})\//;

/**
 * @returns the new ids. `settings.clusterId` is kept where it is given.
 * @throws `already_exists`: there is a journal, or what may be left of one; without `force` nothing was changed.
 * @throws `failed_precondition`: the bucket is not fit for a journal.
 */
export async function formatObjectJournal(
  settings: ObjectJournalSettings,
  deps: ObjectJournalDeps,
  options: FormatObjectOptions = {},
): Promise<FormatFile> {
  const { store, random } = deps;
  const hex = (bytes: number): string => Buffer.from(random.bytes(bytes)).toString('hex');
  const { contents, incarnationId = hex(16) } = options;
  const clusterId = settings.clusterId ?? contents?.clusterId ?? `cluster-${hex(8)}`;
  const format: FormatFile = { clusterId, incarnationId, forkedFrom: contents?.forkedFrom };
  await probeBucket(deps);
  if (options.force === undefined) await refuseLeftOvers(deps);
  else await removeJournal(settings, deps, options.force);
  if (contents !== undefined) await fill(objectContext(settings, deps, format), contents);
  try {
    await store.create(FORMAT_KEY, encodeFormat(format));
  } catch (error) {
    if (isError(error, 'already_exists')) {
      throw new UnderstudyError('already_exists', `another format came first: location=${store.location}`, { cause: error });
    }
    throw error;
  }
  return format;
}

/** What was begun is removed where it fails: it would look like a journal that lost its FORMAT. */
async function fill(context: ObjectContext, contents: JournalContents): Promise<void> {
  try {
    await importObjects(context, contents);
  } catch (error) {
    const { store } = context.deps;
    for await (const key of listAll(store, `${context.format.incarnationId}/`)) await insistently(context.deps, () => store.delete(key));
    throw error;
  }
}

async function refuseLeftOvers({ store }: ObjectJournalDeps): Promise<void> {
  const { location } = store;
  if ((await store.get(FORMAT_KEY)) !== undefined)
    throw new UnderstudyError('already_exists', `there is a journal already: location=${location}`);
  const [incarnation] = await incarnations({ store });
  if (incarnation === undefined) return;
  const what = 'there is no FORMAT, yet what may be a journal that lost it, or what an interrupted format left';
  throw new UnderstudyError('already_exists', `${what}: location=${location} found=${incarnation}/`);
}

/** @returns the incarnations that have objects here, in order. */
async function incarnations({ store }: Pick<ObjectJournalDeps, 'store'>): Promise<readonly string[]> {
  const found: string[] = [];
  for (let startAfter = ''; ; ) {
    const { keys } = await store.list({ prefix: '', limit: 1, ...(startAfter === '' ? {} : { startAfter }) });
    const [key] = keys;
    if (key === undefined) return found;
    const [, incarnation] = INCARNATION.exec(key) ?? [];
    if (incarnation !== undefined) found.push(incarnation);
    // Behind all of this folder: "0" follows "/".
    startAfter = incarnation === undefined ? key : `${incarnation}0`;
  }
}

async function removeJournal(settings: ObjectJournalSettings, deps: ObjectJournalDeps, claim: Pick<ClaimRequest, 'entry'>): Promise<void> {
  const { store } = deps;
  await fenceLeader(settings, deps, claim);
  await insistently(deps, () => store.delete(FORMAT_KEY));
  for (const incarnationId of await incarnations(deps)) {
    const parts = objectParts(objectContext(settings, deps, { clusterId: '', incarnationId }));
    await new ObjectCollector(parts, new AbortController().signal).removeAll();
  }
}

/** A journal that cannot be claimed has no leader that goes on for long: it sees that FORMAT is gone. A store that takes no writes is left alone. */
async function fenceLeader(settings: ObjectJournalSettings, deps: ObjectJournalDeps, claim: Pick<ClaimRequest, 'entry'>): Promise<void> {
  const { clusterId: _, ...any } = settings;
  try {
    const format = await readFormatObject(deps);
    if (format === undefined) return;
    const { point } = await objectParts(objectContext(any, deps, format)).boundaries.place();
    await using journal = await ObjectJournal.open(any, deps);
    const writer = await journal.claim({ from: point, entry: claim.entry, deliver: () => undefined });
    await writer.close();
  } catch (thrown) {
    const error = asError(thrown);
    if (error.code === 'outcome_unknown' || error.code === 'unavailable') throw error;
    deps.log.warn({ error, location: deps.store.location }, 'formatting over a journal that cannot be claimed');
  }
}
