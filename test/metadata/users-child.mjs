/** Becomes a user, then does to files what it is told, one JSON line each; answers `done` or the errno. Arguments: user id, group ids. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import readline from 'node:readline';

const [uid, ...gids] = process.argv.slice(2).map(Number);
process.setgroups(gids);
process.setgid(gids[0]);
process.setuid(uid);

const acts = {
  mkdir: ({ path, mode, umask }) => masked(umask, () => fs.mkdirSync(path, { mode })),
  create: ({ path, mode, umask }) => masked(umask, () => fs.closeSync(fs.openSync(path, 'wx', mode))),
  remove: ({ path }) => (fs.lstatSync(path).isDirectory() ? fs.rmdirSync(path) : fs.unlinkSync(path)),
  rename: ({ path, to }) => fs.renameSync(path, to),
  chmod: ({ path, mode }) => fs.chmodSync(path, mode),
  chgrp: ({ path, group }) => fs.chownSync(path, fs.statSync(path).uid, Number(group)),
  give: ({ path, group }) => fs.chownSync(path, Number(group) - 1000, Number(group)),
  utimes: ({ path }) => fs.utimesSync(path, 1, 1),
  stat: ({ path }) => fs.statSync(path),
  access: ({ path, wanted }) => fs.accessSync(path, wanted),
  list({ path }) {
    if (!fs.statSync(path).isDirectory()) return;
    fs.accessSync(path, fs.constants.X_OK);
    fs.readdirSync(path);
  },
  setfacl({ path, option, list }) {
    fs.statSync(path);
    const { status, stderr } = spawnSync('setfacl', [option, ...(list === '' ? [] : [list]), path], { encoding: 'utf8' });
    if (status !== 0) throw Object.assign(new Error(stderr), { code: /not permitted/.test(stderr) ? 'EPERM' : 'EINVAL' });
  },
};

function masked(umask, act) {
  process.umask(umask);
  act();
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    acts[command.act](command);
    console.log('done');
  } catch (error) {
    console.log(error.code ?? String(error));
  }
}
