"""The plugin: what it declares is plain data, and importing it imports no framework."""

import zoo


@zoo.hookimpl
def zoo_runtimes() -> list[zoo.RuntimeSpec]:
    return [
        zoo.RuntimeSpec(
            name="openvino",
            summary="OpenVINO on the CPU, static batch, one request at a time",
            runtime="zoo_openvino.runtime:OpenVINO",
            keras_backend="tensorflow",
            precisions=("float32", "bfloat16", "float16", "int8"),
            requires=("tensorflow", "openvino", "nncf"),
            install="pip install openvino nncf tensorflow",
            exports=True,
        )
    ]
