// One load for the fault benches, in a process of its own that may be killed; prints one line of JSON at its end.
import { ETLContext, SILENT_REPORTER } from 'graphweft';
import type { LoadJob } from './killed-load.ts';
import { tripsTask } from './trips-task.ts';

const context = new ETLContext({ reporter: SILENT_REPORTER });
const { success, error, summary } = await tripsTask(
  context,
  JSON.parse(process.argv[2]!) as LoadJob,
).execute();
await context.close();
process.stdout.write(`${JSON.stringify({ success, error: error?.message, summary })}\n`);
