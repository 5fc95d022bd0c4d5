import { useSignal } from "@preact/signals";
import { client } from "../studio";
import { Section } from "../ui/controls";

/** What the agents that read words shall play; counts from the next bar on. */
export function TextPrompt() {
  const typed = useSignal<string | null>(null);
  const reader = client.session.value.tracks.find(({ parameters }) => parameters["model"] === "llama");
  if (!reader) return null;
  const text = typed.value ?? String(reader.parameters["prompt_text"] ?? "");
  return (
    <Section title="In words">
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          client.send("/midigpt/prompt/text", text);
          typed.value = null;
        }}
      >
        <input
          type="text"
          aria-label="What the music shall be like"
          placeholder="A slow waltz with strings"
          maxLength={500}
          value={text}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
        <button type="submit" class="button plain">
          <span>Tell the band</span>
        </button>
      </form>
    </Section>
  );
}
