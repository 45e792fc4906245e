/**
 * Gathers what was set, and where: files, then environment variables, then `-D`, then the journal, each over the one before.
 *
 * Within one layer the last line of a spelling holds, as in Alluxio; both spellings of one setting (`understudy.` and `alluxio.`) with
 * different values are refused, for nobody can tell which was meant. An empty value in a file or a `-D` puts the default back; an empty
 * environment variable is as if it were not there. What means nothing here is kept aside, for it can still be referred to.
 */
import { editDistance, nearestWord } from './edit-distance.js';
import { parseProperties } from './properties.js';
import type { Setting } from './setting.js';
import { SETTING_GROUPS } from './settings.js';

/** Where a text was set. */
export interface Origin {
  readonly kind: 'file' | 'environment' | 'command line' | 'journal';
  /** For people: `conf/understudy-site.properties:12`, `environment UNDERSTUDY_MASTER_HOSTNAME`, `-Dunderstudy.master.hostname`, `journal`. */
  readonly place: string;
  /** As it was spelled there. */
  readonly spelling: string;
}

interface Assignment {
  /** White space at both ends removed; references not yet replaced. */
  readonly text: string;
  readonly origin: Origin;
  /** What would hold without the journal, where that is set, too. */
  readonly over?: Assignment;
}

export interface Layers {
  /** By suffix: what holds, for each setting that somebody set. */
  readonly assigned: ReadonlyMap<string, Assignment>;
  /** By whole spelling: what means nothing here. */
  readonly ignored: ReadonlyMap<string, Assignment>;
  /** One line each. */
  readonly problems: readonly string[];
}

export interface LayerInput {
  /** Property files, a later one over an earlier one. */
  readonly sources: readonly { readonly name: string; readonly text: string }[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `key=value`, as they followed `-D`. */
  readonly overrides: readonly string[];
  /** What stands in the journal for all masters; keys without prefix, all of them known. */
  readonly journaled?: readonly { readonly key: string; readonly value: string }[];
}

export const PREFIX = 'understudy.';
/** The place of what is set there. */
const JOURNAL = 'journal';
const ALLUXIO_PREFIX = 'alluxio.';

const ALL: readonly Setting[] = SETTING_GROUPS.flatMap((group) => group.settings);
const SUFFIXES = ALL.map((setting) => setting.key);
const KNOWN = new Set(SUFFIXES);
const BY_ENVIRONMENT_NAME = new Map(SUFFIXES.map((key) => [environmentName(key), key]));

const BY_OTHER_SPELLING = new Map(ALL.flatMap(({ key, alsoSpelled = [] }) => alsoSpelled.map((spelling) => [spelling, key] as const)));
const SECRET = new Set(ALL.filter(({ isSecret }) => isSecret).map(({ key }) => key));

/** What is shown of a text that nobody is to see. */
const HIDDEN = '******';

/** @returns `text` as it may be shown: hidden, where the setting is a secret. */
export function shown(key: string, text: string): string {
  return SECRET.has(key) ? HIDDEN : text;
}

/** @returns the environment variable that sets `understudy.<key>`. */
export function environmentName(key: string): string {
  return `${PREFIX}${key}`.toUpperCase().replaceAll('.', '_');
}

/** @returns what follows `understudy.` or `alluxio.`, of whatever spelling names it; undefined for one that names no setting. */
export function knownSuffix(spelling: string): string | undefined {
  const bare = BY_OTHER_SPELLING.get(spelling);
  if (bare !== undefined) return bare;
  const prefix = [PREFIX, ALLUXIO_PREFIX].find((each) => spelling.startsWith(each));
  const suffix = prefix === undefined ? undefined : spelling.slice(prefix.length);
  return suffix !== undefined && KNOWN.has(suffix) ? suffix : undefined;
}

/** @returns the key as our files spell it; of one that is not known, too. */
export function fullKey(spelling: string): string {
  return PREFIX + (knownSuffix(spelling) ?? spelling);
}

/** @returns the nearest known key, with `understudy.` before it. */
export function nearestKey(spelling: string): string {
  return nearestWord(
    spelling,
    SUFFIXES.map((key) => PREFIX + key),
  ) as string;
}

export function gatherLayers(input: LayerInput): Layers {
  const layers = new LayerGatherer();
  const files = input.sources.flatMap(({ name, text }) => {
    const parsed = parseProperties(text);
    layers.problems.push(...parsed.problems.map(({ line, message }) => `${name}:${line}: ${message}`));
    return parsed.properties.map(({ key, value, line }) => assignment('file', `${name}:${line}`, key, value));
  });
  layers.add(files);
  layers.add(Object.entries(input.env).flatMap(([name, value]) => layers.fromEnvironment(name, value ?? '')));
  layers.add(input.overrides.flatMap((text) => layers.fromCommandLine(text)));
  layers.add((input.journaled ?? []).map(({ key, value }) => assignment('journal', JOURNAL, PREFIX + key, value)));
  return layers;
}

function assignment(kind: Origin['kind'], place: string, spelling: string, text: string): Assignment {
  return { text: text.trim(), origin: { kind, place, spelling: spelling.trim() } };
}

class LayerGatherer implements Layers {
  readonly assigned = new Map<string, Assignment>();
  readonly ignored = new Map<string, Assignment>();
  readonly problems: string[] = [];

