import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { CELL_LABELS, CELL_MEANINGS, type CellState } from "../roll/cell";
import { SHORTCUTS } from "../input/shortcuts";
import { Button } from "../ui/controls";

export const isHelpOpen = signal(false);

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = isHelpOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} class="help" aria-label="Help" onClose={() => (isHelpOpen.value = false)}>
      <header>
        <h1>How to play</h1>
        <Button label="Close" icon="close" kind="quiet" onClick={() => (isHelpOpen.value = false)} />
      </header>
      <div class="help-columns">
        <section>
          <h2>Keys</h2>
          <dl>
            {SHORTCUTS.map(({ keys, about }) => (
              <div key={keys}>
                <dt>
                  {keys.split(" ").map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{about}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section>
          <h2>What the bars say</h2>
          <dl class="legend">
            {(Object.keys(CELL_MEANINGS) as CellState[])
              .filter((state) => state !== "empty")
              .map((state) => (
                <div key={state}>
                  <dt>
                    <span class="bar sample" data-state={state}>
                      {CELL_LABELS[state]}
                    </span>
                  </dt>
                  <dd>{CELL_MEANINGS[state]}</dd>
                </div>
              ))}
          </dl>
          <h2>How the band listens</h2>
          <p>
            At each bar line the model hears all bars that have ended, writes the agents' next bars
            and plays them when their time comes. It never hears the bar you are in.
          </p>
        </section>
      </div>
    </dialog>
  );
}
