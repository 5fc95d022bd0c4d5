import type { ComponentChildren } from "preact";
import { Button } from "../ui/controls";
import { Band } from "./Band";
import { Files } from "./Files";
import { Log } from "./Log";
import { Model } from "./Model";
import { Sessions } from "./Sessions";
import { isSheetOpen, openTab, TABS, type Tab, tab } from "./tabs";
import { Timing } from "./Timing";

const BODIES: Record<Tab, () => ComponentChildren> = {
  band: () => <Band />,
  model: () => <Model />,
  files: () => <Files />,
  sessions: () => <Sessions />,
  timing: () => <Timing />,
  log: () => <Log />,
};

/** Everything that is not music: one tab at a time. */
export function Panel() {
  return (
    <aside class="panel" data-open={isSheetOpen.value} aria-label="Settings">
      <div class="tabs">
        <div class="tab-list" role="tablist" aria-label="Panels" onKeyDown={onKey}>
          {TABS.map(([name, title]) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`tab-${name}`}
              aria-selected={tab.value === name}
              aria-controls="panel-body"
              tabIndex={tab.value === name ? 0 : -1}
              onClick={() => openTab(name)}
            >
              {title}
            </button>
          ))}
        </div>
        <span class="sheet-close">
          <Button
            label="Close panel"
            icon="close"
            kind="quiet"
            onClick={() => (isSheetOpen.value = false)}
          />
        </span>
      </div>
      <div
        class="panel-body"
        id="panel-body"
        role="tabpanel"
        aria-labelledby={`tab-${tab.value}`}
        tabIndex={0}
      >
        {BODIES[tab.value]()}
      </div>
    </aside>
  );
}

function onKey(event: KeyboardEvent): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const at = TABS.findIndex(([name]) => name === tab.value);
  const [next] = TABS[(at + step + TABS.length) % TABS.length]!;
  openTab(next);
  document.getElementById(`tab-${next}`)?.focus();
}
