#include "tests/check.hpp"
#include "tests/configurations.hpp"
#include "tokens/vocabulary.hpp"

using namespace midigpt;
using midigpt::tests::everything_config;
using midigpt::tests::yellow_config;

TEST("vocabulary: ids are consecutive and decode to what they encode") {
    const Vocabulary vocabulary(everything_config());
    int next = 0;
    for (const auto& [type, size] : vocabulary.config().token_domains) {
        CHECK_EQUAL(vocabulary.range(type), std::pair{next, next + size});
        for (int value = 0; value < size; ++value, ++next) {
            CHECK_EQUAL(vocabulary.encode(type, value), next);
            CHECK(vocabulary.type(next) == type);
            CHECK_EQUAL(vocabulary.value(next), value);
            CHECK(vocabulary.is_type(next, type));
        }
    }
    CHECK_EQUAL(vocabulary.size(), next);
}

TEST("vocabulary: absent types and values outside are errors") {
    const Vocabulary vocabulary(yellow_config());
    CHECK(!vocabulary.has(TokenType::Genre));
    CHECK_EQUAL(vocabulary.domain_size(TokenType::Genre), 0);
    CHECK_EQUAL(vocabulary.range(TokenType::Genre), std::pair{-1, -1});
    CHECK_THROWS(std::out_of_range, "Genre", vocabulary.encode(TokenType::Genre, 0));
    CHECK_THROWS(std::out_of_range, "Track value 2", vocabulary.encode(TokenType::Track, 2));
    CHECK_THROWS(std::out_of_range, "token id", vocabulary.type(vocabulary.size()));
    CHECK_THROWS(std::out_of_range, "token id -1", vocabulary.value(-1));
    CHECK(!vocabulary.is_type(-1, TokenType::Genre));
    CHECK_EQUAL(vocabulary.encode_clamped(TokenType::Track, 7),
                vocabulary.encode(TokenType::Track, 1));
}

TEST("vocabulary: time signatures and window lengths must be listed") {
    const Vocabulary vocabulary(yellow_config());
    CHECK_EQUAL(vocabulary.time_signature_value(4, 4), 2);
    CHECK_THROWS(std::runtime_error, "8/8", vocabulary.time_signature_value(8, 8));
    CHECK_EQUAL(vocabulary.num_bars_value(8), 1);
    CHECK_THROWS(std::invalid_argument, "4, 8", vocabulary.num_bars_value(5));
}

TEST("configuration: the longest listed bar decides the number of positions") {
    CHECK_EQUAL(Vocabulary(yellow_config()).domain_size(TokenType::TimeAbsolutePos), 192);
}
