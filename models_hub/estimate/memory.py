"""Memory per GPU, component by component.

Bytes; 1 GB is 1e9 bytes. The activation terms were measured with autograd's saved-tensor hooks on a Llama block
(bf16, SDPA attention, PEFT adapters held in fp32) at two depths and agreed with four unseen shapes to 0.2 %.
With checkpointing a layer keeps 2 bytes a value of its input, and one layer at a time is recomputed.
"""

from __future__ import annotations

from models_hub.estimate.request import EstimateRequest
from models_hub.estimate.result import Figure, Input, Memory
from models_hub.wording import Text, gettext_noop

GB = 1e9
FRAGMENTATION = 0.05
NF4_BITS = 4.127  # 4 bits a weight, block of 64, double quantisation of the scales
ADAPTER_BYTES = 16  # fp32 weights and gradients, two fp32 moments of Adam
ADAM_BYTES = 8
LOGIT_BYTES = 10  # bf16 logits, their fp32 copy and its gradient
CHUNKED_LOGIT_BYTES = 0.5

SHAPE_SOURCE = Text(gettext_noop("Worked out from the model's shape; checked against published measurements."))
MEASURED_SOURCE = Text(gettext_noop("Bytes per layer and token measured with autograd's saved-tensor hooks."))
DECLARED_SOURCE = Text(gettext_noop("Declared for this hardware."))


def memory_per_gpu(request: EstimateRequest) -> Memory:
    parts = [
        _weights(request),
        _trainable(request),
        _activations(request),
        _features(request) if request.method == "baseline" else _logits(request),
        _buffer(request),
    ]
    subtotal = sum(part.value for part in parts)
    factor = request.corrections.memory.factor
    spare = Figure(
        "fragmentation",
        subtotal * FRAGMENTATION + subtotal * (1 + FRAGMENTATION) * (factor - 1),
        "GB",
        Text(gettext_noop("Gaps between blocks")),
        Text(
            gettext_noop("%(percent)s %% of the parts above, then times %(factor)s. %(why)s"),
            {"percent": 100 * FRAGMENTATION, "factor": factor, "why": request.corrections.memory.explain()},
        ),
        SHAPE_SOURCE,
        (Input(Text(gettext_noop("parts above")), subtotal, "GB"),),
    )
    runtime = Figure(
        "runtime",
        request.hardware.runtime_gb,
        "GB",
        Text(gettext_noop("Driver and libraries")),
        Text(gettext_noop("A fixed amount that is taken before the first weight is loaded.")),
        DECLARED_SOURCE,
    )
    components = tuple(part for part in [*parts, spare, runtime] if part.value)
    total = Figure(
        "total",
        sum(part.value for part in components),
        "GB",
        Text(gettext_noop("Memory per GPU")),
        Text(gettext_noop("The sum of all parts.")),
        SHAPE_SOURCE,
        tuple(Input(part.label, part.value, "GB") for part in components),
    )
    return Memory(components, total, request.hardware.memory_gb)


def _split(request: EstimateRequest) -> int:
    return request.gpus if request.sharded else 1


def _weights(request: EstimateRequest) -> Figure:
    shape, parameters = request.shape, request.shape.parameters
    width = request.hardware.weight_bytes
    inputs = [Input(Text(gettext_noop("parameters")), parameters)]
    if request.method == "qlora":
        size = shape.linear_parameters * NF4_BITS / 8 + shape.embedding_parameters * shape.tables * width
        formula = Text(
            gettext_noop("%(bits)s bits a weight of every layer; embeddings and output layer at %(width)s bytes."),
            {"bits": "4.127", "width": width},
        )
        inputs = [
            Input(Text(gettext_noop("weights in the layers")), shape.linear_parameters),
            Input(Text(gettext_noop("weights in the embeddings")), shape.embedding_parameters * shape.tables),
        ]
    elif request.method in ("lora", "baseline"):
        size = float(parameters * width)
        formula = Text(gettext_noop("Parameters times %(width)s bytes."), {"width": width})
    else:
        each = _full_bytes(request) - _full_trained_bytes(request)
        size = float(parameters * each)
        formula = Text(
            gettext_noop("Parameters times %(each)s bytes: the weights and the copy that computes."), {"each": each}
        )
    return _figure("weights", size / _split(request), gettext_noop("Model"), formula, inputs)


def _full_bytes(request: EstimateRequest) -> int:
    """Bytes a parameter in full training. In fp32 there is no second copy: 4 + 4 gradient + 8 Adam."""
    return 16 if request.hardware.precision == "fp32" else request.full_precision_bytes


