/**
 * Transcripts: sessions at the command line as text. A line `$ fs ls /` is a command of the user ada, `root$ fs ls /` one of another; below it
 * stands what it printed, what went to stderr behind `! `, and its exit code where that is not 0. Lines that begin with `## ` are remarks.
 */

export interface Ended {
  readonly exitCode: number;
  readonly output: readonly { readonly stream: 'stdout' | 'stderr'; readonly text: string }[];
}

interface Step {
  readonly remark?: string;
  readonly user: string;
  readonly line: string;
}

const COMMAND = /^([a-z]*)\$ (.+)$/;

/** @returns the remarks and commands of a transcript, in order. */
function stepsOf(text: string): Step[] {
  return text.split('\n').flatMap((line): Step[] => {
    if (line.startsWith('## ')) return [{ remark: line, user: '', line: '' }];
    const [, user = '', command] = COMMAND.exec(line) ?? [];
    return command === undefined ? [] : [{ user, line: command }];
  });
}

/** Runs the commands of `text` anew. @returns the transcript of that. */
export async function replay(text: string, run: (user: string, args: string[]) => Promise<Ended>, masked: (text: string) => string) {
  const blocks: string[] = [];
  for (const { remark, user, line } of stepsOf(text)) {
    if (remark !== undefined) {
      blocks.push(`${remark}\n`);
      continue;
    }
    const ended = await run(user || 'ada', wordsOf(line));
    const shown = ended.output.map(({ stream, text: part }) => (stream === 'stdout' ? part : part.replace(/^(?=.)/gm, '! '))).join('');
    const exit = ended.exitCode === 0 ? '' : `exit code ${ended.exitCode}\n`;
    blocks.push(`${user}$ ${line}\n${masked(shown)}${exit}`);
  }
  return blocks.join('\n');
}

/** Splits a line as a shell does: at blanks, but for those in quotes. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word.replace(/'([^']*)'|"([^"]*)"/g, (_, a, b) => a ?? b));
}

/** What differs from run to run, in the order in which it is looked for; columns keep their width where they can. */
const MASKS: readonly (readonly [pattern: RegExp, mask: string])[] = [
  [/\d\d-\d\d-\d{4} \d\d:\d\d:\d\d:\d{3}/g, 'MM-DD-YYYY hh:mm:ss:lll'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'YYYY-MM-DDThh:mm:ss.lllZ'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'YYYY-MM-DD hh:mm:ss'],
  [/\b1[789]\d{11}\b/g, '<unix ms>'],
  [/("(?:id|sn|movedMs|confirmMs|behindMs|lag|appliedSn|newestSn|boundarySn)": ?)[\d.]+/g, '$1<number>'],
  [/^( {2}id: +)\d+$/gm, '$1<number>'],
  [/^\d+(?= YYYY-MM-DD)/gm, '<sn>'],
  [/^(\S+) +\d+ +(YYYY-MM-DDT)/gm, '$1 <sn> $2'],
  [/("(?:bytes|tookMs)":)\d+(?=[^\n]*<unix ms>)/g, '$1<number>'],
  [/("tookMs":)\d+/g, '$1<number>'],
  [/(file id) \d+/g, '$1 <number>'],
  [/held for [\d.]+ ms/g, 'held for <number> ms'],
  [/cluster-[0-9a-f]{16}/g, 'cluster-<hex>'],
  [/\b[0-9a-f]{32}\b/g, '<hex>'],
  [/("?understudy_\w+"?:?) .*?(,?)$/gm, '$1 <figures>$2'],
  [/\d+ day\(s\).*second\(s\)/g, '<duration>'],
  [/(Newest entry|Entries since the newest checkpoint|Confirms in): .*/g, '$1: <number>'],
  [/^(\S+PORT\d) +(ACTIVE|PASSIVE) .*$/gm, '$1 $2 <figures>'],
  [/^(Master Address) {2,}(State) {2,}Epoch.*$/gm, '$1 $2 <figures>'],
];

/** @param places strings of this run by what stands for them. */
export function mask(text: string, places: ReadonlyMap<string, string>): string {
  let masked = text;
  for (const [place, name] of places) {
    // A port is not to be found within a longer number.
    masked = /^\d+$/.test(place) ? masked.replace(new RegExp(`(?<!\\d)${place}(?!\\d)`, 'g'), name) : masked.replaceAll(place, name);
  }
  for (const [pattern, name] of MASKS) masked = masked.replace(pattern, name);
  // Blanks at the end of a line are seen, and survive editors.
  return masked.replace(/ +$/gm, (blanks) => '·'.repeat(blanks.length));
}
