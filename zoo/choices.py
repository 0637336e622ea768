"""Names that runtimes declare, and that scenarios and recipes choose from."""

DEVICES = ("cpu", "gpu")
PRECISIONS = ("float32", "tf32", "bfloat16", "float16", "int8")
MODES = ("infer",)
RESIZES = ("crop", "squash", "pad")
LOCAL = "local"  # where scenarios are measured without an executor: in processes of this machine
