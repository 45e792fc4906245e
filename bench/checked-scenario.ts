/**
 * What permissions cost: the same calls by a user whom every directory on the way lets in by an access control list only, ten components deep.
 */
import { FileSystem } from '../src/cli/understudy.js';
import { changeFigure } from './change-scenarios.js';
import { LoadClient } from './load-client.js';
import { everyOne, makeDirectories, type Scenario } from './scenario.js';

const USER = 'checked';
/** The load's own directories and files are the ninth and the tenth component. */
const BASE = '/1/2/3/4/5/6/7/8';
const READ_FILES = 10_000;
const READS_IN_FLIGHT = 1_024;
const CREATES_IN_FLIGHT = 2_048;

export const checked: Scenario = {
  name: 'checked',
  async run(bench) {
    const { sizes, floors, start } = bench;
    const { files, warmUpMs, measureMs } = sizes;
    await using loaded = await start({ settings: { 'security.group.mapping.class': 'identity' } });
    const { place } = loaded.cluster;
    await using superuser = await FileSystem.connect(place);
    await superuser.createDirectory('/1', { mode: 0o700 });
    await superuser.setAcl('/1', { action: 'modify', entries: `user:${USER}:rwx,default:user:${USER}:rwx,default:other::-` });
    await superuser.createDirectory(BASE, { recursive: true });
    await using client = await LoadClient.start({ ...place, user: USER });
    await makeDirectories(client, BASE, files);
    const made = await client.run(
      everyOne({ operation: 'create-completed', base: BASE, to: files, inFlight: CREATES_IN_FLIGHT, warmUpMs, measureMs }),
    );
    const to = Math.min(READ_FILES, made.next);
    const read = await client.run(
      everyOne({ operation: 'get-status', base: BASE, to, around: true, inFlight: READS_IN_FLIGHT, warmUpMs, measureMs }),
    );
    return [
      await changeFigure(bench, 'checked-create', 'createFile + completeFile, one call, depth 10, by lists', made, CREATES_IN_FLIGHT),
      {
        name: 'checked-status',
        what: `getStatus, depth 10, by lists, ${READS_IN_FLIGHT} in flight`,
        value: read.units / read.seconds,
        unit: '/s',
        p50Ms: read.p50Ms,
        p99Ms: read.p99Ms,
        floor: { what: 'frame echo', value: await floors.echo(READS_IN_FLIGHT) },
      },
    ];
  },
};
