#include "engine/json.hpp"

#include <cstdint>
#include <cstdlib>
#include <stdexcept>

namespace midigpt::engine {
namespace {

constexpr int kMaxDepth = 32;

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Json document() {
        Json json = value(0);
        skip_space();
        if (at_ != text_.size()) fail("text after the end");
        return json;
    }

private:
    Json value(int depth) {
        if (depth > kMaxDepth) fail("nesting is too deep");
        skip_space();
        switch (peek()) {
            case '{': return object(depth);
            case '[': return array(depth);
            case '"': return Json{string()};
            case 't': return literal("true", Json{true});
            case 'f': return literal("false", Json{false});
            case 'n': return literal("null", Json{nullptr});
            default: return number();
        }
    }

    Json object(int depth) {
        Json::Object members;
        expect('{');
        skip_space();
        if (accept('}')) return Json{std::move(members)};
        do {
            skip_space();
            std::string name = string();
            skip_space();
            expect(':');
            members.emplace_back(std::move(name), value(depth + 1));
            skip_space();
        } while (accept(','));
        expect('}');
        return Json{std::move(members)};
    }

    Json array(int depth) {
        Json::Array items;
        expect('[');
        skip_space();
        if (accept(']')) return Json{std::move(items)};
        do {
            items.push_back(value(depth + 1));
            skip_space();
        } while (accept(','));
        expect(']');
        return Json{std::move(items)};
    }

    Json literal(std::string_view word, Json json) {
        if (text_.substr(at_, word.size()) != word) fail("unknown word");
        at_ += word.size();
        return json;
    }

    Json number() {
        constexpr std::string_view kCharacters = "+-.0123456789eE";
        const std::size_t first = at_;
        while (at_ < text_.size() && kCharacters.find(text_[at_]) != kCharacters.npos) ++at_;
        const std::string digits(text_.substr(first, at_ - first));
        char* end = nullptr;
        const double parsed = std::strtod(digits.c_str(), &end);
        if (digits.empty() || *end != '\0') fail("not a number");
        return Json{parsed};
    }

    std::string string() {
        std::string out;
        expect('"');
        while (!accept('"')) {
            const char c = peek();
            ++at_;
            if (c == '\\') {
                append_escape(out);
            } else {
                out.push_back(c);
            }
        }
        return out;
    }

    void append_escape(std::string& out) {
        const char c = peek();
        ++at_;
        switch (c) {
            case 'b': out.push_back('\b'); break;
            case 'f': out.push_back('\f'); break;
            case 'n': out.push_back('\n'); break;
            case 'r': out.push_back('\r'); break;
            case 't': out.push_back('\t'); break;
            case 'u': append_utf8(out, hex4()); break;
            case '"':
            case '\\':
            case '/': out.push_back(c); break;
            default: fail("unknown escape");
        }
    }

    std::uint32_t hex4() {
        std::uint32_t code = 0;
        for (int i = 0; i < 4; ++i) {
            const char c = peek();
            ++at_;
            const int digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0) fail("bad \\u escape");
            code = code * 16 + static_cast<std::uint32_t>(digit);
        }
        return code;
    }

    // Surrogate pairs are kept as two code units: tensor names have no use for them.
    static void append_utf8(std::string& out, std::uint32_t code) {
        if (code < 0x80) {
            out.push_back(static_cast<char>(code));
        } else if (code < 0x800) {
            out.push_back(static_cast<char>(0xC0 | (code >> 6)));
            out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
        } else {
            out.push_back(static_cast<char>(0xE0 | (code >> 12)));
            out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
            out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
        }
    }

    char peek() const {
        if (at_ >= text_.size()) fail("unexpected end");
        return text_[at_];
    }
    bool accept(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void expect(char c) {
        if (!accept(c)) fail(std::string("expected '") + c + "'");
    }
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' ||
                                      text_[at_] == '\r')) {
            ++at_;
        }
    }
    [[noreturn]] void fail(const std::string& what) const {
        throw std::runtime_error("JSON: " + what + " at offset " + std::to_string(at_));
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

const Json* Json::find(std::string_view name) const {
    const auto* members = std::get_if<Object>(&value);
    if (members == nullptr) return nullptr;
    for (const auto& [key, member] : *members) {
        if (key == name) return &member;
    }
    return nullptr;
}

Json parse_json(std::string_view text) { return Parser(text).document(); }

}  // namespace midigpt::engine
