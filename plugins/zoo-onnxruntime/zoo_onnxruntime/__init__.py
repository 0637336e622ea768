"""The plugin: what it declares is plain data, and importing it imports no framework."""

import zoo


@zoo.hookimpl
def zoo_runtimes() -> list[zoo.RuntimeSpec]:
    return [
        zoo.RuntimeSpec(
            name="onnxruntime",
            summary="ONNX Runtime, CPU, static batch; int8 quantised after training (QDQ)",
            runtime="zoo_onnxruntime.runtime:OnnxRuntime",
            keras_backend="tensorflow",
            precisions=("float32", "int8"),
            requires=("tensorflow", "onnx", "onnxruntime", "tf2onnx"),
            install="pip install onnx onnxruntime tensorflow tf2onnx",
            exports=True,
        )
    ]
