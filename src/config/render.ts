// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text is about references
/**
 * Writes the table of settings down for people: the annotated template that operators copy, and the reference.
 * Both are committed below conf/; the tests hold them equal to the table.
 */
import { environmentName, PREFIX } from './layers.js';
import { describeDefault, type Setting } from './setting.js';
import { SETTING_GROUPS } from './settings.js';

const COLUMNS = 100;

const HEAD = [
  'Settings of Understudy. Copy to understudy-site.properties and take the leading # away from what you change.',
  '',
  'The syntax is that of Java properties. ${key} stands for the value of another setting. Durations: 500ms, 4sec, 2min, 1h, 1day, a bare ' +
    'number is milliseconds. Sizes: 512, 8KB, 64MB, 1GB in powers of 1024. Every key may also be spelled alluxio.… as in an Alluxio file. ' +
    'An environment variable (UNDERSTUDY_MASTER_RPC_PORT) overrides the file, and -Dkey=value on a command overrides both; an empty value ' +
    'puts the default back. understudy getConf --source shows what holds, and where from.',
];

/** @returns the text of conf/understudy-site.properties.template. */
export function renderTemplate(): string {
  const groups = SETTING_GROUPS.flatMap(({ title, settings }) => [
    '',
    `# ${'-'.repeat(COLUMNS - 2)}`,
    `# ${title}`,
    `# ${'-'.repeat(COLUMNS - 2)}`,
    ...settings.flatMap((setting) => ['', ...templateLines(setting)]),
  ]);
  return `${[...HEAD.flatMap(commented), ...groups].join('\n')}\n`;
}

function templateLines(setting: Setting): string[] {
  const text = describeDefault(setting);
  const known = typeof setting.default === 'string';
  const type = `(${setting.type.description}${known ? '' : `; default: ${text ?? 'unset'}`})`;
  return [...commented(`${setting.help} ${type}`), `#${PREFIX}${setting.key}=${known ? text : ''}`];
}

/** @returns the text of conf/settings.md. */
export function renderReference(): string {
  const groups = SETTING_GROUPS.flatMap(({ title, settings }) => [
    '',
    `## ${title}`,
    '',
    '| key | takes | default | journal | |',
    '| --- | --- | --- | --- | --- |',
    ...settings.map((setting) => {
      const text = describeDefault(setting) ?? 'unset';
      const value = typeof setting.default === 'string' ? `\`${text}\`` : text;
      return `| \`${PREFIX}${setting.key}\` | ${cell(setting.type.description)} | ${value} | ${journal(setting)} | ${cell(setting.help)} |`;
    }),
  ]);
  const head = [
    '# Settings',
    '',
    ...HEAD.slice(2),
    '',
    `Environment: \`${PREFIX}master.rpc.port\` is \`${environmentName('master.rpc.port')}\`.`,
    '',
    'Journal: whether it can be set for all masters at once, in the journal (fsadmin config set), and when that counts there: *at once*, or *at start*, ' +
      'when a master is started again; *paths*: it can be set for a path and what is below it (fsadmin pathConf add). What stands in the journal counts ' +
      'more than a file, the environment and the command line of a master.',
  ];
  return `${[...head, ...groups].join('\n')}\n`;
}

function journal({ inJournal, perPath }: Setting): string {
  return [...(inJournal === undefined ? [] : [inJournal]), ...(perPath ? ['paths'] : [])].join(', ');
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function commented(paragraph: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of paragraph.split(' ')) {
    if (line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line.trimEnd()];
}
