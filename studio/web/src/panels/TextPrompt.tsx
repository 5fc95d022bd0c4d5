import { useSignal } from "@preact/signals";
import { client } from "../studio";
import { Section } from "../ui/controls";

/** Whether the loaded model reads words. */
const takesText = (capabilities: Record<string, boolean>): boolean =>
  Object.entries(capabilities).some(([name, isOffered]) => isOffered && /(^|_)text(_|$)/.test(name));

/** What the music shall be like, in words; counts from the next bar on. */
export function TextPrompt() {
  const { capabilities, text, phase } = client.session.value;
  const typed = useSignal<string | null>(null);
  if (phase === "UNINITIALIZED" || !takesText(capabilities)) return null;
  return (
    <Section title="In words">
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          client.send("/midigpt/prompt/text", typed.value ?? text);
          typed.value = null;
        }}
      >
        <input
          type="text"
          aria-label="What the music shall be like"
          placeholder="A slow waltz with strings"
          maxLength={500}
          value={typed.value ?? text}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
        <button type="submit" class="button plain">
          <span>Tell the band</span>
        </button>
      </form>
    </Section>
  );
}
