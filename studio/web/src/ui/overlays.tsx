import { useEffect } from "preact/hooks";
import { client, player } from "../studio";
import { Button } from "./controls";
import { hint } from "./hint";

const NOTICE_MS = 6000;

/** The tooltip. */
export function Hints() {
  const shown = hint.value;
  if (!shown) return null;
  const [head, ...lines] = shown.lines;
  return (
    <div
      class={shown.isAbove ? "hint above" : "hint"}
      role="tooltip"
      style={{ left: `${shown.x}px`, top: `${shown.y}px` }}
    >
      <b>{head}</b>
      {lines.map((line) => (
        <span key={line}>{line}</span>
      ))}
    </div>
  );
}

/** What the server refused or warned of, and what is wrong with the sound. */
export function Notices() {
  const notice = client.notice.value;
  const problem = player.problem.value;
  useEffect(() => {
    if (!notice) return;
    const timer = setTimeout(() => (client.notice.value = null), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  return (
    <div class="notices" role="alert">
      {problem && (
        <div class="notice" data-kind="error">
          <span>{problem}</span>
        </div>
      )}
      {notice && (
        <div class="notice" data-kind={notice.kind}>
          <span>{notice.text}</span>
          <Button
            label="Dismiss"
            icon="close"
            kind="quiet"
            onClick={() => (client.notice.value = null)}
          />
        </div>
      )}
    </div>
  );
}
