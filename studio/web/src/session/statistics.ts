/** The value below which a share of the values lies; NaN without values. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** Counts in `count` equal bins between the least and the greatest value. */
export function histogram(
  values: readonly number[],
  count: number,
): { bins: number[]; low: number; high: number } {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const bins = new Array<number>(count).fill(0);
  for (const value of values) {
    const bin = Math.floor((count * (value - low)) / (high - low || 1));
    bins[Math.min(bin, count - 1)]!++;
  }
  return { bins, low, high };
}