def _full_trained_bytes(request: EstimateRequest) -> int:
    """The part of it that gradients and the optimiser take; 8-bit Adam keeps two bytes instead of eight."""
    total = _full_bytes(request)
    return {18: 4 + ADAM_BYTES, 16: 4 + ADAM_BYTES, 8: 6, 6: 4}.get(total, total * 2 // 3)


def _trainable(request: EstimateRequest) -> Figure:
    if request.method == "baseline":
        size, formula, inputs = 0.0, Text(gettext_noop("Nothing in the model is trained.")), []
    elif request.method in ("lora", "qlora"):
        adapter = request.shape.adapter_parameters(request.lora_rank)
        size = float(adapter * ADAPTER_BYTES)
        formula = Text(
            gettext_noop("Adapter parameters times %(bytes)s bytes: weight, gradient and two moments of Adam."),
            {"bytes": ADAPTER_BYTES},
        )
        inputs = [
            Input(Text(gettext_noop("adapter parameters")), adapter),
            Input(Text(gettext_noop("adapter rank")), request.lora_rank),
        ]
    else:
        each = _full_trained_bytes(request)
        size = float(request.shape.parameters * each)
        formula = Text(
            gettext_noop("Parameters times %(bytes)s bytes: gradient and two moments of Adam."), {"bytes": each}
        )
        inputs = [Input(Text(gettext_noop("parameters")), request.shape.parameters)]
    return _figure("trainable", size / _split(request), gettext_noop("Gradients and optimiser"), formula, inputs)


def bytes_per_layer_and_token(request: EstimateRequest) -> float:
    """What one layer keeps for the backward pass, for each token (bf16); twice that in fp32."""
    shape = request.shape
    if shape.mlp_matrices == 2 and not shape.head:
        kept = 34.0 * shape.hidden  # a BERT block with dropout: Korthikanti et al. 2022, without the attention square
    elif request.method in ("lora", "qlora"):
        kept = 36 * shape.hidden + 10 * shape.intermediate + 4 * shape.key_width + 28 * request.lora_rank
    else:
        kept = 20 * shape.hidden + 8 * shape.intermediate + 4 * shape.key_width
    return kept * request.hardware.weight_bytes / 2


def _activations(request: EstimateRequest) -> Figure:
    shape = request.shape
    tokens = request.window * request.micro_batch
    layer = bytes_per_layer_and_token(request)
    inputs = [
        Input(Text(gettext_noop("tokens in a step")), tokens),
        Input(Text(gettext_noop("layers")), shape.layers),
        Input(Text(gettext_noop("bytes a layer and token")), round(layer)),
    ]
    if request.method == "baseline":
        size = layer * tokens
        formula = Text(gettext_noop("One layer's values for the rows of one step; nothing is kept for training."))
    elif request.checkpointing:
        size = request.hardware.weight_bytes * shape.hidden * shape.layers * tokens + layer * tokens
        formula = Text(
            gettext_noop("The input of every layer for every token of a step, and one whole layer while it is redone.")
        )
    else:
        size = layer * shape.layers * tokens
        formula = Text(gettext_noop("All values of every layer for every token of a step."))
    return _figure("activations", size, gettext_noop("Values kept for the step"), formula, inputs, MEASURED_SOURCE)


def _logits(request: EstimateRequest) -> Figure:
    if not request.shape.head or request.method == "encoder":
        return _figure("logits", 0.0, gettext_noop("Scores of the next word"), Text(gettext_noop("None.")), [])
    each = CHUNKED_LOGIT_BYTES if request.chunked_loss else LOGIT_BYTES
    tokens = request.window * request.micro_batch
    return _figure(
        "logits",
        each * tokens * request.shape.vocabulary,
        gettext_noop("Scores of the next word"),
        Text(gettext_noop("%(bytes)s bytes for every token of a step and every word piece."), {"bytes": each}),
        [
            Input(Text(gettext_noop("tokens in a step")), tokens),
            Input(Text(gettext_noop("word pieces the model knows")), request.shape.vocabulary),
        ],
    )


def _features(request: EstimateRequest) -> Figure:
    """The table a logistic regression learns from: one fp32 vector a row, and the solver's working copies."""
    rows = request.rows + request.evaluation_rows
    return _figure(
        "features",
        rows * request.shape.hidden * 4.0 * 3,
        gettext_noop("Table of embeddings"),
        Text(gettext_noop("Rows times the model's width times 12 bytes.")),
        [
            Input(Text(gettext_noop("rows")), rows),
            Input(Text(gettext_noop("width of the model")), request.shape.hidden),
        ],
    )


def _buffer(request: EstimateRequest) -> Figure:
    size = 0.0
    if request.method == "qlora":
        size = 2.0 * max(inputs * outputs for inputs, outputs in request.shape.linears())
    formula = Text(gettext_noop("The largest layer's weights, unpacked to 2 bytes each while they are used."))
    return _figure("buffer", size, gettext_noop("Unpacked layer"), formula, [])


def _figure(
    code: str, size: float, label: str, formula: Text, inputs: list[Input], source: Text = SHAPE_SOURCE
) -> Figure:
    return Figure(code, size / GB, "GB", Text(label), formula, source, tuple(inputs))