  /** Puts one layer over what is there. */
  add(layer: readonly Assignment[]): void {
    const bySpelling = new Map(layer.map((each) => [each.origin.spelling, each]));
    const bySuffix = new Map<string, Assignment>();
    for (const [spelling, one] of bySpelling) {
      const suffix = knownSuffix(spelling);
      if (suffix === undefined) this.#unknown(spelling, one);
      else {
        const other = bySuffix.get(suffix);
        if (other !== undefined && other.text !== one.text) this.#contradiction(suffix, other, one);
        bySuffix.set(suffix, one);
      }
    }
    for (const [suffix, one] of bySuffix) {
      const over = one.origin.kind === 'journal' ? this.assigned.get(suffix) : undefined;
      if (one.text === '') this.assigned.delete(suffix);
      else this.assigned.set(suffix, over === undefined ? one : { ...one, over });
    }
  }

  fromEnvironment(name: string, value: string): Assignment[] {
    if (!name.startsWith('UNDERSTUDY_') || value.trim() === '') return [];
    const suffix = BY_ENVIRONMENT_NAME.get(name);
    const one = assignment('environment', `environment ${name}`, suffix === undefined ? name : PREFIX + suffix, value);
    if (suffix !== undefined) return [one];
    this.ignored.set(name, one);
    return [];
  }

  fromCommandLine(text: string): Assignment[] {
    const [, key = '', value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (value !== undefined && key.trim() !== '')
      return [assignment('command line', `-D${/^[\x21-\x7e]{1,120}$/.test(key) ? key : quoted(key)}`, key, value)];
    this.problems.push(`-D${quoted(text)}: not key=value`);
    return [];
  }

  #unknown(spelling: string, one: Assignment): void {
    if (spelling.startsWith(PREFIX) || looksLikeOurs(spelling)) {
      this.problems.push(`${one.origin.place}: unknown key ${quoted(spelling)}; the nearest one is ${nearestKey(spelling)}`);
    } else this.ignored.set(spelling, one);
  }

  #contradiction(key: string, one: Assignment, other: Assignment): void {
    const said = [one, other].map(({ origin, text }) => `${origin.spelling}=${quoted(shown(key, text))} (${origin.place})`);
    this.problems.push(`${other.origin.place}: two spellings of one setting with different values: ${said.join(', ')}`);
  }
}

/** A slip in the prefix must not turn a setting into something that is ignored. */
function looksLikeOurs(spelling: string): boolean {
  const [first = ''] = spelling.split('.', 1);
  return first !== 'alluxio' && first.length < 20 && editDistance(first.toLowerCase(), 'understudy') <= 2;
}

/** @returns `text` on one line, cut where it is long. */
export function quoted(text: string): string {
  const short = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return JSON.stringify(short);
}
