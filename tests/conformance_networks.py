"""Published tables of networks against the bundled ones, where the tables are sound.

Rows that the file itself marks as disagreeing, and networks that are not the bundled ones
(torchvision's GoogLeNet, Keras's ResNet with convolution biases), are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from solver.kinds import solve
from solver.networks.layers import Row
from solver.networks.net import Net, network
from tests.conformance import Case, timed

OTHER_NAMES = {
    "alexnet": "alexnet-torchvision",
    "squeezenet1_0": "squeezenet1.0",
    "squeezenet1_1": "squeezenet1.1",
}
KERAS = {
    "MobileNet": "mobilenet-v1",
    "MobileNetV2": "mobilenet-v2",
    "DenseNet121": "densenet121",
    "DenseNet169": "densenet169",
    "DenseNet201": "densenet201",
    "VGG16": "vgg16",
    "VGG19": "vgg19",
}
NOT_OURS = ("googlenet",)


def networks(path: Path) -> Iterator[Case]:
    """Every table of the file that speaks of a bundled network."""
    data = json.loads(path.read_text())
    for table in (
        torchvision, keras, vgg, lenet, alexnet, googlenet, modules, resnet, mobilenet, fields,
        others,
    ):  # fmt: skip
        for id, net, wanted in table(data):
            yield timed(
                f"{table.__name__}: {id}", lambda n=net, w=wanted: differences(n, w)
            )


def differences(net: Net, wanted: dict[str, Any]) -> str:
    """What the public interface answers otherwise than the table says."""
    found = []
    layer = wanted.pop("layer", ())
    for what, value in wanted.items():
        got = ask(net, what, layer)
        if got != value:
            found.append(f"{what} is {got}, not {value}")
    return "; ".join(found)


def ask(net: Net, what: str, layer: Sequence[str]) -> Any:
    """One number about a network, or about some of its layers."""
    if what == "params_nobias":
        return solve("count params", net=net, layer=layer, bias=False).value
    if what == "with_stats":
        return solve("count params", net=net, layer=layer, stats=True).value
    if what == "out":
        return list(solve("shape net", net=net, layer=layer[-1] if layer else "").value)
    if what in ("rf", "stride", "padding"):
        return solve("field net", net=net, layer=layer[0]).value[what]
    return solve(f"count {what}", net=net, layer=layer).value


@cache
def built(name: str, input: tuple[int, ...] | None = None, **options: Any) -> Net:
    net: Net = network[name](**options)
    return Net(net.name, net.layer, input or net.input, net.source)


Table = Iterator[tuple[str, Net, dict[str, Any]]]


def torchvision(data: Any) -> Table:
    for row in data["torchvision"]["rows"]:
        name = OTHER_NAMES.get(row["model"], row["model"].replace("_", "-"))
        if (
            name not in network
            or row["model"] in NOT_OURS
            or not row["weights"].endswith("V1")
        ):
            continue
        if "SWAG" in row["weights"] or "recomputed_macs_flop_counter_meta" not in row:
            continue
        side = row.get("crop_size", 224)
        yield row["model"], built(name, (3, side, side)), {
            "params": row["params_at_this_resolution_no_aux"],
            "macs": row["recomputed_macs_flop_counter_meta"],
        }  # fmt: skip


def keras(data: Any) -> Table:
    for row in data["keras_applications"]["rows"]:
        if row["model"] in KERAS:
            net = built(KERAS[row["model"]])
            yield (
                row["model"],
                net,
                {"params": row["trainable"], "with_stats": row["total"]},
            )


def vgg(data: Any) -> Table:
    names = {"A": "vgg11", "B": "vgg13", "C": "vgg16-c", "D": "vgg16", "E": "vgg19"}
    for letter, row in data["vgg_paper"]["computed"].items():
        yield f"configuration {letter}", built(names[letter]), {
            "params": row["params"], "params_nobias": row["params_no_bias"], "macs": row["macs"],
        }  # fmt: skip
    net = built("vgg16")
    mine = [
        r.name
        for r in net.rows()
        if r.name.startswith(("conv", "pool", "fc", "flatten"))
    ]
    for row, name in zip(data["vgg16_exact"]["rows"][1:], mine):
        wanted = {"layer": (name,), "out": row["out"], "macs": row["macs"]}
        wanted["params"], wanted["params_nobias"] = (
            row["params_bias"],
            row["params_nobias"],
        )
        for ours, theirs in (
            ("rf", "rf"),
            ("stride", "jump"),
            ("connections", "connections_bias"),
        ):
            if row.get(theirs):
                wanted[ours] = row[theirs]
        yield f"vgg16 {row['name']}", net, wanted


def lenet(data: Any) -> Table:
    table, net = data["lenet5"], built("lenet5")
    for row in table["rows"]:
        name = row["layer"].split()[0]
        layer = ("output",) if name == "OUTPUT" else (name,)
        yield f"lenet5 {name}", net, {
            "layer": layer, "params": row["params"], "connections": row["connections"],
        }  # fmt: skip
    yield "lenet5", net, {k: table["totals"][k] for k in ("params", "connections")}
    modern = table["modern_dense_variant"]
    yield "modern", built("lenet5-modern"), {k: modern[k] for k in ("params", "macs")}


def alexnet(data: Any) -> Table:
    for name, key in (
        ("alexnet", "computed_two_gpu_groups"),
        ("alexnet-ungrouped", "computed_no_groups"),
    ):
        table, net = data["alexnet"][key], built(name)
        for row in table["rows"]:
            yield f"{name} {row['name']}", net, {
                "layer": (row["name"],), "params": row["params_bias"],
                "params_nobias": row["params_nobias"], "macs": row["macs"], "out": row["out"],
            }  # fmt: skip
        totals = table["totals"]
        yield name, net, {
            "params": totals["params_bias"], "params_nobias": totals["params_nobias"],
            "macs": totals["macs"],
        }  # fmt: skip


def googlenet(data: Any) -> Table:
    """The computed columns; the published ones where the file says that they agree."""
    table, net = data["googlenet_table1"], built("googlenet")
    names = [r.name for r in net.rows()]
    for row in table["rows"]:
        layer = (
            tuple(n for n in names if n.startswith("conv2"))
            if row["module"] == "conv2"
            else (row["module"],)
        )
        yield f"googlenet {row['module']}", net, {
            "layer": layer, "params": row["params_bias"], "params_nobias": row["params_nobias"],
            "macs": row["macs"],
        }  # fmt: skip
    yield "googlenet", net, {
        "params": table["totals"]["params_bias"], "macs": table["totals"]["macs"],
    }  # fmt: skip


def modules(data: Any) -> Table:
    for key, table in data["inception_modules_exact"].items():
        if not isinstance(table, dict):
            continue
        kind, side, *_ = key.replace("x", "_").split("_")
        net = built(f"inception-{kind}", (256, int(side), int(side)))
        yield key, net, {
            "params": table["totals"]["params_bias"], "macs": table["totals"]["macs"],
            "params_nobias": table["totals"]["params_nobias"], "flops": table["totals"]["flops_2x"],
            "out": table["totals"]["concat_out"],
        }  # fmt: skip


def resnet(data: Any) -> Table:
    for row in data["resnet_table1"]["rows"]:
        wanted = {"params": row["torchvision_params"], "macs": row["torchvision_macs"]}
        yield row["model"], built(row["model"]), wanted
        if "v1_stride_in_1x1_macs" in row:
            yield row["model"] + " v1", built(row["model"] + "-v1"), {
                "params": row["torchvision_params"], "macs": row["v1_stride_in_1x1_macs"],
            }  # fmt: skip


def mobilenet(data: Any) -> Table:
    for row in data["mobilenet_v2"]["rows"]:
        net = built("mobilenet-v2", (3, row["res"], row["res"]), width=row["alpha"])
        yield f"v2 {row['alpha']} {row['res']}", net, {
            "params": row["torchvision_params"], "macs": row["torchvision_macs"],
        }  # fmt: skip


def others(data: Any) -> Table:
    table = data["squeezenet"]
    yield "squeezenet1.0", built("squeezenet1.0"), {
        "params": table["published_params"], "macs": table["torchvision"]["macs"],
    }  # fmt: skip
    table = data["inception_v3"]
    yield "inception-v3", built("inception-v3"), dict(table["torchvision_no_aux"])
    with_aux = {"params": table["torchvision_with_aux_params"]}
    yield "inception-v3 with aux", built("inception-v3", aux=True), with_aux
    for row in data["vit"]["rows"]:
        name = row["model"].replace("_", "-")
        if name in network:
            yield row["model"], built(name), {"params": row["torchvision_params"]}


def fields(data: Any) -> Table:
    """Receptive fields and strides, for the resolution at which the table is general."""
    for row in data["receptive_fields"]["all_rows"]:
        if row["resolution"] is not None:
            continue
        net = FIELD_NETS.get(row["net"])
        layer = endpoint(built(net).rows(), row) if net else None
        if net and layer:
            yield f"{row['net']} {row['end_point']}", built(net), {
                "layer": (layer,), "rf": row["rf"], "stride": row["stride"],
            }  # fmt: skip


FIELD_NETS = {
    "vgg_16": "vgg16",
    "vgg_a": "vgg11",
    "inception_v3": "inception-v3",
    "mobilenet_v1": "mobilenet-v1",
    "resnet_v1_50": "resnet50-v1",
    "resnet_v1_101": "resnet101-v1",
    "resnet_v1_152": "resnet152-v1",
}


def endpoint(rows: Sequence[Row], row: dict[str, Any]) -> str | None:
    """The layer of ours that an endpoint of the table is, or None."""
    names = [r.name for r in rows]
    end = row["end_point"].split("/")[-1]
    if row["net"] == "inception_v3":
        end = {"MaxPool_3a_3x3": "maxpool1", "MaxPool_5a_3x3": "maxpool2"}.get(end, end)
        end = end + ".relu" if end.startswith("Conv2d") else end
    if row["net"] == "mobilenet_v1":
        _, number, *kind = end.split("_")
        end = "conv0" if number == "0" else f"conv{number}_{kind[0]}"
    if row["net"].startswith("resnet"):
        # The table's networks stride in a block's last unit, the paper's in its first: the
        # two agree again at the end of the last block.
        last = [n for n in names if n.startswith("layer4.")]
        return last[-1] if end == "block4" else None
    return end if end in names else None
