// The grammar of token sequences: what an encoded score looks like, bar by bar and note by note.
//
// Reproduces the masks of MIDI-GPT 0.4.2, whose oddities checkpoints have learned to live with: a
// generated bar cannot be empty (Q22), position 0 is legal although the encoder never writes it
// (Q8), and after a bar attribute positions may run backwards (Q23). Tags: docs/compatibility.md.
#pragma once

#include <vector>

#include "grammar/constraint.hpp"
#include "grammar/type_set.hpp"

namespace midigpt {

struct GrammarOptions {
    int exact_bars = -1;            // bars of every track; negative: any number
    int max_tracks = -1;            // negative: any number
    bool require_notes = true;      // a bar or fill block ends only after a note
    bool autoregressive = false;    // no fill-in tokens
    bool mask_track_start = false;  // no Track
    bool mask_track_end = false;    // no TrackEnd

    // Departures from 0.4.2, all off by default.
    bool header_without_bar_types = false;  // D22: no bar-level onset polyphony in a track header
    bool fill_in_target_meter = false;      // D23: a fill block has the length of its target bar
    bool fill_end_is_final = false;         // D24: no BarEnd after a fill block
};

class GrammarConstraint final : public Constraint {
public:
    GrammarConstraint() = default;
    explicit GrammarConstraint(const GrammarOptions& options) : options(options) {}

    std::unique_ptr<Constraint> clone() const override;
    void step(int id, const Vocabulary& vocab) override;
    void mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const override;
    void begin_fill(const FillTarget& target) override;

    GrammarOptions options;

private:
    void set_meter(int value, const std::vector<TimeSignature>& listed);
    TypeSet legal_types() const;
    TypeSet legal_by_last_type() const;
    TypeSet after_header_token() const;
    TypeSet after_bar_end() const;
    TypeSet next_bar_or_track_end() const;
    bool bar_may_end() const { return has_notes_ || !options.require_notes; }
    TypeSet bar_end_if_allowed() const;
    TokenType block_end() const { return in_fill_ ? TokenType::FillInEnd : TokenType::BarEnd; }

    TokenType last_ = TokenType::PieceStart;
    int tracks_ = 0;
    int bars_ = 0;  // since the last Track
    bool in_bar_ = false;
    bool in_fill_ = false;
    bool has_notes_ = false;  // in this bar or fill block
    bool drum_ = false;
    int position_ = -1;          // last one in this bar or fill block
    TimeSignature meter_{4, 4};  // of this bar
};

}  // namespace midigpt
