"""The frozen backbone in bfloat16: what its weights are is decided once, so the passes between convolutions can go.

Batch normalisation that follows a convolution is folded into its weights in float32, before they are rounded; memory is
ordered channels last, as the processors' and the tensor cores' kernels want it. A network that torch.fx cannot trace,
or whose normalisation does more than normalise, is taken as it is, in bfloat16. No kernel here depends on how many
images pass together, so an image has the same features alone or in company, and nothing has to warm up.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from timm.models import get_notrace_functions, get_notrace_modules
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class _Tracer(fx.Tracer):
    """Takes timm's modules that look at shapes as they are."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m) in get_notrace_modules() or super().is_leaf_module(m, module_qualified_name)


def narrowed(network: nn.Module) -> Callable[[Tensor], Sequence[Tensor]]:
    """A function from normalised images (B, 3, S, S) to the network's levels, computed in bfloat16, given in float32.

    Args:
        network: frozen, in evaluation mode; copied, never changed. A later change of its weights is not seen.
    """
    inner = folded(network).to(torch.bfloat16).to(memory_format=torch.channels_last)

    def run(images: Tensor) -> list[Tensor]:
        return [level.float() for level in inner(images.to(torch.bfloat16, memory_format=torch.channels_last))]

    return run


def folded(network: nn.Module) -> nn.Module:
    """A copy of a frozen network, each normalisation that follows a convolution folded into it."""
    network = copy.deepcopy(network)
    tracer = _Tracer(autowrap_functions=tuple(get_notrace_functions()))
    try:
        graph = tracer.trace(network)
    except (fx.proxy.TraceError, TypeError, ValueError, RuntimeError):  # it decides something by what it sees
        return network
    traced = fx.GraphModule(network, graph)
    modules: dict[str, Any] = dict(traced.named_modules())
    for node in list(graph.nodes):
        before: Any = node.args[0] if node.args else None
        if _is(node, nn.BatchNorm2d, modules) and _is(before, nn.Conv2d, modules) and len(before.users) == 1:
            modules[before.target] = fuse_conv_bn_eval(modules[before.target], modules[node.target])
            traced.set_submodule(before.target, modules[before.target])
            node.replace_all_uses_with(before)
            graph.erase_node(node)
    graph.lint()
    traced.recompile()
    return traced.eval()


def _is(node: object, kind: type, modules: dict[str, Any]) -> bool:
    return isinstance(node, fx.Node) and node.op == "call_module" and type(modules[str(node.target)]) is kind
