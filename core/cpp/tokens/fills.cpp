#include "tokens/fills.hpp"

#include <algorithm>

namespace midigpt {
namespace {

using Ids = std::span<const int>;

std::vector<Ids> fill_blocks(Ids ids, int start, int end) {
    std::vector<Ids> blocks;
    for (auto at = ids.begin(); (at = std::find(at, ids.end(), start)) != ids.end();) {
        ++at;
        blocks.emplace_back(at, std::find(at, ids.end(), end));
    }
    return blocks;
}

}  // namespace

std::vector<int> resolve_fills(Ids ids, const Vocabulary& vocabulary) {
    const int placeholder = vocabulary.range(TokenType::FillInPlaceholder).first;
    const int start = vocabulary.range(TokenType::FillInStart).first;
    const int end = vocabulary.range(TokenType::FillInEnd).first;
    if (placeholder < 0 || start < 0 || end < 0) return {ids.begin(), ids.end()};

    const auto blocks = fill_blocks(ids, start, end);
    auto block = blocks.begin();
    std::vector<int> resolved;
    resolved.reserve(ids.size());
    for (int id : ids) {
        if (id == start) break;
        if (id == placeholder && block != blocks.end()) {
            resolved.insert(resolved.end(), block->begin(), block->end());
            ++block;
        } else {
            resolved.push_back(id);
        }
    }
    return resolved;
}

}  // namespace midigpt
