import stringWidth from 'string-width';

/** Fills a text with blanks up to a width in terminal columns, behind it or, with `isRight`, before. */
export function padTo(text: string, columns: number, isRight = false): string {
  const blank = ' '.repeat(columns - stringWidth(text));
  return isRight ? blank + text : text + blank;
}

/** Formats a length of time as its two largest units: 850 ms, 12.3 s, 4m 05s, 2h 03m. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
}

/** Formats rows a second, to three digits where there are many: 950, 12.3k, 1.05M. */
export function formatRate(rowsPerSecond: number): string {
  if (!Number.isFinite(rowsPerSecond) || rowsPerSecond <= 0) return '0';
  if (rowsPerSecond < 1_000) return String(Math.round(rowsPerSecond));
  if (rowsPerSecond < 999_500) return `${shorten(rowsPerSecond / 1e3)}k`;
  return `${shorten(rowsPerSecond / 1e6)}M`;
}

function shorten(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}
