"""A Keras model as a graph of PyTorch's operations, without what Keras does between them.

Keras computes a convolution as a copy to contiguous channels-first, a copy to channels-last, the convolution, a
permutation and an addition: the copies take as long as the convolution. None of the passes changes what is computed
but for rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

TO_CHANNELS_LAST = [0, 2, 3, 1]  # from (batch, channels, height, width)


def traced(model: keras.Model, batch_size: int, precision: str, device: Any) -> Any:
    """The operations of the model on a batch of that size, from float32 images to float32 logits."""
    import torch
    from torch.func import functionalize
    from torch.fx.experimental.proxy_tensor import make_fx

    from zoo.modeling.fold import fold

    inference = fold(model, precision)
    example = torch.zeros((batch_size, *model.input_shape[1:]), device=device)
    with torch.no_grad():
        forward = functionalize(lambda images: inference(images, training=False).to(torch.float32))
        # Only shapes are traced: Keras holds every activation until the end, more than any batch needs to be computed.
        module = make_fx(forward, tracing_mode="fake", _allow_non_fake_inputs=True)(example)
        _compute_constants(module)
        _drop_copies(module.graph)
        _give_biases(module)
        _cancel_permutations(module.graph)
    module.graph.eliminate_dead_code()
    module.recompile()
    return module


def prepare_to_interpret(module: Any) -> None:
    """For a graph that is run operation by operation, not compiled.

    ReLU overwrites what it is given, where nothing else reads that: fresh memory costs more than the maximum. And
    frequent operations are called by their bindings in `torch`, a microsecond quicker than those in `torch.ops`.
    """
    import torch

    aten = torch.ops.aten
    makes_a_tensor = (aten.convolution.default, aten.add.Tensor, aten.mm.default, aten.addmm.default)
    for node in module.graph.nodes:
        if node.target is aten.relu.default:
            source = node.args[0]
            if source.target in makes_a_tensor and len(source.users) == 1:
                node.target = aten.relu_.default
    quicker = {
        aten.convolution.default: torch.convolution,
        aten.relu.default: torch.relu,
        aten.relu_.default: torch.relu_,
        aten.add.Tensor: torch.add,
        aten.addmm.default: torch.addmm,
        aten.permute.default: torch.permute,
        aten.mean.dim: torch.mean,
    }
    for node in module.graph.nodes:
        if node.op == "call_function":
            node.target = quicker.get(node.target, node.target)
    module.recompile()


def _compute_constants(module: Any) -> None:
    """Replace what depends on no input by its value: weights brought to the layout that the kernels read, once."""
    import torch
    from torch.fx.node import map_arg

    known: dict[Any, Any] = {}
    for node in module.graph.nodes:
        if node.op == "get_attr":
            known[node] = getattr(module, node.target)
        elif node.op == "call_function" and node.all_input_nodes and all(n in known for n in node.all_input_nodes):
            arguments = map_arg((node.args, node.kwargs), known.__getitem__)
            known[node] = node.target(*arguments[0], **arguments[1])
    for node, value in known.items():
        if node.op == "call_function" and any(user not in known for user in node.users):
            node.replace_all_uses_with(_constant(module, node, torch.as_tensor(value).detach()))
    module.graph.eliminate_dead_code()


def _drop_copies(graph: Any) -> None:
    """Let every tensor lie as the operation before has left it, which is channels last: nothing is changed in place."""
    from torch import ops

    for node in graph.nodes:
        if node.target is ops.aten.clone.default:
            node.replace_all_uses_with(node.args[0])
        elif node.target in (ops.aten.view.default, ops.aten._unsafe_view.default):
            node.target = ops.aten.reshape.default  # a view takes what lies in one piece


def _give_biases(module: Any) -> None:
    """Have a convolution or a matrix product add its bias itself."""
    from torch import ops

    for node in list(module.graph.nodes):
        if node.target is not ops.aten.add.Tensor or node.kwargs or len(node.all_input_nodes) != 2:
            continue
        before, bias = node.args
        if bias.op != "get_attr" or len(before.users) > 1:
            continue
        value = getattr(module, bias.target)
        if value.dtype != before.meta["val"].dtype:
            continue
        if before.target is ops.aten.mm.default:
            if value.dim() == 1:
                before.args, before.target = (bias, *before.args), ops.aten.addmm.default
                bias.append(before)
                node.replace_all_uses_with(before)
        elif before.target is ops.aten.permute.default and before.args[1] == TO_CHANNELS_LAST:
            convolution = before.args[0]
            if convolution.target is not ops.aten.convolution.default or len(convolution.users) > 1:
                continue
            channels = convolution.meta["val"].shape[1]
            if convolution.args[2] is None and tuple(value.shape) in ((channels,), (1, 1, 1, channels)):
                given = _constant(module, convolution, value.reshape(channels).contiguous())
                convolution.update_arg(2, given)
                node.replace_all_uses_with(before)


def _cancel_permutations(graph: Any) -> None:
    """Leave out what is permuted there and back: a view costs a microsecond. What is done to each element may be done
    before a permutation as well as after it."""
    from torch import ops

    aten, permute = ops.aten, ops.aten.permute.default
    by_element = (
        *(aten.relu.default, aten.silu.default, aten.sigmoid.default, aten.hardtanh.default, aten.hardswish.default),
        *(aten.add.Tensor, aten.mul.Tensor),
    )
    for node in list(graph.nodes):
        sources = node.all_input_nodes
        if any(source.target is not permute for source in sources) or not sources:
            continue
        order = sources[0].args[1]
        if node.target is permute and [order[axis] for axis in node.args[1]] == sorted(order):
            node.replace_all_uses_with(sources[0].args[0])
        elif node.target in by_element and all(source.args[1] == order for source in sources):
            node.args = tuple(arg.args[0] if arg in sources else arg for arg in node.args)
            with graph.inserting_after(node):
                after = graph.call_function(permute, (node, order))
            node.replace_all_uses_with(after, delete_user_cb=lambda user, after=after: user is not after)


def _constant(module: Any, before: Any, value: Any) -> Any:
    """A node that gives a tensor."""
    number = sum(1 for _ in module.named_buffers(remove_duplicate=False))
    module.register_buffer(f"computed_{number}", value)
    with module.graph.inserting_before(before):
        return module.graph.get_attr(f"computed_{number}")
