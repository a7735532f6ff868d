// Writes rows that do not fit into the heap to a file, and prints how many were written and the peak of the memory.
import {
  CSVBatchSink,
  ETLContext,
  LocalDateTime,
  ParquetBatchSink,
  SILENT_REPORTER,
} from '../../../dist/index.js';

const [file, count] = process.argv.slice(2);
const source = {
  async *getBatch(size) {
    for (let from = 0; from < Number(count); from += size) {
      const chunk = Array.from({ length: size }, (_, i) => ({
        id: from + i,
        text: `a text of some length that does not fit in memory a million times, of row ${from + i}`,
        at: new LocalDateTime(from + i, 1_000),
      }));
      yield { chunk, statistics: {}, batchSize: size };
    }
  },
};
const context = new ETLContext({ reporter: SILENT_REPORTER });
const sink = file.endsWith('.parquet')
  ? new ParquetBatchSink(context, { file, predecessor: source, memoryLimitMb: 64 })
  : new CSVBatchSink(context, { file, predecessor: source });
let rows = 0;
for await (const { statistics } of sink.getBatch(2_000)) {
  rows += statistics.csv_rows_written ?? statistics.parquet_rows_written;
}
await context.close();
process.stdout.write(JSON.stringify({ rows, peakMb: Math.round(process.resourceUsage().maxRSS / 1024) }));
