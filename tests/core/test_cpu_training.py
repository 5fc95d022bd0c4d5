"""Attention and GELU as a CPU trains them, against those of PyTorch."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from midigpt.inference.model.attention import attend, attention_mask
from midigpt.inference.model.cpu_training import gelu, trains_on_cpu


def _heads(tokens: int) -> list[Tensor]:
    """Queries, keys and values of 2 samples and 3 heads, in the memory order of a GPT-2."""
    made = torch.randn(2, tokens, 3, 3, 16, generator=torch.Generator().manual_seed(tokens))
    return [part.detach().requires_grad_() for part in made.permute(2, 0, 3, 1, 4).unbind(0)]


def _values_and_gradients(y: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    weights = torch.linspace(-1, 1, y.numel()).view_as(y)
    return [y.detach(), *torch.autograd.grad((y * weights).sum(), inputs)]


@pytest.mark.parametrize("tokens", [1, 2, 127, 128, 129, 300])
@pytest.mark.parametrize("hidden", [False, True])
def test_attention_and_its_gradients_are_those_of_pytorch(tokens: int, hidden: bool) -> None:
    visible = None
    if hidden:
        visible = torch.rand(2, tokens, generator=torch.Generator().manual_seed(1)) > 0.3
        visible[:, 0] = torch.tensor([False, True])  # the first query of one sample sees nothing
    mask = attention_mask(tokens, 0, visible, torch.device("cpu"))
    inputs = _heads(tokens)
    assert trains_on_cpu(inputs[0])
    ours = _values_and_gradients(attend(*inputs, mask), inputs)
    seen = torch.ones(tokens, tokens, dtype=torch.bool).tril() if mask is None else mask
    doubles = [part.detach().double().requires_grad_() for part in inputs]
    scores = doubles[0] @ doubles[1].mT / 4
    weights = scores.masked_fill(~seen, -1e300).softmax(-1) * seen
    theirs = _values_and_gradients(weights @ doubles[2], doubles)
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other.float(), rtol=1e-4, atol=1e-5)


def test_gelu_and_its_gradient_are_those_of_pytorch() -> None:
    x = torch.cat((torch.linspace(-12, 12, 4001), torch.tensor([-1e4, 1e4, 0.0]))).requires_grad_()
    double = x.detach().double().requires_grad_()
    ours = _values_and_gradients(gelu(x), [x])
    theirs = _values_and_gradients(F.gelu(double, approximate="tanh"), [double])
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other.float(), rtol=1e-5, atol=1e-5)


def test_inference_and_other_numbers_are_left_to_pytorch() -> None:
    x = torch.ones(3, requires_grad=True)
    with torch.no_grad():
        assert not trains_on_cpu(x)
    assert not trains_on_cpu(x.bfloat16())
    assert not trains_on_cpu(x.detach())
