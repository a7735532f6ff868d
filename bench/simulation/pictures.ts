/** The pictures of the page on parallel loading. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gridPicture } from './grid-picture.ts';
import { type Point, scheduleChart } from './schedule-chart.ts';
import { defaultSplit } from './setting.ts';
import type { Workload } from './workloads.ts';

const GRID_WORKERS = 16;

export async function drawPictures(folder: string, points: readonly Point[], keys: Workload): Promise<void> {
  const [before, after] = (['hash', 'balanced'] as const).map((plan) =>
    defaultSplit(keys, plan, GRID_WORKERS),
  );
  await writeFile(join(folder, 'schedules.svg'), scheduleChart(points));
  await writeFile(join(folder, 'grid-before-after.svg'), gridPicture(before!, after!, GRID_WORKERS));
}
