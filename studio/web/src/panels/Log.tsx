import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { log } from "../studio";
import { Button, Switch } from "../ui/controls";

const SHOWN = 200;
const FREQUENT = /\/(note|features|sessions|sessions\/query)$/;

/** What goes over the wire. */
export function Log() {
  const filter = useSignal("");
  const hasNotes = useSignal(false);
  const list = useRef<HTMLOListElement>(null);
  void log.version.value;
  const wanted = filter.value.toLowerCase();
  const lines = log.lines
    .filter((line) => hasNotes.value || wanted || !FREQUENT.test(line.address))
    .filter((line) => `${line.address} ${line.text}`.toLowerCase().includes(wanted))
    .slice(-SHOWN);
  useEffect(() => list.current?.scrollTo(0, list.current.scrollHeight), [lines.at(-1)]);
  return (
    <div class="log">
      <input
        type="search"
        placeholder="Filter: note, prompt, error …"
        aria-label="Filter of the log"
        value={filter.value}
        onInput={(event) => (filter.value = event.currentTarget.value)}
      />
      <div class="row">
        <Switch label="Notes" isOn={hasNotes.value} onChange={(isOn) => (hasNotes.value = isOn)} />
        <Button
          label={log.isPaused.value ? "Go on" : "Hold"}
          kind="quiet"
          onClick={() => (log.isPaused.value = !log.isPaused.value)}
        />
        <Button label="Clear" kind="quiet" onClick={() => log.clear()} />
      </div>
      <ol ref={list} tabIndex={0} aria-label="OSC messages">
        {lines.map((line, i) => (
          <li key={i} data-sent={line.isSent}>
            <b>{line.address.replace("/midigpt/", "")}</b> {line.text.slice(0, 300)}
          </li>
        ))}
      </ol>
    </div>
  );
}
