/**
 * How many linearizable reads a second one client gets answered.
 */
import { everyOne, FILES_PER_DIRECTORY, makeFiles, type Scenario } from './scenario.js';

const READ_FILES = 10_000;
const STATUS_IN_FLIGHT = 1_024;
const LISTINGS_IN_FLIGHT = 8;
/** Bytes that an entry takes in a page of a listing, roughly. */
const LISTED_BYTES = 80;

export const status: Scenario = {
  name: 'status',
  async run({ sizes: { warmUpMs, measureMs }, floors, start }) {
    await using loaded = await start();
    await makeFiles(loaded.client, '/bench', READ_FILES);
    const { units, seconds, p50Ms, p99Ms } = await loaded.client.run(
      everyOne({ operation: 'get-status', base: '/bench', to: READ_FILES, around: true, inFlight: STATUS_IN_FLIGHT, warmUpMs, measureMs }),
    );
    const floor = { what: 'frame echo', value: await floors.echo(STATUS_IN_FLIGHT) };
    const what = `getStatus, depth 3, ${STATUS_IN_FLIGHT} in flight`;
    return [{ name: 'get-status', what, value: units / seconds, unit: '/s', p50Ms, p99Ms, floor }];
  },
};

export const list: Scenario = {
  name: 'list',
  async run({ sizes: { warmUpMs, measureMs }, floors, start }) {
    await using loaded = await start();
    await makeFiles(loaded.client, '/bench', READ_FILES);
    const to = READ_FILES / FILES_PER_DIRECTORY;
    const { units, seconds, p50Ms, p99Ms } = await loaded.client.run(
      everyOne({ operation: 'list', base: '/bench', to, around: true, inFlight: LISTINGS_IN_FLIGHT, warmUpMs, measureMs }),
    );
    const { scannedPerSecond } = await floors.level();
    const echoed = (await floors.echo(LISTINGS_IN_FLIGHT, FILES_PER_DIRECTORY * LISTED_BYTES)) * FILES_PER_DIRECTORY;
    const floor = echoed < scannedPerSecond ? { what: 'echo of pages', value: echoed } : { what: 'LevelDB scan', value: scannedPerSecond };
    const what = `listStatus, ${FILES_PER_DIRECTORY} in a directory, ${LISTINGS_IN_FLIGHT} in flight`;
    return [{ name: 'list-1000', what, value: units / seconds, unit: 'entries/s', p50Ms, p99Ms, floor }];
  },
};
