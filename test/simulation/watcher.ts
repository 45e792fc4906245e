/**
 * What watchers of the change feed were told, against the journal as it is at the end: that, in order, each change once, from the entry that was
 * asked for up to where they were told that all is.
 */
import type { Batch } from '../../src/journal/journal.js';
import { decodeEntry, type Entry, kindOf } from '../../src/metadata/entries.js';
import type { HistoryEvent, WatchEvent } from '../history/events.js';

interface Watch {
  readonly event: WatchEvent;
  throughSn: number;
  readonly told: string[];
}

/** @returns what was told otherwise than `chain` has it, all that the journal still holds. */
export function fedOtherwise(events: readonly HistoryEvent[], chain: readonly Batch[]): string[] {
  const firstSn = chain[0]?.firstSn ?? 1;
  const changes = chain.flatMap(({ entries, firstSn: first }) =>
    entries.flatMap((bytes, at) => changesIn(decodeEntry(bytes, first + at), first + at)),
  );
  return watchesIn(events).flatMap(({ event: { path, fromSn }, throughSn, told }) => {
    const from = Math.max(fromSn, firstSn);
    const mine = changes
      .filter(({ sn, places }) => sn >= from && places.some((place) => isWithin(place, path)))
      .map(({ told: one }) => one);
    const heard = told.filter((one) => Number(one.split(' ', 1)[0]) >= from);
    const due = mine.filter((one) => Number(one.split(' ', 1)[0]) <= throughSn);
    const isPrefix = heard.every((one, at) => one === mine[at]);
    if (isPrefix && heard.length >= due.length) return [];
    const at = heard.findIndex((one, index) => one !== mine[index]);
    const [other = 'nothing', instead] = [heard[at], mine[at] ?? mine[heard.length]];
    return [`watch: the change feed of ${path} from ${fromSn} through ${throughSn}: told=${other} due=${instead}`];
  });
}

function watchesIn(events: readonly HistoryEvent[]): Watch[] {
  const watches = new Map<number, Watch>();
  for (const event of events) {
    if (event.event === 'watch') watches.set(event.id, { event, throughSn: event.fromSn - 1, told: [] });
    if (event.event !== 'told') continue;
    const watch = watches.get(event.id);
    if (watch === undefined) continue;
    watch.throughSn = event.throughSn;
    watch.told.push(...event.changes.map(({ sn, step, kind, path, toPath }) => line(sn, step, kind, path, toPath ?? '')));
  }
  return [...watches.values()];
}

/** The world's clients change files and directories, each in an entry of its own, or several as the steps of one. */
function changesIn(entry: Entry, sn: number): { sn: number; places: string[]; told: string }[] {
  return (entry.group?.entries ?? [entry]).flatMap((change, step) => {
    const { path, toPath } = change;
    if (!path) return [];
    const places = toPath ? [path, toPath] : [path];
    return [{ sn, places, told: line(sn, step, kindOf(change) ?? '', path, toPath ?? '') }];
  });
}

function isWithin(place: string, path: string): boolean {
  return path === '/' || place === path || place.startsWith(`${path}/`);
}

function line(sn: number, step: number, kind: string, path: string, toPath: string): string {
  return `${sn} ${step} ${kind} ${path} ${toPath}`;
}
