/**
 * What one row of the table of settings says. Types, parser, checks, template and reference all come from these rows.
 */
import type { ValueType } from './value-type.js';

export interface Setting<T = unknown> {
  /** What follows `understudy.` (and `alluxio.`). */
  readonly key: string;
  readonly type: ValueType<T>;
  /** Without one, the setting may be unset (undefined). */
  readonly default?: Default;
  /** Other whole spellings that Alluxio takes for it, without a prefix. */
  readonly alsoSpelled?: readonly string[];
  /** Whether nobody is to see it: neither listings nor complaints show what it holds. */
  readonly isSecret?: true;
  /**
   * When a value that stands in the journal counts (fsadmin config): at once, or when a master is started again. Absent: it stands in files alone,
   * for it is one machine's own, or needed before the journal is read, or a client's.
   */
  readonly inJournal?: 'at once' | 'at start';
  /** It may be set for paths, too (fsadmin pathConf): masters go by it there, whatever a client's own settings say. */
  readonly perPath?: true;
  /** One paragraph: what it does, and when to change it. */
  readonly help: string;
}

/** Text as it would stand in a file (it may refer to other settings, `${understudy.work.dir}`), or one of: */
type Default = string | MachineDefault | DerivedDefault;

/** Known only where the program runs: whoever loads the settings passes it in. */
interface MachineDefault {
  /** For people: what it will be. */
  readonly machine: string;
}

/** Follows from another setting. */
interface DerivedDefault {
  /** For people: what it will be. */
  readonly derived: string;
  /** @param textOf the text that holds for another key. */
  of(textOf: (key: string) => string | undefined): string;
}

/** The value of a row, as its type parses it. */
export type SettingValue<S> = S extends Setting<infer T> ? (S extends { readonly default: Default } ? T : T | undefined) : never;

/** @returns the default as people read it; undefined where there is none. */
export function describeDefault(setting: Setting): string | undefined {
  if (setting.default === undefined || typeof setting.default === 'string') return setting.default;
  return 'machine' in setting.default ? setting.default.machine : setting.default.derived;
}
