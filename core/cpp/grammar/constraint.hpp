// A constraint watches every token, prompt and generated, and says which ids may not come next, and
// which should rather not.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "tokens/vocabulary.hpp"

namespace midigpt {

// The bar that the fill block being written will replace.
struct FillTarget {
    bool drum = false;
    TimeSignature meter{4, 4};
};

class Constraint {
public:
    virtual ~Constraint() = default;
    virtual std::unique_ptr<Constraint> clone() const = 0;

    // Takes notice of a token. Neither this nor mask() nor bias() allocates: they run once per token.
    virtual void step(int id, const Vocabulary& vocab) = 0;

    // Clears allowed[id] (one byte per id of `vocab`) for each id that may not come next; sets none.
    virtual void mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const = 0;

    // Lowers or raises the logits (one per id of `vocab`) of ids that are less or more welcome.
    virtual void bias(const Vocabulary& vocab, std::span<float> logits) const {
        static_cast<void>(vocab), static_cast<void>(logits);
    }

    // A fill block has been opened for `target`: its tokens do not tell which bar it belongs to.
    virtual void begin_fill(const FillTarget& target) { static_cast<void>(target); }

protected:
    Constraint() = default;
    Constraint(const Constraint&) = default;
    Constraint& operator=(const Constraint&) = default;
};

}  // namespace midigpt
