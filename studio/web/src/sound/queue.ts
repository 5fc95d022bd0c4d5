/** A queue of things to happen at frames, first come first served within a frame. */
export class FrameQueue<T extends { frame: number }> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The next item that is due before `frame`, taken out; undefined if there is none. */
  takeBefore(frame: number): T | undefined {
    const item = this.#items[this.#head];
    if (!item || item.frame >= frame) return undefined;
    this.#head += 1;
    if (this.#head > 1024) this.#compact();
    return item;
  }

  add(item: T): void {
    let low = this.#head;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#items[middle]!.frame <= item.frame) low = middle + 1;
      else high = middle;
    }
    this.#items.splice(low, 0, item);
  }

  /** Take out everything for which `doomed` is true. */
  drop(doomed: (item: T) => boolean): void {
    this.#compact();
    this.#items = this.#items.filter((item) => !doomed(item));
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }

  #compact(): void {
    this.#items.splice(0, this.#head);
    this.#head = 0;
  }
}
