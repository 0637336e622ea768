"""The plugin: what it declares is plain data, and importing it imports no framework."""

import zoo


@zoo.hookimpl
def zoo_datasets() -> list[zoo.DatasetSpec]:
    return [
        zoo.DatasetSpec(
            name="shapes",
            summary="5,000 drawings of ten shapes, 32×32 in colour: drawn here, no download",
            builder="zoo_shapes.builder:Shapes",
            version="1.0.0",
            classes=10,
            image_shape=(32, 32, 3),
            splits={"train": 4000, "test": 1000},
            digests={
                "train": "94b383733a1af30133d4e068c0a19aaace4d5cba2c859323ef41d98da53d0d37",
                "test": "0dc5eab9e91db1fa93649a92586c7d0f15558b90cb2275b78a5cf883d49092ff",
            },
            licence="CC0-1.0",
            source="drawn by zoo_shapes.drawing; every image follows from its split and its number",
        )
    ]
