/** Files in and out. */
export function Files() {
  return null;
}
