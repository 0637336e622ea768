"""The plugin: what it declares is plain data, and importing it imports no framework."""

import zoo


@zoo.hookimpl
def zoo_runtimes() -> list[zoo.RuntimeSpec]:
    return [
        zoo.RuntimeSpec(
            name="litert",
            summary="LiteRT (TensorFlow Lite) with XNNPACK, static batch; int8 quantised after training",
            runtime="zoo_litert.runtime:LiteRT",
            keras_backend="tensorflow",
            precisions=("float32", "int8"),
            requires=("tensorflow", "ai-edge-litert"),
            install="pip install ai-edge-litert tensorflow",
            exports=True,
        )
    ]
